"""When an episode is asked to be joined ahead, and that nothing depends on it."""

from __future__ import annotations

import pytest

from shared.errors import BrokerDown
from shared.protocol.messages import PART_CHUNKS, EpisodePartRequested, EpisodeRequested, Message
from tests.unit.coordinator.harness import AT_ONCE, Harness

CHUNKS = 3 * PART_CHUNKS
TEXTS = [f"text {number}" for number in range(CHUNKS)]


def parts(harness: Harness) -> list[int]:
    """For how many chunks a part was requested, since the last call."""
    found = [message.chunks for message in harness.published if isinstance(message, EpisodePartRequested)]
    harness.published = [message for message in harness.published if not isinstance(message, EpisodePartRequested)]
    return found


async def speaks(harness: Harness, *indexes: int) -> None:
    for index in indexes:
        await harness.spoken(index, TEXTS[index])


async def test_a_part_is_asked_for_once_at_each_multiple_and_the_whole_at_the_end(harness: Harness) -> None:
    await harness.submit(TEXTS)
    await speaks(harness, *range(PART_CHUNKS - 1))
    assert parts(harness) == []
    await speaks(harness, PART_CHUNKS - 1)
    assert parts(harness) == [PART_CHUNKS]
    await speaks(harness, PART_CHUNKS - 1)  # the same news again
    await speaks(harness, *range(PART_CHUNKS, 2 * PART_CHUNKS))
    assert parts(harness) == [2 * PART_CHUNKS]
    assert EpisodeRequested(job_id="job") not in harness.published
    await speaks(harness, *range(2 * PART_CHUNKS, CHUNKS))
    assert parts(harness) == [], "the whole episode is asked for instead"
    assert harness.published.count(EpisodeRequested(job_id="job")) == 1


async def test_what_is_spoken_behind_a_gap_counts_when_the_gap_is_closed(harness: Harness) -> None:
    await harness.submit(TEXTS)
    await speaks(harness, *range(1, 150))
    assert parts(harness) == []
    await speaks(harness, 0)
    assert parts(harness) == [150], "two multiples were passed at once"
    await speaks(harness, *range(150, 2 * PART_CHUNKS + 63))
    assert parts(harness) == []


async def test_a_short_job_is_only_assembled(harness: Harness) -> None:
    await harness.submit(TEXTS[:PART_CHUNKS])
    await speaks(harness, *range(PART_CHUNKS))
    assert parts(harness) == []
    assert EpisodeRequested(job_id="job") in harness.published


async def test_it_is_no_piece_of_work(harness: Harness) -> None:
    await harness.submit(TEXTS)
    await speaks(harness, *range(PART_CHUNKS))
    counts = (await harness.status()).chunks
    assert parts(harness) == [PART_CHUNKS]
    await harness.reconcile(**AT_ONCE)
    assert parts(harness) == [], "the reconciler asks again for the chunks alone"
    assert len(harness.requests()) > 0
    after = (await harness.status()).chunks
    assert (after.total, after.failed) == (counts.total, 0) == (CHUNKS, 0)


async def test_a_coordinator_that_takes_a_job_up_asks_at_once(harness: Harness) -> None:
    await harness.submit(TEXTS)
    await speaks(harness, *range(PART_CHUNKS + 5))
    for job in harness.jobs.all():
        await harness.jobs.write_now(job)
    assert parts(harness) == [PART_CHUNKS]
    harness.restart()
    await harness.reconcile()
    assert parts(harness) == [PART_CHUNKS + 5]
    await speaks(harness, PART_CHUNKS + 5)
    assert parts(harness) == []


async def test_a_chunk_that_is_lost_and_spoken_again_is_not_asked_for_again(harness: Harness) -> None:
    await harness.submit(TEXTS)
    await speaks(harness, *range(PART_CHUNKS))
    assert parts(harness) == [PART_CHUNKS]
    await harness.lost(3, TEXTS[3])
    await speaks(harness, 3)
    assert parts(harness) == []
    await speaks(harness, *range(PART_CHUNKS, 2 * PART_CHUNKS))
    assert parts(harness) == [2 * PART_CHUNKS]


async def test_a_job_goes_on_if_the_broker_does_not_take_the_request(harness: Harness) -> None:
    await harness.submit(TEXTS)
    await speaks(harness, *range(PART_CHUNKS - 1))
    for job in harness.jobs.all():
        await harness.jobs.write_now(job)
    taken = harness.publish

    async def refused(message: Message) -> None:
        if isinstance(message, EpisodePartRequested):
            raise BrokerDown("The broker has no queue for it.")
        await taken(message)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(harness, "publish", refused)
        await speaks(harness, *range(PART_CHUNKS - 1, PART_CHUNKS + 5))
        assert len(harness.wanted()) > 0
    assert parts(harness) == []
    await speaks(harness, *range(PART_CHUNKS + 5, 2 * PART_CHUNKS))
    assert parts(harness) == [2 * PART_CHUNKS]


async def test_nothing_is_asked_of_a_job_that_has_ended(harness: Harness) -> None:
    await harness.submit(TEXTS)
    await speaks(harness, *range(PART_CHUNKS - 1))
    await harness.cancel()
    await speaks(harness, PART_CHUNKS - 1)
    assert parts(harness) == []


async def test_its_death_changes_nothing_whatever_the_job_is_doing(harness: Harness) -> None:
    part = EpisodePartRequested(job_id="job", chunks=PART_CHUNKS)
    await harness.dies(part)  # nobody knows the job
    await harness.submit(TEXTS[: PART_CHUNKS + 1])
    await speaks(harness, *range(PART_CHUNKS))
    before = await harness.status()
    await harness.dies(part)
    assert await harness.status() == before
    await speaks(harness, PART_CHUNKS)
    assert (await harness.status()).state == "assembling"
    await harness.dies(part)
    assert (await harness.status()).state == "assembling", "only the death of the episode itself fails the job"
    await harness.dies(EpisodeRequested(job_id="job"))
    assert (await harness.status()).state == "failed"
    announced = len(harness.announced)
    await harness.dies(part)
    assert (await harness.status()).state == "failed"
    assert len(harness.announced) == announced
