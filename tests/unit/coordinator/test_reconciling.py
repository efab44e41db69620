"""The reconciler's patience, and that one job's trouble does not affect others."""

from __future__ import annotations

import time

import pytest

from services.coordinator import clock, handlers
from services.coordinator.job import Job
from shared.protocol.messages import EpisodeRequested, JobRequest, TextSource
from shared.settings import Settings
from shared.store import keys, queue_states
from shared.store.queue_states import QueueState
from tests.unit.coordinator.harness import Harness

GARBAGE = [b"", b"\xff", b"{}", b'{"version": 2, "job_id": "bad"}', b"[" * 5_000]


def silent_for(harness: Harness, seconds: float, job_id: str = "job") -> Job:
    job = harness.jobs.cached(job_id)
    assert job is not None
    job.last_news -= seconds
    return job


async def test_an_episode_that_takes_its_time_is_not_asked_for_again(harness: Harness) -> None:
    """The limit used to be 300 s without progress, whatever the job waited for; an assembly may take 1,500 s."""
    await harness.submit("a")
    await harness.spoken(0, "a")
    harness.published.clear()
    settings = Settings()
    silent_for(harness, settings.assembler_deadline_seconds)
    await harness.reconcile()
    assert harness.published == []
    silent_for(harness, settings.stalled_seconds + 1)
    await harness.reconcile()
    assert harness.published == [EpisodeRequested(job_id="job")]


@pytest.mark.parametrize(
    ("state", "deadline"), [("chunking", "chunker_deadline_seconds"), ("synthesizing", "synthesizer_deadline_seconds")]
)
async def test_patience_is_the_deadline_of_what_the_job_waits_for_and_a_margin(
    harness: Harness, state: str, deadline: str
) -> None:
    if state == "chunking":
        request = JobRequest(job_id="job", source=TextSource(text="a"))
        await handlers.job_submitted(request, jobs=harness.jobs)
    else:
        await harness.submit("a")
    harness.published.clear()
    settings = Settings()
    silent_for(harness, getattr(settings, deadline) + settings.stalled_seconds - 5)
    await harness.reconcile()
    assert harness.published == []
    assert harness.requeued == []
    silent_for(harness, 6)
    await harness.reconcile()
    assert len(harness.published) + len(harness.requeued) == 1


async def test_a_message_that_was_seen_waiting_may_be_in_hand_for_its_whole_deadline_afterwards(
    harness: Harness,
) -> None:
    await harness.submit("a")
    harness.published.clear()
    settings = Settings()
    patience = settings.synthesizer_deadline_seconds + settings.stalled_seconds
    silent_for(harness, patience + 1)
    harness.backlog_messages = 1
    await harness.reconcile()
    harness.backlog_messages = 0  # it is in flight now
    silent_for(harness, patience - 5)
    await harness.reconcile()
    assert harness.published == []


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_an_unreadable_status_disturbs_no_other_job_and_no_tick(harness: Harness, garbage: bytes) -> None:
    """It used to end the tick, so that no job after it in the list was looked at."""
    await harness.submit("ab", job_id="a-job")
    await harness.submit("ab", job_id="z-job")
    harness.requests()
    await harness.store.put(keys.status("bad"), garbage)
    await harness.store.put(keys.active("bad"), b"")
    harness.restart()
    await harness.reconcile()
    assert harness.requests() == [0, 1, 0, 1]
    assert await harness.store.get(keys.status("bad")) == garbage, "it is left for people to look at"


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("name", ["manifest", "request"])
async def test_a_job_whose_documents_cannot_be_read_fails_with_the_reason(
    harness: Harness, name: str, garbage: bytes
) -> None:
    await harness.submit("ab", job_id="honest")
    request = JobRequest(job_id="bad", source=TextSource(text="a"))
    await handlers.job_submitted(request, jobs=harness.jobs)
    await harness.store.put(getattr(keys, name)("bad"), garbage)
    harness.restart()
    harness.requests()
    await harness.reconcile()  # loads both
    silent_for_all = harness.jobs.cached("bad")
    if silent_for_all is not None:  # it waits for the chunker until its time has run out
        silent_for_all.last_news -= 1_000
        await harness.reconcile()
    status = await harness.status("bad")
    assert status.state == "failed"
    assert "cannot be read" in (status.error or "")
    assert harness.requests() == [0, 1]


async def test_a_request_that_cannot_be_read_and_has_no_status_fails_too(harness: Harness) -> None:
    await harness.store.put(keys.request("bad"), b"garbage")
    await harness.store.put(keys.active("bad"), b"")
    await harness.reconcile()
    assert (await harness.status("bad")).state == "failed"


async def test_what_is_no_job_in_the_list_of_active_ones_is_passed_over(harness: Harness) -> None:
    for name in ("a/b", ".hidden", "x" * 80):
        await harness.store.put(keys.active(name), b"")
    await harness.submit("a")
    harness.restart()
    harness.requests()
    await harness.reconcile()
    assert harness.requests() == [0]


async def test_fields_of_a_newer_version_are_passed_over(harness: Harness) -> None:
    await harness.submit("a")
    data = await harness.store.get(keys.status("job"))
    await harness.store.put(keys.status("job"), data.replace(b"{", b'{"mood": "sunny", ', 1))
    harness.requests()
    harness.restart()
    await harness.reconcile()
    assert harness.requests() == [0]


async def test_a_restart_does_not_send_a_job_to_the_chunker_beside_its_own_message(harness: Harness) -> None:
    request = JobRequest(job_id="job", source=TextSource(text="a"))
    await handlers.job_submitted(request, jobs=harness.jobs)
    harness.restart()
    await harness.reconcile()
    assert harness.requeued == []


async def test_a_coordinator_that_has_just_started_ends_no_job_since_its_clock_may_be_wrong(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.submit("a")
    overdue = {"job_deadline_seconds": 100.0, "stalled_seconds": 50.0}
    monkeypatch.setattr(clock, "_EPOCH", clock._EPOCH + 1_000)
    monkeypatch.setattr(time, "time", clock.now)
    monkeypatch.setattr(clock, "_STARTED", time.monotonic() - 40)
    await harness.reconcile(**overdue)
    assert (await harness.status()).state == "synthesizing"
    monkeypatch.setattr(clock, "_STARTED", time.monotonic() - 60)
    await harness.reconcile(**overdue)
    assert (await harness.status()).state == "failed"


@pytest.mark.parametrize("queue", ["chunker", "synthesizer"])
async def test_a_job_that_waits_for_a_paused_queue_is_not_overdue(
    harness: Harness, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if queue == "synthesizer":
        await harness.submit("a")
    else:
        request = JobRequest(job_id="job", source=TextSource(text="a"))
        await handlers.job_submitted(request, jobs=harness.jobs)
    await queue_states.pause(harness.store, queue)
    day = 86_400.0
    now = clock.now()
    monkeypatch.setattr(clock, "age_seconds", lambda since: now + 2 * day - since)
    monkeypatch.setattr(clock, "running_seconds", lambda: 2 * day)
    await harness.reconcile()
    assert (await harness.status()).state != "failed"

    await harness.store.put(keys.queue(queue), QueueState(resumed_at=now + 1.5 * day).model_dump_json().encode())
    await harness.reconcile()
    assert (await harness.status()).state != "failed", "its deadline begins anew"

    await harness.store.delete(keys.queue(queue))
    await harness.reconcile()
    assert "longer than its deadline" in ((await harness.status()).error or ""), "else it would have failed"
