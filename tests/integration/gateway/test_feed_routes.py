"""Feeds over HTTP: made, shown, changed, polled and removed; what leads into a private network is refused at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.gateway.conftest import Gateway, environment, with_key
from tests.servers.feed_server import FeedServer, serving, stories
from tests.servers.services import Services
from tests.waiting import until

URL = "https://example.org/feed.xml"


@pytest.fixture
async def polling(amqp_url: str, file_store_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway and the service that polls feeds, also of this machine."""
    settings = {
        **environment(amqp_url, file_store_url),
        "PODCAST_FETCH_ALLOW": "127.0.0.0/8",
        "PODCAST_FEED_LOOK_SECONDS": "0.2",
    }
    with Services(settings, tmp_path / "logs") as services:
        worker, _ = services.start("gateway", "feeds")
        await services.ready()
        async with with_key(worker.health_url) as client:
            yield Gateway(services, worker, client)


async def test_a_feed_is_made_shown_changed_and_removed(gateway: Gateway) -> None:
    made = await gateway.client.post("/v1/feeds", json={"url": URL, "rules": {"first_items": 3, "digest": "daily"}})
    assert made.status_code == 201, made.text
    where = made.headers["location"]
    assert (await gateway.client.get(where)).json() == made.json()
    assert made.json()["rules"]["first_items"] == 3
    again = await gateway.client.post("/v1/feeds", json={"url": URL})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/feed-exists")

    changed = await gateway.client.patch(where, json={"rules": {"digest": None, "exclude_words": ["AI"]}, "title": "T"})
    assert (changed.json()["rules"]["digest"], changed.json()["rules"]["exclude_words"]) == (None, ["AI"])
    assert (changed.json()["rules"]["first_items"], changed.json()["title"]) == (3, "T")
    paused = await gateway.client.patch(where, json={"paused": True})
    assert (paused.json()["state"], paused.json()["next_poll_at"]) == ("paused", None)
    refused = await gateway.client.post(f"{where}/poll")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/feed-paused")
    listed = (await gateway.client.get("/v1/feeds")).json()
    assert [feed["id"] for feed in listed["feeds"]] == [made.json()["id"]]

    assert (await gateway.client.delete(where)).status_code == 204
    assert (await gateway.client.get(where)).status_code == 404


async def test_feeds_are_listed_a_page_at_a_time(gateway: Gateway) -> None:
    wanted = set()
    for number in range(5):
        made = await gateway.client.post("/v1/feeds", json={"url": f"{URL}?{number}"})
        wanted.add(made.json()["id"])
    found: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await gateway.client.get("/v1/feeds", params=params)).json()
        found += [feed["id"] for feed in page["feeds"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert (len(found), set(found)) == (5, wanted)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"url": "http://127.0.0.1/feed.xml"}, "forbidden-address"),
        ({"url": "http://0x7f.1/feed.xml"}, "forbidden-address"),
        ({"url": "ftp://example.org/"}, "bad-input"),
        ({"url": URL, "rules": {"show": "none-such"}}, "bad-input"),
        ({"url": URL, "rules": {"every": "day"}}, "bad-input"),
        ({"url": URL, "rules": {"digest_hour": 24}}, "bad-input"),
    ],
)
async def test_what_cannot_be_a_feed_is_refused_and_nothing_is_stored(
    gateway: Gateway, document: dict[str, object], kind: str
) -> None:
    refused = await gateway.client.post("/v1/feeds", json=document)
    assert refused.json()["type"] == f"/problems/{kind}"
    assert (await gateway.client.get("/v1/feeds")).json()["feeds"] == []


async def test_a_password_in_an_address_is_not_shown(gateway: Gateway) -> None:
    made = await gateway.client.post("/v1/feeds", json={"url": "https://me:secret@example.org/feed.xml"})
    assert "secret" not in made.text + (await gateway.client.get("/v1/feeds")).text + gateway.services.log("gateway")


async def test_a_feed_that_is_added_becomes_jobs_within_seconds(polling: Gateway) -> None:
    with FeedServer(answers={"/feed.xml": serving(stories(5))}).listening() as site:
        made = (await polling.client.post("/v1/feeds", json={"url": site.url(), "rules": {"first_items": 2}})).json()

        async def shown() -> dict[str, object]:
            return dict((await polling.client.get(f"/v1/feeds/{made['id']}")).json())

        async def has_jobs() -> bool:
            return (await shown())["jobs"] == 2

        await until(has_jobs, "the newest two are jobs")
        items = (await shown())["items"]
        assert isinstance(items, list)
        assert [item["title"] for item in items] == ["Story 5", "Story 4"]
        for item in items:
            assert (await polling.client.get(f"/v1/jobs/{item['job_id']}")).status_code == 200

        asked = len(site.requests)
        assert (await polling.client.post(f"/v1/feeds/{made['id']}/poll")).status_code == 202
        await until(lambda: len(site.requests) > asked, "it is polled again")
        assert await has_jobs()
