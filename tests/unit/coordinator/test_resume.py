"""`job.resume` alone opens a failed or cancelled job again, with a fresh deadline."""

from __future__ import annotations

import time

import pytest

from services.coordinator import clock, handlers
from shared.errors import BrokerDown
from shared.protocol.messages import EpisodeRequested, JobRequest, TextSource
from shared.settings import Settings
from shared.store import keys
from tests.unit.coordinator.harness import Harness

DAY_SECONDS = 86_400.0


async def test_a_resumed_job_asks_for_what_is_not_finished_and_completes(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    await harness.resume()
    assert harness.requests() == [1]
    status = await harness.status()
    assert (status.state, status.error, status.failures) == ("synthesizing", None, ())
    await harness.spoken(1, "b")
    assert harness.published == [EpisodeRequested(job_id="job")]
    await harness.assembled()
    assert (await harness.status()).state == "completed"


async def test_a_replay_of_a_letter_older_than_the_jobs_deadline_is_not_failed_by_the_next_tick(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It used to fail: the deadline counted from the submission."""
    await harness.fails_for_its_second_chunk()
    two_days_later = clock.now() + 2 * DAY_SECONDS
    monkeypatch.setattr(clock, "now", lambda: two_days_later)
    await harness.resume(sent_back_to="synthesizer", index=1)
    await harness.reconcile(job_deadline_seconds=DAY_SECONDS)
    assert (await harness.status()).state == "synthesizing"
    assert (await harness.status()).resumed_at == two_days_later
    await harness.spoken(1, "b")
    await harness.assembled()
    assert (await harness.status()).state == "completed"


async def test_what_a_replay_has_sent_back_is_not_asked_for_beside_it(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    await harness.resume(sent_back_to="synthesizer", index=1)
    assert harness.requests() == [], "the letter itself asks for it"
    await harness.spoken(1, "b")
    assert harness.published == [EpisodeRequested(job_id="job")]


async def test_what_a_replay_has_sent_back_and_was_lost_is_asked_for_when_its_time_is_up(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    await harness.resume(sent_back_to="synthesizer", index=1)
    await harness.reconcile(stalled_seconds=1e-9, synthesizer_deadline_seconds=1e-9)
    assert harness.requests() == [1]


async def test_a_replayed_episode_is_not_asked_for_beside_it(harness: Harness) -> None:
    await harness.submit("a")
    await harness.spoken(0, "a")
    [request] = [message for message in harness.published if isinstance(message, EpisodeRequested)]
    await harness.dies(request, reason="the disk is full")
    assert (await harness.status()).error == "the disk is full"
    harness.published.clear()
    await harness.resume(sent_back_to="assembler")
    assert harness.published == []
    assert (await harness.status()).state == "assembling"
    await harness.assembled()
    assert (await harness.status()).state == "completed"


async def test_a_result_that_comes_between_the_replay_and_the_resume_is_found_again(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    await harness.spoken(1, "b")  # the replayed message was faster than the resume
    assert (await harness.status()).state == "failed"
    await harness.resume()
    assert harness.requests() == [1], "who gets it finds the audio"


async def test_a_resume_while_the_job_is_under_way_changes_nothing(harness: Harness) -> None:
    await harness.submit("abc")
    harness.requests()
    before = await harness.status()
    await harness.resume()
    await harness.resume(sent_back_to="synthesizer", index=0)
    assert harness.requests() == []
    assert await harness.status() == before


async def test_a_completed_job_is_not_opened_again(harness: Harness) -> None:
    await harness.submit("a")
    await harness.spoken(0, "a")
    await harness.assembled()
    before = await harness.status()
    await harness.resume()
    assert await harness.status() == before


async def test_a_cancelled_job_goes_on_when_asked_for_but_not_by_a_replay_of_its_letters(harness: Harness) -> None:
    await harness.submit("abc")
    harness.requests()
    await harness.cancel()
    await harness.resume(sent_back_to="synthesizer", index=0)
    assert (await harness.status()).state == "cancelled"
    await harness.resume()
    assert (await harness.status()).state == "synthesizing"
    assert harness.requests() == [0, 1]


@pytest.mark.parametrize(("sent_back_to", "requeued"), [("", 1), ("chunker", 0)])
async def test_a_job_that_failed_in_chunking_is_sent_to_the_chunker_again(
    harness: Harness, sent_back_to: str, requeued: int
) -> None:
    request = JobRequest(job_id="job", source=TextSource(text="Hello."))
    await handlers.job_submitted(request, jobs=harness.jobs)
    await harness.dies(request, reason="the page does not answer")
    assert (await harness.status()).state == "failed"
    await harness.resume(sent_back_to=sent_back_to)
    assert harness.requeued == [request] * requeued
    assert (await harness.status()).state == "chunking"


async def test_a_resume_of_an_unknown_job_makes_no_dead_letter(harness: Harness) -> None:
    await harness.resume("nobody")
    assert harness.published == []


async def test_a_coordinator_killed_while_it_resumed_a_job_goes_on_with_it(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    job = await harness.jobs.find("job")
    assert job is not None
    await harness.jobs.reopen(job)
    harness.restart()
    await harness.reconcile()
    assert harness.requests() == [1]
    assert time.time() - ((await harness.status()).resumed_at or 0) < Settings().job_deadline_seconds


async def test_a_resume_that_the_broker_did_not_take_is_handled_when_it_comes_again(harness: Harness) -> None:
    request = JobRequest(job_id="job", source=TextSource(text="Hello."))
    await handlers.job_submitted(request, jobs=harness.jobs)
    await harness.dies(request)
    harness.broker_is_down = True
    with pytest.raises(BrokerDown):
        await harness.resume()
    harness.broker_is_down = False
    await harness.resume()
    assert harness.requeued == [request]
    assert (await harness.status()).state == "chunking"


async def test_a_job_of_which_nothing_is_left_stays_failed(harness: Harness) -> None:
    body = b'{"job_id": "job", "speeed": 2}'
    await harness.dies(body, queue="chunker", kind="job.submitted", job_id="job", reason="speeed is unknown")
    await harness.resume()
    assert (await harness.status()).error == "speeed is unknown"


@pytest.mark.parametrize("name", ["manifest", "status"])
async def test_a_resume_of_a_job_that_cannot_be_read_makes_no_dead_letter(harness: Harness, name: str) -> None:
    await harness.fails_for_its_second_chunk()
    await harness.store.put(getattr(keys, name)("job"), b"garbage")
    await harness.resume()
    assert harness.published == []
