"""The service with a real broker: feeds that hang, pollers that are killed, several pollers at once."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.feeds.app import build
from shared.client.feeds import stored
from shared.client.feeds.model import Feed, FeedRules
from shared.protocol import topology
from shared.protocol.messages import JobRequest
from shared.runtime.broker import connected
from shared.runtime.service import Service
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store
from tests.fault import old_patterns
from tests.integration.running import ready_messages, running
from tests.servers.feed_server import FeedServer, item, never, page, rss, serving, stories
from tests.servers.services import Services
from tests.waiting import until

FEEDS = 200
HANGING = 20
EVERY_TENTH = FEEDS // HANGING
THREADS = 8


@pytest.fixture
def site() -> Iterator[FeedServer]:
    """A site at 201 hosts."""
    hosts = tuple(f"127.0.1.{number}" for number in range(1, 1 + FEEDS))
    with FeedServer(hosts=("127.0.0.1", *hosts)).listening() as server:
        yield server


@pytest.fixture
def settings(amqp_url: str, file_store_url: str) -> Settings:
    return Settings(
        amqp_url=amqp_url,
        store_url=file_store_url,
        fetch_allow="127.0.0.0/8",
        feed_look_seconds=0.2,
        feed_shortest_interval_seconds=1,
        grace_seconds=0.1,
    )


@contextlib.asynccontextmanager
async def feeds(settings: Settings) -> AsyncIterator[Service]:
    async with connected(settings) as connection:
        await topology.declare(connection)
    async with running(build(settings)) as app:
        yield app


async def added(store: Store, url: str, **rules: object) -> Feed:
    feed = stored.new_feed(stored.checked_url(url), rules=FeedRules.model_validate(rules, strict=False))
    await stored.add(store, feed)
    return feed


async def requests(store: Store) -> list[JobRequest]:
    """The jobs in the store."""
    names = [name async for name in store.list(keys.JOBS) if name.endswith("/request.json")]
    return [JobRequest.model_validate_json(await store.get(name), strict=False) for name in names]


async def test_of_two_hundred_feeds_twenty_hang_and_the_others_are_polled_on_time(
    settings: Settings, site: FeedServer
) -> None:
    """Those that hang do so for the whole test: the others are polled twice meanwhile.

    The old pattern, beside it, does not get through a single round.
    """
    settings = settings.model_copy(update={"feed_fetch_deadline_seconds": 55.0})
    urls = []
    for number in range(FEEDS):
        hangs = number % EVERY_TENTH == 0
        path = f"/{'hangs' if hangs else 'feed'}/{number}.xml"
        site.answers[path] = never if hangs else serving(stories(1, text=f"Feed {number}."))
        urls.append(site.url(path, host=site.hosts[1 + number]))
    for path, answer in list(site.answers.items()):
        site.answers[f"{path}?old"] = answer
    round_of_polls = old_patterns.polled_by_threads([f"{url}?old" for url in urls], threads=THREADS)

    async with feeds(settings) as app:
        made = [await added(app.store, url, interval_seconds=1) for url in urls]
        good = [feed for number, feed in enumerate(made) if number % EVERY_TENTH]
        hanging = [feed for number, feed in enumerate(made) if not number % EVERY_TENTH]

        async def all_polled_twice() -> bool:
            return all(len(site.asked(feed.url[feed.url.index("/", 7) :])) >= 2 for feed in good)

        await until(all_polled_twice, "each of the others is polled twice", seconds=50)
        assert all(len(site.asked(feed.url[feed.url.index("/", 7) :])) == 1 for feed in hanging), "they hang still"
        found = await stored.some(app.store, [feed.feed_id for feed in good])
        assert all(feed.polling.error is None for feed in found)
        assert len({job.job_id for job in await requests(app.store)}) == FEEDS - HANGING

    old = {request.path for request in site.requests if request.path.endswith("?old")}
    assert len([path for path in old if "/hangs/" in path]) == THREADS, "each thread of the old pattern hangs"
    assert len(old) < FEEDS / 2, "so most feeds were never asked for"
    assert round_of_polls.is_alive(), "and whoever waits for the round waits still"


async def test_a_poller_that_is_killed_in_the_middle_makes_nothing_twice(
    settings: Settings, site: FeedServer, tmp_path: Path
) -> None:
    for number in range(1, 9):
        site.answers[f"/page/{number}"] = page(f"Story {number}. " + "The lamp was lit. " * 40)
    site.answers["/page/4"] = never
    site.answers["/feed.xml"] = serving(
        rss(item(number, text="A teaser.", link=site.url(f"/page/{number}")) for number in range(8, 0, -1))
    )
    environment = {
        "PODCAST_AMQP_URL": settings.amqp_url,
        "PODCAST_STORE_URL": settings.store_url,
        "PODCAST_FETCH_ALLOW": "127.0.0.0/8",
        "PODCAST_FEED_LOOK_SECONDS": "0.2",
        "PODCAST_FEED_SHORTEST_INTERVAL_SECONDS": "1",
        "PODCAST_GRACE_SECONDS": "0.1",
    }
    with Services(environment, tmp_path / "logs") as services:
        (first,) = services.start("feeds")
        await services.ready()
        feed = await added(services.store, site.url(), first_items=8)
        await until(lambda: site.asked("/page/4"), "the poller is in the middle")
        before = await requests(services.store)
        assert len(before) == 3
        services.kill(first)
        services.workers.remove(first)  # it is not restarted

        site.answers["/page/4"] = page("Story 4. " + "The lamp was lit. " * 40)
        services.start("feeds", "feeds")
        await services.ready()

        async def is_done() -> bool:
            return (await stored.find(services.store, feed.feed_id)).polling.jobs >= 5

        await until(is_done, "the rest is made")
        after = await requests(services.store)
        assert sorted(str(job.title) for job in after) == [f"Story {number}" for number in range(1, 9)]
        assert {job.job_id for job in before} < {job.job_id for job in after}

        asked = len(site.asked("/feed.xml"))
        for _ in range(5):
            await services.submit(stored.poll_request(await stored.find(services.store, feed.feed_id)))
        await until(lambda: len(site.asked("/feed.xml")) >= asked + 5, "it was polled again")
        await until_quiet(settings)
        assert len(await requests(services.store)) == 8
        chunker = await ready_messages(settings, "chunker")
        assert chunker >= 8, "each job was published"


async def until_quiet(settings: Settings) -> None:
    """Wait until no poll waits."""

    async def nothing_waits() -> bool:
        return sum([await ready_messages(settings, name) for name in (topology.FEEDS.name, *topology.FEEDS.waits)]) == 0

    await until(nothing_waits, "no poll waits")


async def test_the_service_stops_at_once_while_feeds_hang(settings: Settings, site: FeedServer) -> None:
    site.answers["/hangs.xml"] = never
    async with feeds(settings) as app:
        for number in range(10):
            await added(app.store, site.url("/hangs.xml", host=site.hosts[1 + number]))
        await until(lambda: len(site.asked("/hangs.xml")) == 10, "all of them hang")
    # `running` has waited for the service to end: it hands the messages back, and waits for no feed.
    async with connected(settings) as connection, connection.channel() as channel:
        found = await channel.declare_queue(topology.FEEDS.name, passive=True)
        assert found.declaration_result.message_count == 10
