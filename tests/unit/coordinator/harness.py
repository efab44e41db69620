"""A coordinator's memory and handlers with a real folder as store; what they publish is collected in lists."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from services.coordinator import handlers, plan
from services.coordinator.deaths import dead_letter
from services.coordinator.jobs import Jobs
from services.coordinator.reconciling import Reconciler
from shared.errors import BrokerDown
from shared.protocol import envelope, topology
from shared.protocol.messages import (
    ChunkLost,
    ChunkRequested,
    ChunkSynthesized,
    EpisodeAssembled,
    JobCancelRequested,
    JobChunked,
    JobEnded,
    JobEvent,
    JobResumeRequested,
    JobStatus,
    Message,
)
from shared.protocol.topology import WorkQueue
from shared.settings import Settings
from shared.store import keys, queue_states
from shared.store.folder import FileStore
from tests.audio_keys import audio_key_of
from tests.manifests import manifest

AT_ONCE = {
    "stalled_seconds": 1e-9,
    "chunker_deadline_seconds": 1e-9,
    "synthesizer_deadline_seconds": 1e-9,
    "assembler_deadline_seconds": 1e-9,
}
"""Settings under which every waiting job counts as stalled."""


class Letter:
    """A copy of a dead letter, as far as the handler uses it: properties, headers, body."""

    exchange = topology.DEAD_EXCHANGE
    message_id = None

    def __init__(
        self, queue: str, body: bytes, kind: str, *, job_id: str | None, reason: str, app_id: str | None
    ) -> None:
        self.routing_key = queue
        self.body = body
        self.type = kind
        self.correlation_id = job_id
        self.app_id = app_id
        self.headers = {envelope.EXCEPTION_MESSAGE: reason}


class Harness:
    """A coordinator's memory with a store, and the messages it has published."""

    def __init__(self, root: Path, *, store: FileStore | None = None, plan_of: plan.Plan = plan.of) -> None:
        self.store = store or FileStore(root, deadline_seconds=5)
        self.plan_of = plan_of
        self.stages: tuple[WorkQueue, ...] = topology.STAGES
        self.published: list[Message] = []
        self.events: list[JobEvent] = []
        self.announced: list[JobEnded] = []
        self.broker_is_down = False
        self.requeued: list[Message] = []
        self.backlog_messages = 0
        self.restart()

    def restart(self) -> None:
        """Keep only what a killed process leaves: the store."""
        self.jobs = Jobs(self.store, tell=self.tell, announce=self.announce, plan_of=self.plan_of)

    async def tell(self, event: JobEvent) -> None:
        self.events.append(event)

    async def announce(self, event: JobEnded) -> None:
        if self.broker_is_down:
            raise BrokerDown("The broker does not answer.")
        self.announced.append(event)

    async def publish(self, message: Message) -> None:
        self.published.append(message)

    async def requeue(self, message: Message) -> None:
        if self.broker_is_down:
            raise BrokerDown("The broker does not answer.")
        self.requeued.append(message)

    async def backlog(self, _: object) -> int:
        return self.backlog_messages

    def requests(self) -> list[int]:
        """Indexes of the chunks requested since the last call."""
        return [message.index for message in self.wanted()]

    async def submit(self, texts: Sequence[str], *, max_parallel: int = 2, job_id: str = "job") -> None:
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
        await handlers.episode_assembled(message, jobs=self.jobs, publish=self.publish)

    async def lost(self, index: int, text: str, job_id: str = "job") -> None:
        await self.store.delete(audio_key_of(text))
        message = ChunkLost(job_id=job_id, index=index, audio_key=audio_key_of(text), reason="is missing")
        await handlers.chunk_lost(message, jobs=self.jobs, publish=self.publish, settings=Settings(lost_limit=3))

    async def cancel(self, job_id: str = "job") -> None:
        await handlers.job_cancel(JobCancelRequested(job_id=job_id), jobs=self.jobs)

    async def fails_for_its_second_chunk(self) -> None:
        """A job of three chunks, the second of which cannot be spoken."""
        await self.submit("abc", max_parallel=3)
        requests = self.wanted()
        await self.spoken(0, "a")
        await self.spoken(2, "c")
        await self.dies(requests[1])
        assert (await self.status()).state == "failed"

    async def resume(self, job_id: str = "job", **fields: Any) -> None:
        message = JobResumeRequested(job_id=job_id, **fields)
        await handlers.job_resume(message, jobs=self.jobs, publish=self.publish, requeue=self.requeue)

    async def dies(
        self,
        message: Message | bytes,
        *,
        queue: str = "",
        kind: str = "",
        job_id: str | None = None,
        reason: str = "it is mute",
    ) -> None:
        """A stage's message becomes a dead letter, and the coordinator gets a copy."""
        if isinstance(message, Message):
            body, kind = message.model_dump_json().encode(), message.ROUTING_KEY
            queue = queue or next(stage.name for stage in self.stages if type(message) in stage.consumes)
            job_id = job_id or json.loads(body)["job_id"]
        else:
            body = message
        letter = Letter(queue, body, kind, job_id=job_id, reason=reason, app_id="podcast-engine")
        await dead_letter(letter, jobs=self.jobs, publish=self.publish, stages=self.stages)  # type: ignore[arg-type] # see Letter

    def wanted(self) -> list[ChunkRequested]:
        """The requests for chunks since the last call."""
        found = [message for message in self.published if isinstance(message, ChunkRequested)]
        self.published = [message for message in self.published if not isinstance(message, ChunkRequested)]
        return found

    async def reconcile(self, **settings: float) -> None:
        reconciler = Reconciler(
            jobs=self.jobs,
            settings=Settings(**settings),  # type: ignore[arg-type] # all of them are numbers
            publish=self.publish,
            requeue=self.requeue,
            backlog=self.backlog,
            queue_states=partial(queue_states.of_all, self.store),
        )
        await reconciler.run()

    async def status(self, job_id: str = "job") -> JobStatus:
        return JobStatus.model_validate_json(await self.store.get(keys.status(job_id)))
