"""coordinator: consumes `coordinator` (all results), publishes chunk.requested, episode.requested and job events."""

import functools

from services.coordinator import handlers, reconciling
from services.coordinator.jobs import Jobs
from services.coordinator.retention import keep_pruned
from shared.protocol import messages, topology
from shared.runtime import service
from shared.settings import Settings


def build(settings: Settings) -> service.Service:
    """Wire the service."""
    app = service.Service(
        settings,
        topology.COORDINATOR,
        slots=settings.coordinator_slots,
        deadline_seconds=settings.coordinator_deadline_seconds,
    )
    app.publishes(messages.ChunkRequested, messages.EpisodeRequested, messages.ReconcileRequested)
    jobs = Jobs(app.store, app.publish.event)
    app.on_disconnect.append(jobs.forget_all)
    app.background += [
        jobs.keep_written,
        functools.partial(reconciling.tick, app.publish, every_seconds=settings.reconcile_seconds),
        functools.partial(keep_pruned, app.store, settings),
    ]

    @app.on(messages.JobRequest, ignore_malformed=True)  # the chunker got it too, and buries it
    async def job_submitted(message: messages.JobRequest) -> None:
        await handlers.job_submitted(message, jobs=jobs)

    @app.on(messages.JobChunked)
    async def job_chunked(message: messages.JobChunked) -> None:
        await handlers.job_chunked(message, jobs=jobs, publish=app.publish)

    @app.on(messages.ChunkSynthesized)
    async def chunk_synthesized(message: messages.ChunkSynthesized) -> None:
        await handlers.chunk_synthesized(message, jobs=jobs, publish=app.publish)

    @app.on(messages.ChunkLost)
    async def chunk_lost(message: messages.ChunkLost) -> None:
        await handlers.chunk_lost(message, jobs=jobs, publish=app.publish)

    @app.on(messages.EpisodeAssembled)
    async def episode_assembled(message: messages.EpisodeAssembled) -> None:
        await handlers.episode_assembled(message, jobs=jobs)

    @app.on(messages.JobCancelRequested)
    async def job_cancel(message: messages.JobCancelRequested) -> None:
        await handlers.job_cancel(message, jobs=jobs)

    @app.on(messages.ReconcileRequested)
    async def job_reconcile(message: messages.ReconcileRequested) -> None:
        del message
        await reconciling.reconcile(
            jobs=jobs,
            store=app.store,
            settings=settings,
            publish=app.publish,
            requeue=functools.partial(app.publish.to_queue, topology.CHUNKER),
            backlog=app.backlog,
        )

    app.on_dead_letter(functools.partial(handlers.dead_letter, jobs=jobs, publish=app.publish))
    return app


if __name__ == "__main__":
    service.main("coordinator", build)
