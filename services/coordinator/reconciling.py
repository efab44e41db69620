"""Looks at jobs that have been still for longer than their deadlines allow: what makes every job end.

A message may be lost to a purged queue or a discarded dead letter; then nothing would ever move the job again. The
broker hands each tick to the one active coordinator, so a process needs not know whether it is that one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from services.coordinator import clock
from services.coordinator.handlers import Publish, dispatch
from services.coordinator.job import Job
from services.coordinator.jobs import Jobs
from shared.errors import NotFound, Outage
from shared.protocol import topology
from shared.protocol.messages import EpisodeRequested, JobRequest, ReconcileRequested
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

Backlog = Callable[[topology.WorkQueue], Awaitable[int]]
"""How many messages are ready in a work queue and its wait queues."""


async def reconcile(
    *, jobs: Jobs, store: Store, settings: Settings, publish: Publish, requeue: Publish, backlog: Backlog
) -> None:
    """Resume jobs that this process does not know, dispatch again those that stand still, fail those out of time."""
    for job_id in await jobs.active_ids():
        known = jobs.cached(job_id)
        if known is not None and not _needs_a_look(known, settings):
            continue
        async with jobs.held(job_id):
            await _look_at(
                job_id, jobs=jobs, store=store, settings=settings, publish=publish, requeue=requeue, backlog=backlog
            )


def _needs_a_look(job: Job, settings: Settings) -> bool:
    """Whether nothing was heard of it for too long, or its time is up."""
    is_still = time.monotonic() - job.last_news >= settings.stalled_seconds
    return is_still or clock.now() - job.status.submitted_at >= settings.job_deadline_seconds


async def _look_at(
    job_id: str,
    *,
    jobs: Jobs,
    store: Store,
    settings: Settings,
    publish: Publish,
    requeue: Publish,
    backlog: Backlog,
) -> None:
    is_new_here = jobs.cached(job_id) is None
    job = await jobs.find(job_id)
    if job is None or job.ended:
        if job is not None:  # killed between writing the end and removing the mark
            await store.delete(keys.active(job_id))
        else:
            await _admit_again(job_id, jobs=jobs, store=store, requeue=requeue)
        return
    if clock.now() - job.status.submitted_at >= settings.job_deadline_seconds:
        limit = settings.job_deadline_seconds
        await jobs.change(job, "failed", error=f"The job took longer than its deadline of {limit:g} s.")
        return
    if not is_new_here and await backlog(_QUEUE_OF_STATE.get(job.status.state, topology.CHUNKER)) > 0:
        return  # it waits in line, or for a server that is down
    log.warning("taking up" if is_new_here else "standing still", job=job_id, state=job.status.state)
    await _move(job, jobs=jobs, store=store, publish=publish, requeue=requeue)


_QUEUE_OF_STATE = {
    "queued": topology.CHUNKER,
    "chunking": topology.CHUNKER,
    "synthesizing": topology.SYNTHESIZER,
    "assembling": topology.ASSEMBLER,
}


async def _admit_again(job_id: str, *, jobs: Jobs, store: Store, requeue: Publish) -> None:
    """Killed between marking a job as active and writing its status: the message that began it may be gone."""
    try:
        request = JobRequest.model_validate_json(await store.get(keys.request(job_id)))
    except NotFound:
        await store.delete(keys.active(job_id))
        return
    await jobs.admit(request)
    await requeue(request)


async def _move(job: Job, *, jobs: Jobs, store: Store, publish: Publish, requeue: Publish) -> None:
    """Ask again for what the job waits for. Asking twice is harmless: whoever gets it looks for the result first."""
    job.last_news = time.monotonic()
    manifest = await jobs.manifest(job.job_id)
    if manifest is None:
        await requeue(JobRequest.model_validate_json(await store.get(keys.request(job.job_id))))
        return
    await jobs.rebuild(job, manifest)
    if job.progress is not None and job.progress.complete and job.status.state == "assembling":
        await publish(EpisodeRequested(job_id=job.job_id))
        return
    if job.status.state != "synthesizing":
        await jobs.change(job, "synthesizing", title=manifest.title)
    await dispatch(job, jobs=jobs, publish=publish)


async def tick(publish: Publish, *, every_seconds: float) -> None:
    """Ask the active coordinator to reconcile: at the start, then at an interval.

    Ticks do not expire: the broker would put those that nobody read in time among the dead letters. Only
    live coordinators send them, so a backlog is short, and one too many is harmless.
    """
    starting = True
    while True:
        try:
            await publish(ReconcileRequested(starting=starting))
            starting = False
        except Outage as error:
            log.warning("no tick", reason=str(error))
        await asyncio.sleep(every_seconds)
