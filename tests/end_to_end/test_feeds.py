"""Feeds through all services: what is published is heard, what is broken is explained."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.client.feeds import stored
from shared.client.feeds.model import Feed, FeedRules
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobStatus
from shared.store import job_manifest, keys
from tests.servers.feed_server import FeedServer, answering, item, rss, serving
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import ToneSpeech
from tests.unit.feeds.polled import due
from tests.waiting import until

TEXT = "the ferry left the old harbour at dawn with nine people and a dog on board while the rain went on. "
BROKEN = (4, 11, 17)


@pytest.fixture
def site() -> Iterator[FeedServer]:
    with FeedServer().listening() as server:
        yield server


@pytest.fixture
async def pipeline(rabbitmq: RabbitServer, tone_speech: ToneSpeech, tmp_path: Path) -> AsyncIterator[Services]:
    amqp_url = rabbitmq.vhost()
    environment = {
        "PODCAST_AMQP_URL": amqp_url,
        "PODCAST_STORE_URL": (tmp_path / "store").as_uri(),
        "PODCAST_SPEECH_URL": tone_speech.url,
        "PODCAST_SPEECH_ENGINE": "tones",
        "PODCAST_NORMALISE_TEXT": "false",
        "PODCAST_FETCH_ALLOW": "127.0.0.0/8",
        "PODCAST_FEED_LOOK_SECONDS": "0.2",
        "PODCAST_FEED_SHORTEST_INTERVAL_SECONDS": "1",
        "PODCAST_ATTEMPTS_LIMIT": "2",
    }
    with Services(environment, tmp_path / "logs") as started:
        started.start(*SERVICES, "feeds")
        await started.ready()
        yield started
    rabbitmq.drop_vhost(amqp_url)


async def added(services: Services, url: str, **rules: object) -> Feed:
    feed = stored.new_feed(stored.checked_url(url), rules=FeedRules.model_validate(rules, strict=False))
    await stored.add(services.store, feed)
    return feed


async def jobs_of(services: Services, feed: Feed, count: int) -> dict[str, str]:
    """Title → job id, when the feed has so many jobs."""

    async def has_them() -> bool:
        return (await stored.find(services.store, feed.feed_id)).polling.jobs >= count

    await until(has_them, f"the feed has {count} jobs", seconds=90)
    recent = (await stored.find(services.store, feed.feed_id)).polling.recent
    return {one.title: one.job_id for one in recent if one.job_id is not None}


async def test_twenty_items_of_which_three_are_broken_are_seventeen_episodes_and_three_explained_failures(
    pipeline: Services, site: FeedServer
) -> None:
    site.answers["/page/11"] = answering("410 Gone")
    site.answers["/page/17"] = serving("<html><body><script>1</script></body></html>", content_type="text/html")
    items = [
        item(number, text="", link=site.url(f"/page/{number}"))
        if number in BROKEN
        else item(number, text=f"<p>{TEXT * 3}</p>")
        for number in range(20, 0, -1)
    ]
    items = [
        one.replace("<p>", f"<p>story {number} ", 1) if "<p>" in one else one
        for number, one in zip(range(20, 0, -1), items, strict=True)
    ]
    site.answers["/feed.xml"] = serving(rss(items))
    feed = await added(pipeline, site.url(), first_items=20)
    jobs = await jobs_of(pipeline, feed, 20)
    ended: dict[str, JobStatus] = {title: await pipeline.ended(job_id) for title, job_id in jobs.items()}
    failed = {title: str(status.error) for title, status in ended.items() if status.state == "failed"}
    assert sorted(failed) == ["Story 11", "Story 17", "Story 4"]
    assert "404" in failed["Story 4"]
    assert "410" in failed["Story 11"]
    assert "no text" in failed["Story 17"] or "nothing to speak" in failed["Story 17"]
    assert [status.state for status in ended.values()].count("completed") == 17

    site.answers["/feed.xml"] = serving(rss(items))
    asked = len(site.asked("/feed.xml"))
    await pipeline.submit(*[stored.poll_request(await stored.find(pipeline.store, feed.feed_id)) for _ in range(2)])
    await until(lambda: len(site.asked("/feed.xml")) >= asked + 2, "it was polled twice more")
    names = [name async for name in pipeline.store.list(keys.JOBS) if name.endswith("/request.json")]
    assert len(names) == 20


async def test_a_digest_is_one_episode_with_a_chapter_for_each_item(pipeline: Services, site: FeedServer) -> None:
    site.answers["/feed.xml"] = serving(
        rss(item(number, text=f"<p>story {number} {TEXT * 2}</p>") for number in (3, 2, 1))
    )
    feed = await added(pipeline, site.url(), first_items=3, digest="daily")

    async def has_collected() -> bool:
        return len((await stored.find(pipeline.store, feed.feed_id)).polling.pending) == 3

    await until(has_collected, "the items wait for the digest")
    await stored.change(pipeline.store, feed.feed_id, due)
    await pipeline.submit(stored.poll_request(await stored.find(pipeline.store, feed.feed_id)))
    (job_id,) = set((await jobs_of(pipeline, feed, 1)).values())
    status = await pipeline.ended(job_id)
    assert status.state == "completed", status.error
    manifest = Manifest.model_validate_json(await job_manifest.read_bytes(pipeline.store, job_id))
    assert [chapter.title for chapter in manifest.chapters] == ["Story 1", "Story 2", "Story 3"]
