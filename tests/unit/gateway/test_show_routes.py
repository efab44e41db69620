"""Shows over HTTP: made, changed, listed, deleted; their episodes and the tokens of their feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.client import shows
from tests.unit.gateway.made_shows import PNG, PUBLIC_URL, Shows, gateway_with_shows

WANTED: dict[str, Any] = {
    "show_id": "essays",
    "title": "Essays",
    "description": "Old essays.",
    "categories": ["Arts > Books"],
    "persons": [{"name": "A. Reader", "href": "https://example.org/reader"}],
    "lexicon": [{"word": "Cato", "say": "Kay-toe"}],
    "voices": {"de": "thorsten"},
}


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Shows]:
    async with gateway_with_shows(tmp_path / "store") as found:
        yield found


async def test_a_show_is_made_shown_changed_and_deleted(made: Shows) -> None:
    created = await made.operator.post("/v1/shows", json=WANTED)
    assert created.status_code == 201, created.text
    where = created.headers["location"]
    shown = created.json()
    assert shown["feed_url"] == f"{PUBLIC_URL}/shows/essays/feed.xml"
    assert shown["guid"] == shows.guid_of(shown["feed_url"])
    assert (shown["visibility"], shown["lexicon"][0]["say"]) == ("private", "Kay-toe")
    assert (await made.operator.get(where)).json() == shown
    again = await made.operator.post("/v1/shows", json=WANTED)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/conflict")

    changed = await made.operator.patch(
        where, json={"title": "New", "voice": "alan", "visibility": "public", "keep_episodes": 5.0}
    )
    assert changed.status_code == 200, changed.text
    assert {name for name, value in changed.json().items() if shown[name] != value} == {
        *("title", "voice", "visibility", "keep_episodes", "updated_at"),
    }
    cleared = await made.operator.patch(where, json={"voice": None})
    assert cleared.json()["voice"] is None
    assert (await made.operator.delete(where)).status_code == 204
    for response in (await made.operator.get(where), await made.operator.delete(where)):
        assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize(
    "wrong",
    [
        {"categories": ["Essays"]},
        {"link": "javascript:alert(1)"},
        {"title": None},
        {"persons": [{"name": "x", "href": "ftp://example.org"}]},
        {"owner_email": "x"},
        {"guid": "x"},
        {"explicit": "no"},
        {"voices": {"German": "x"}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_a_wrong_change_is_refused_and_changes_nothing(made: Shows, wrong: dict[str, Any]) -> None:
    before = (await made.operator.post("/v1/shows", json=WANTED)).json()
    response = await made.operator.patch("/v1/shows/essays", json={"author": "B", **wrong})
    assert response.status_code == 422, response.text
    assert (await made.operator.get("/v1/shows/essays")).json() == before


async def test_shows_are_listed_in_pages(made: Shows) -> None:
    for number in range(5):
        await made.show(f"show-{number}")
    listed: list[str] = []
    where: str | None = "/v1/shows?limit=2"
    while where is not None:
        response = await made.operator.get(where)
        listed += [one["show_id"] for one in response.json()["shows"]]
        link = response.headers.get("link")
        where = link.partition(">")[0].removeprefix("<") if link else None
    assert listed == [f"show-{number}" for number in range(5)]


async def test_a_cover_is_a_picture(made: Shows) -> None:
    await made.show()
    where = "/v1/shows/essays/cover"
    response = await made.operator.put(where, content=PNG, headers={"Content-Type": "image/png"})
    assert response.status_code == 200, response.text
    assert response.json()["cover"].endswith(".png")
    for content, kind, status in (
        (b"GIF89a", "image/png", 422),
        (PNG, "image/gif", 415),
        (b"0" * 10_000_001, "image/png", 413),
    ):
        refused = await made.operator.put(where, content=content, headers={"Content-Type": kind})
        assert refused.status_code == status


async def test_episodes_are_listed_newest_first_with_what_is_not_completed(made: Shows) -> None:
    await made.show()
    for number in range(3):
        await made.job(f"j{number}", published_at=1_000.0 + number, number=number + 1)
    await made.job("j3", published_at=2_000.0, state="failed")
    await made.job("j4", episode_id="j1")
    first = (await made.operator.get("/v1/shows/essays/episodes", params={"limit": 3})).json()
    second = (await made.operator.get("/v1/shows/essays/episodes", params={"limit": 3, "cursor": first["next"]})).json()
    assert [one["episode_id"] for one in first["episodes"] + second["episodes"]] == ["j3", "j2", "j1", "j0"]
    assert (first["episodes"][0]["links"], second["next"]) == (None, None)
    rendered_twice = first["episodes"][2]
    assert rendered_twice["jobs"] == ["j1", "j4"]
    assert (await made.operator.get("/v1/shows/essays/episodes/j1")).json() == rendered_twice
    audio = urlsplit(rendered_twice["links"]["audio"]).path
    assert audio == "/shows/essays/episodes/j1/j4/audio.mp3"
    assert (await made.client.get(audio)).status_code == 200
    assert (await made.operator.get("/v1/shows/essays/episodes/none")).status_code == 404


async def test_an_episode_is_renamed_and_hidden(made: Shows) -> None:
    await made.show()
    await made.job("j1")
    where = "/v1/shows/essays/episodes/j1"
    before = (await made.operator.get(where)).json()
    after = (await made.operator.patch(where, json={"title": "New", "number": 7, "is_hidden": True})).json()
    assert {name for name, value in after.items() if before[name] != value} == {"title", "number", "is_hidden"}
    assert (await made.operator.patch(where, json={"link": "file:///etc/passwd"})).status_code == 422


async def test_tokens_are_shown_once_and_revoked_one_by_one(made: Shows) -> None:
    await made.show(visibility="private")
    created = await made.operator.post("/v1/shows/essays/tokens", json={"name": "phone"})
    assert created.status_code == 201, created.text
    address = urlsplit(created.json()["feed_url"])
    feed = f"{address.path}?{address.query}"
    assert (await made.client.get(feed)).status_code == 200
    [listed] = (await made.operator.get("/v1/shows/essays/tokens")).json()["tokens"]
    assert listed == {name: value for name, value in created.json().items() if name != "feed_url"}
    revoked = await made.operator.delete(f"/v1/shows/essays/tokens/{listed['id']}")
    assert revoked.json()["revoked_at"] is not None
    assert (await made.client.get(feed)).status_code == 401
    assert (await made.operator.delete("/v1/shows/essays/tokens/0123456789ab")).status_code == 404


async def test_nothing_is_done_without_a_key(made: Shows) -> None:
    await made.show(visibility="private")
    for method, path in (
        ("GET", ""),
        ("POST", ""),
        ("GET", "/essays"),
        ("PATCH", "/essays"),
        ("DELETE", "/essays"),
        ("PUT", "/essays/cover"),
        ("GET", "/essays/episodes"),
        ("POST", "/essays/tokens"),
        ("GET", "/essays/tokens"),
    ):
        assert (await made.client.request(method, f"/v1/shows{path}")).status_code == 401, (method, path)
