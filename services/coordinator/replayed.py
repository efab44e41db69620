"""A replayed dead letter: its message is in its queue again, and it may have been corrected.

A correction is a manifest of its own in the store, written before the message was sent. So a job that is under way
takes over the manifest when it hears of the replay, and one that has ended reads it when it is reopened.
"""

from __future__ import annotations

from services.coordinator import plan
from services.coordinator.dispatching import Publish, dispatch
from services.coordinator.job import Job
from services.coordinator.jobs import Jobs
from services.coordinator.life import Event
from services.coordinator.pieces import Phase
from shared.protocol.messages import JobResumeRequested

_HAS_PIECES = frozenset({"synthesizing", "assembling"})


async def sent_back(job: Job, message: JobResumeRequested, *, jobs: Jobs) -> None:
    """Note that a piece has been requested by a replay, so that it is not requested beside it.

    It is, all the same, if the letter asks for something else than the job does by now. A result that was faster than
    this message has changed nothing, so the store is asked for it.
    """
    progress = await jobs.progress(job)
    key = progress.object_of(message.sent_back_to, message.index)
    if key is None or message.object_key not in {None, key}:
        return
    is_episode = progress.tallies[plan.EPISODE].index_of(key) is not None  # whose result also names its files
    if not is_episode and await jobs.records.has(key):
        progress.finish(key)
    else:
        progress.sent_back(key)


async def sent_back_under_way(job: Job, message: JobResumeRequested, *, jobs: Jobs, publish: Publish) -> None:
    """The same for a job that has not ended: without this, it would fail for what is being made after all."""
    if job.status.state not in _HAS_PIECES:
        return
    await take_over_corrections(job, jobs=jobs)
    await sent_back(job, message, jobs=jobs)
    await dispatch(job, jobs=jobs, publish=publish)


async def take_over_corrections(job: Job, *, jobs: Jobs) -> None:
    """Read the manifest again, in case it was corrected; a job that was being assembled may have to go back."""
    await jobs.reread(job)
    progress = await jobs.progress(job)
    if job.status.state == "assembling" and progress.phase is Phase.BEFORE_THE_EPISODE:
        await jobs.move(job, Event.PIECE_LOST)
