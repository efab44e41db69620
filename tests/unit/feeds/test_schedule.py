"""Which feeds are due, who asks for their polls, and when the next one is."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from services.feeds import timing
from services.feeds.schedule import Schedule
from shared.client.feeds import stored
from shared.client.feeds.model import Feed, FeedRules
from shared.protocol.messages import FeedPollRequested
from shared.runtime import timeout_budget
from shared.settings import Settings
from shared.store import keys
from tests.unit.feeds.polled import Polled

HOUR = 3_600.0
NOW = 1_795_900_000.0


def schedule(polled: Polled, now: list[float]) -> Schedule:
    return Schedule(polled.store, polled.settings, polled.publish, clock=lambda: now[0])


def feed(**rules: object) -> Feed:
    return stored.new_feed("https://example.org/feed.xml", rules=FeedRules.model_validate(rules, strict=False))


async def test_of_several_schedules_one_asks_for_each_feed_that_is_due(polled: Polled) -> None:
    feeds = [await polled.add(f"https://example.org/{number}") for number in range(30)]
    await stored.edit(polled.store, feeds[7].feed_id, paused=True)
    schedules = [schedule(polled, [NOW]) for _ in range(3)]
    asked = list(itertools.chain(*await asyncio.gather(*(one.look() for one in schedules))))
    wanted = sorted(feed.feed_id for feed in feeds if feed is not feeds[7])
    assert sorted(asked) == wanted
    assert sorted(one.feed_id for one in polled.published if isinstance(one, FeedPollRequested)) == wanted
    assert [await one.look() for one in schedules] == [[], [], []]


async def test_a_feed_whose_polls_never_end_is_asked_for_after_ever_longer_pauses(polled: Polled) -> None:
    await polled.add("https://example.org/")
    now = [NOW]
    looking = schedule(polled, now)
    moments = []
    while len(moments) < 12:
        if await looking.look():
            moments.append(now[0])
        now[0] += 60
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert pauses[0] >= polled.settings.feeds_deadline_seconds, "the first may still be under way until then"
    assert all(later >= 1.5 * earlier for earlier, later in itertools.pairwise(pauses[:8]))
    assert pauses[-1] <= timing.LONGEST_PAUSE_SECONDS + 60


async def test_a_feed_that_cannot_be_read_holds_up_no_other(polled: Polled) -> None:
    good = await polled.add("https://example.org/")
    await polled.store.put(keys.feed("fd_" + "0" * 32), b"{}")
    await polled.store.put(keys.feed("nonsense"), b"{}")
    assert await schedule(polled, [NOW]).look() == [good.feed_id]


async def test_a_feed_that_is_resumed_is_due_at_once(polled: Polled) -> None:
    one = await polled.add("https://example.org/")
    now = [NOW]
    looking = schedule(polled, now)
    assert await looking.look() == [one.feed_id]
    await stored.edit(polled.store, one.feed_id, paused=True)
    now[0] += 86_400
    assert await looking.look() == []
    await stored.edit(polled.store, one.feed_id, paused=False)
    assert await looking.look() == [one.feed_id]


def test_each_failure_doubles_the_pause_up_to_a_day() -> None:
    one = feed(interval_seconds=HOUR)
    pauses = [
        timing.next_poll(one, now=0, failures=failures, shortest_seconds=300, chance=lambda: 0.5)
        for failures in range(8)
    ]
    assert pauses == [HOUR, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, 24 * HOUR, 24 * HOUR]


def test_what_a_feed_and_its_server_ask_for_is_kept_to() -> None:
    one = feed(interval_seconds=600)

    def pause(**asked: float) -> float:
        return timing.next_poll(one, now=0, failures=0, shortest_seconds=300, chance=lambda: 0.5, **asked)

    assert pause() == 600
    assert pause(ttl_seconds=7_200) == 7_200
    assert pause(ttl_seconds=10**9) == timing.LONGEST_PAUSE_SECONDS
    assert pause(retry_after_seconds=5_000) == 5_000
    assert (
        timing.next_poll(feed(interval_seconds=1), now=0, failures=0, shortest_seconds=300, chance=lambda: 0.0) == 300
    )


def test_feeds_that_were_added_together_do_not_stay_together() -> None:
    moments = {timing.next_poll(feed(), now=0, failures=0, shortest_seconds=1) for _ in range(50)}
    assert len(moments) > 40
    assert all(0.9 * HOUR <= moment <= 1.1 * HOUR for moment in moments)


@pytest.mark.parametrize(
    ("digest", "hour", "now", "wanted"),
    [
        ("daily", 5, "2026-11-29 04:59", "2026-11-29 05:00"),
        ("daily", 5, "2026-11-29 05:00", "2026-11-30 05:00"),
        ("weekly", 7, "2026-11-29 12:00", "2026-11-30 07:00"),  # a Sunday, and the Monday after it
        ("weekly", 7, "2026-11-30 07:00", "2026-12-07 07:00"),
    ],
)
def test_a_digest_is_made_at_its_hour(digest: str, hour: int, now: str, wanted: str) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415 - for this test alone

    def seconds(text: str) -> float:
        return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()

    rules = FeedRules.model_validate({"digest": digest, "digest_hour": hour}, strict=False)
    assert timing.next_digest(rules, now=seconds(now)) == seconds(wanted)
    assert timing.next_digest(FeedRules(), now=seconds(now)) is None


def test_the_deadlines_are_nested() -> None:
    timeout_budget.check(Settings())
