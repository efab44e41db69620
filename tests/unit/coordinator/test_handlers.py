"""The coordinator's handlers, from a job's submission to its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.coordinator import handlers
from services.coordinator.jobs import Overtaken
from shared.errors import BadInput
from shared.protocol.messages import EpisodeRequested, JobRequest, JobStatus, TextSource
from shared.store import keys
from tests.manifests import manifest
from tests.unit.coordinator.harness import AT_ONCE, Harness


async def test_a_job_goes_from_submission_to_completion(harness: Harness) -> None:
    await harness.submit("abc")
    assert harness.requests() == [0, 1]
    await harness.spoken(0, "a")
    assert harness.requests() == [2]
    await harness.spoken(2, "c")
    await harness.spoken(1, "b")
    assert harness.published == [EpisodeRequested(job_id="job")]
    await harness.assembled()
    status = await harness.status()
    assert status.state == "completed"
    assert status.chunks.done == 3
    assert set(status.stages) == {"chunking", "synthesizing", "assembling"}
    assert not await harness.store.exists(keys.active("job"))
    assert harness.events[0].name == "started"
    assert harness.events[-1].name == "completed"


async def test_a_killed_coordinator_carries_on_from_the_store(harness: Harness) -> None:
    await harness.submit("abcd")
    await harness.spoken(0, "a")
    harness.requests()
    harness.restart()
    await harness.reconcile()
    assert harness.requests() == [0, 1], "the first ones that are not known to be finished"
    await harness.spoken(0, "a")
    await harness.spoken(1, "b")
    assert harness.requests() == [2, 3]


async def test_a_coordinator_killed_while_it_handled_the_last_chunk_asks_for_the_episode(
    harness: Harness,
) -> None:
    await harness.submit("a")
    await harness.spoken(0, "a")
    harness.published.clear()
    harness.restart()
    await harness.spoken(0, "a")  # redelivered, since it was never acked
    assert harness.published == [EpisodeRequested(job_id="job")]


async def test_the_same_id_twice_is_one_job(harness: Harness) -> None:
    await harness.submit("ab")
    harness.requests()
    again = JobRequest(job_id="job", source=TextSource(text="something else"))
    await handlers.job_submitted(again, jobs=harness.jobs)
    await harness.chunked()
    assert harness.requests() == []
    assert b"something else" not in await harness.store.get(keys.request("job"))


async def test_every_message_twice_makes_one_episode(harness: Harness) -> None:
    await harness.submit("ab")
    await harness.chunked()
    for _ in range(2):
        await harness.spoken(0, "a")
        await harness.spoken(1, "b")
    assert harness.requests() == [0, 1]
    assert harness.published == [EpisodeRequested(job_id="job")]
    await harness.assembled()
    await harness.assembled()
    await harness.spoken(0, "a")
    await harness.chunked()
    assert harness.published == [EpisodeRequested(job_id="job")]
    assert (await harness.status()).state == "completed"


async def test_results_that_arrive_in_any_order_are_counted(harness: Harness) -> None:
    plan = manifest("ab", max_parallel=2)
    await harness.store.put(keys.manifest("job"), plan.model_dump_json().encode())
    await harness.chunked()  # before job.submitted, as after a redelivery
    await handlers.job_submitted(plan.request, jobs=harness.jobs)
    assert harness.requests() == [0, 1]


async def test_a_chunk_that_the_assembler_does_not_find_is_spoken_again(harness: Harness) -> None:
    await harness.submit("ab")
    harness.requests()
    await harness.spoken(0, "a")
    await harness.spoken(1, "b")
    harness.published.clear()
    await harness.lost(1, "b")
    assert harness.requests() == [1]
    assert (await harness.status()).state == "synthesizing"
    await harness.spoken(1, "b")
    assert harness.published == [EpisodeRequested(job_id="job")]


async def test_cancelling_stops_dispatch_and_late_news_is_ignored(harness: Harness) -> None:
    await harness.submit("abc")
    harness.requests()
    await harness.cancel()
    await harness.spoken(0, "a")
    await harness.assembled()
    assert harness.requests() == []
    assert (await harness.status()).state == "cancelled"
    assert not await harness.store.exists(keys.active("job"))


async def test_news_of_an_unknown_job_is_refused(harness: Harness) -> None:
    with pytest.raises(BadInput, match="no job nobody"):
        await harness.spoken(0, "a", job_id="nobody")


async def test_a_job_past_its_deadline_fails_with_the_reason(harness: Harness) -> None:
    await harness.submit("abc")
    await harness.reconcile(job_deadline_seconds=1e-9)
    status = await harness.status()
    assert status.state == "failed"
    assert "deadline" in (status.error or "")


async def test_a_job_that_stands_still_is_dispatched_again_unless_it_waits_in_line(harness: Harness) -> None:
    await harness.submit("abc")
    harness.requests()
    harness.backlog_messages = 1
    await harness.reconcile(**AT_ONCE)
    assert harness.requests() == [], "its requests wait in the queue"
    harness.backlog_messages = 0
    await harness.reconcile(**AT_ONCE)
    assert harness.requests() == [0, 1], "they were lost with a purged queue"


async def test_a_job_whose_first_message_was_lost_is_sent_to_the_chunker_again(harness: Harness) -> None:
    request = JobRequest(job_id="job", source=TextSource(text="Hello."))
    await handlers.job_submitted(request, jobs=harness.jobs)
    await harness.reconcile(**AT_ONCE)
    assert harness.requeued == [request]


async def test_a_coordinator_that_was_overtaken_undoes_nothing(tmp_path: Path) -> None:
    """It was frozen with results it had not yet written; meanwhile another one was active and finished the job."""

    frozen, other = Harness(tmp_path), Harness(tmp_path)
    await frozen.submit("abc")
    await frozen.spoken(0, "a")
    for index, text in enumerate("abc"):
        await other.spoken(index, text)
    await other.assembled()
    remembered = frozen.jobs.cached("job")
    assert remembered is not None
    with pytest.raises(Overtaken):
        async with frozen.jobs.held("job"):
            await frozen.jobs.write(remembered)
    assert frozen.jobs.cached("job") is None
    status = JobStatus.model_validate_json(await other.store.get(keys.status("job")))
    assert status.state == "completed"


async def test_a_coordinator_that_lost_its_connection_remembers_nothing(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    await harness.submit("abcd")
    async with harness.jobs.held("job"):
        harness.jobs.forget_all()
        assert await harness.jobs.find("job") is not None
    assert harness.jobs.cached("job") is None, "what was in hand while it was lost is forgotten too"
    assert harness.requests() == [0, 1]
    await harness.spoken(0, "a")
    assert harness.requests() == [1, 2], "asked again, from what the status says"
