"""When the assembler is asked to join the first chunks of a job, while the others are still being spoken.

It saves the assembler from reading a whole book's segments at the end. Such a request is no piece of work: the job does
not wait for it, it is not counted, and nobody asks again if it is lost. A lost chunk does not make an earlier request
wrong: whoever joins looks at what is in the store.

A coordinator that has just taken up a job does not know what was asked before, and asks at once: that costs one
message, while a job that is not far from its end would have nothing joined ahead if it waited for the next multiple.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from services.coordinator.job import Job
from services.coordinator.plan import CHUNK
from services.coordinator.progress import Progress
from shared.errors import BrokerDown
from shared.protocol.messages import PART_CHUNKS, EpisodePartRequested, Message

log = structlog.get_logger(__name__)


def due(job: Job, progress: Progress) -> list[EpisodePartRequested]:
    """The request that is due now, if any.

    That is, when the chunks that are finished without a gap have passed another multiple of PART_CHUNKS, and some of
    the job's chunks are still to be spoken: after that, the episode itself is requested.
    """
    chunks = progress.tallies[CHUNK]
    if job.status.state != "synthesizing" or chunks.complete:
        return []
    frontier = chunks.frontier
    if frontier // PART_CHUNKS <= job.joined_ahead // PART_CHUNKS:
        return []
    return [EpisodePartRequested(job_id=job.job_id, chunks=frontier)]


async def ask(job: Job, progress: Progress, *, publish: Callable[[Message], Awaitable[None]]) -> None:
    """Publish the request that is due.

    If the broker does not take it, the job goes on without: a broker with the definitions of an older version refuses
    it every time.
    """
    for request in due(job, progress):
        job.joined_ahead = request.chunks
        try:
            await publish(request)
        except BrokerDown as error:
            log.warning("not asked to join ahead", job=job.job_id, chunks=request.chunks, reason=str(error))
