"""The coordinator's handlers over a real folder as store; what they publish is caught in a list."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.coordinator import handlers, reconciling
from services.coordinator.jobs import Jobs, Overtaken
from shared.errors import BadInput
from shared.protocol.messages import (
    ChunkLost,
    ChunkRequested,
    ChunkSynthesized,
    EpisodeAssembled,
    EpisodeRequested,
    JobCancelRequested,
    JobChunked,
    JobEvent,
    JobRequest,
    JobStatus,
    Message,
    TextSource,
)
from shared.settings import Settings
from shared.store import keys
from shared.store.folder import FileStore
from tests.audio_keys import audio_key_of
from tests.unit.coordinator.manifests import manifest


class Harness:
    """A coordinator's memory over a store, and what it said."""

    def __init__(self, root: Path) -> None:
        self.store = FileStore(root, deadline_seconds=5)
        self.published: list[Message] = []
        self.events: list[JobEvent] = []
        self.requeued: list[Message] = []
        self.backlog_messages = 0
        self.restart()

    def restart(self) -> None:
        """What a killed process leaves: the store alone."""
        self.jobs = Jobs(self.store, self.tell)

    async def tell(self, event: JobEvent) -> None:
        self.events.append(event)

    async def publish(self, message: Message) -> None:
        self.published.append(message)

    async def requeue(self, message: Message) -> None:
        self.requeued.append(message)

    async def backlog(self, _: object) -> int:
        return self.backlog_messages

    def requests(self) -> list[int]:
        """Indexes of the chunks requested since the last look."""
        found = [message.index for message in self.published if isinstance(message, ChunkRequested)]
        self.published = [message for message in self.published if not isinstance(message, ChunkRequested)]
        return found

    async def submit(self, texts: str, *, max_parallel: int = 2, job_id: str = "job") -> None:
        plan = manifest(texts, job_id=job_id, max_parallel=max_parallel)
        await handlers.job_submitted(plan.request, jobs=self.jobs)
        await self.store.put(keys.manifest(job_id), plan.model_dump_json().encode())
        await self.chunked(job_id, len(texts))

    async def chunked(self, job_id: str = "job", chunks: int = 1) -> None:
        message = JobChunked(job_id=job_id, chunks=chunks, seconds=0.1)
        await handlers.job_chunked(message, jobs=self.jobs, publish=self.publish)

    async def spoken(self, index: int, text: str, job_id: str = "job") -> None:
        key = audio_key_of(text)
        await self.store.put(key, b"sound")
        message = ChunkSynthesized(
            job_id=job_id, index=index, audio_key=key, audio_seconds=1.0, reused=False, seconds=0.1
        )
        await handlers.chunk_synthesized(message, jobs=self.jobs, publish=self.publish)

    async def assembled(self, job_id: str = "job") -> None:
        message = EpisodeAssembled(
            job_id=job_id,
            files={"mp3": keys.episode(job_id, "mp3")},
            audio_seconds=3.0,
            loudness_lufs=-19.0,
            true_peak_dbtp=-1.5,
            seconds=0.5,
        )
        await handlers.episode_assembled(message, jobs=self.jobs)

    async def reconcile(self, **settings: float) -> None:
        await reconciling.reconcile(
            jobs=self.jobs,
            store=self.store,
            settings=Settings(**settings),  # type: ignore[arg-type]
            publish=self.publish,
            requeue=self.requeue,
            backlog=self.backlog,
        )

    async def status(self, job_id: str = "job") -> JobStatus:
        return JobStatus.model_validate_json(await self.store.get(keys.status(job_id)))


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness(tmp_path)


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
    assert harness.events[0].name == "job.started"
    assert harness.events[-1].name == "job.completed"


async def test_a_killed_coordinator_carries_on_from_the_store(harness: Harness) -> None:
    await harness.submit("abcd")
    await harness.spoken(0, "a")
    harness.requests()
    harness.restart()
    await harness.reconcile()
    assert harness.requests() == [1, 2], "the first unfinished ones, again"
    await harness.spoken(1, "b")
    assert harness.requests() == [3]


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
    await harness.store.delete(audio_key_of("b"))
    lost = ChunkLost(job_id="job", index=1, audio_key=audio_key_of("b"), reason="is missing")
    await handlers.chunk_lost(lost, jobs=harness.jobs, publish=harness.publish)
    assert harness.requests() == [1]
    assert (await harness.status()).state == "synthesizing"
    await harness.spoken(1, "b")
    assert harness.published == [EpisodeRequested(job_id="job")]


async def test_cancelling_stops_dispatch_and_late_news_is_ignored(harness: Harness) -> None:
    await harness.submit("abc")
    harness.requests()
    await handlers.job_cancel(JobCancelRequested(job_id="job"), jobs=harness.jobs)
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
    await harness.reconcile(stalled_seconds=1e-9)
    assert harness.requests() == [], "its requests wait in the queue"
    harness.backlog_messages = 0
    await harness.reconcile(stalled_seconds=1e-9)
    assert harness.requests() == [0, 1], "they were lost with a purged queue"


async def test_a_job_whose_first_message_was_lost_is_sent_to_the_chunker_again(harness: Harness) -> None:
    request = JobRequest(job_id="job", source=TextSource(text="Hello."))
    await handlers.job_submitted(request, jobs=harness.jobs)
    await harness.reconcile(stalled_seconds=1e-9)
    assert harness.requeued == [request]


async def test_a_coordinator_that_was_overtaken_undoes_nothing(tmp_path: Path) -> None:
    """It was frozen with news that it had not written; another one was active meanwhile and finished the job."""

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
    assert harness.requests() == [1, 2], "asked again, from what the store has"
