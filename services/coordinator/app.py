"""coordinator: consumes `coordinator` (all results), publishes requests for pieces of work and the events of jobs."""

import functools

from faststream.rabbit import ExchangeType, RabbitExchange

from services.coordinator import deaths, handlers, metrics, plan, queue_watch, reconciling
from services.coordinator.jobs import Jobs
from services.coordinator.retention import keep_pruned
from shared.protocol import messages, topology
from shared.runtime import certificates, service
from shared.runtime.broker_addresses import addresses
from shared.settings import Settings
from shared.store import queue_states


def build(
    settings: Settings, *, stages: tuple[topology.WorkQueue, ...] = topology.STAGES, plan_of: plan.Plan = plan.of
) -> service.Service:
    """Wire the service for these stages and this plan of a job."""
    app = service.Service(
        settings,
        topology.coordinator_of(stages),
        slots=settings.coordinator_slots,
        deadline_seconds=settings.coordinator_deadline_seconds,
    )
    jobs = Jobs(app.store, tell=app.publish.event, announce=app.publish.durable_event, plan_of=plan_of)
    requeue = functools.partial(app.publish.to_queue, topology.CHUNKER)
    reconciler = reconciling.Reconciler(
        jobs=jobs,
        settings=settings,
        publish=app.publish,
        requeue=requeue,
        backlog=app.backlog,
        queue_states=functools.partial(queue_states.of_all, app.store),
    )
    app.on_disconnect.append(jobs.forget_all)
    app.background += [
        jobs.keep_written,
        jobs.keep_times_written,
        functools.partial(metrics.keep_shown, jobs.all),
        functools.partial(
            certificates.keep_read, certificates.broker_and_store(settings, addresses(settings.amqp_url))
        ),
        functools.partial(
            queue_watch.keep_read, settings, app.store, (*stages, app.queue, topology.WEBHOOKS, topology.FEEDS)
        ),
        functools.partial(reconciling.tick, app.publish, every_seconds=settings.reconcile_seconds),
        functools.partial(keep_pruned, app.store, settings),
    ]

    @app.on(messages.JobRequest, ignore_malformed=True)  # the chunker got it too, and dead-letters it
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
        await handlers.chunk_lost(message, jobs=jobs, publish=app.publish, settings=settings)

    @app.on(messages.EpisodeAssembled)
    async def episode_assembled(message: messages.EpisodeAssembled) -> None:
        await handlers.episode_assembled(message, jobs=jobs, publish=app.publish)

    @app.on(messages.JobCancelRequested)
    async def job_cancel(message: messages.JobCancelRequested) -> None:
        await handlers.job_cancel(message, jobs=jobs)

    @app.on(messages.JobResumeRequested)
    async def job_resume(message: messages.JobResumeRequested) -> None:
        await handlers.job_resume(message, jobs=jobs, publish=app.publish, requeue=requeue)

    @app.on(messages.ReconcileRequested)
    async def job_reconcile(message: messages.ReconcileRequested) -> None:
        del message
        await reconciler.run()

    _hear_of_pieces(app, stages, jobs)
    app.on_dead_letter(functools.partial(deaths.dead_letter, jobs=jobs, publish=app.publish, stages=stages))
    _document(app, stages)
    return app


def _hear_of_pieces(app: service.Service, stages: tuple[topology.WorkQueue, ...], jobs: Jobs) -> None:
    """Register handlers for what additional stages announce."""

    async def piece_finished(message: messages.PieceFinished) -> None:
        await handlers.piece_finished(message, jobs=jobs, publish=app.publish)

    for announced in (message for stage in stages for message in stage.announces):
        if issubclass(announced, messages.PieceFinished):
            app.on(announced)(piece_finished)


def _document(app: service.Service, stages: tuple[topology.WorkQueue, ...]) -> None:
    """Name what is published, for the AsyncAPI document."""
    of_clients = (messages.JobRequest, messages.PreviewRequested)
    requests = [message for stage in stages for message in stage.consumes if message not in of_clients]
    app.publishes(*requests, messages.ReconcileRequested, *messages.ENDINGS.values())
    app.broker.publisher(
        exchange=RabbitExchange(topology.EVENTS_EXCHANGE, type=ExchangeType.TOPIC, declare=False),
        routing_key="*.*",
        persist=False,
        title="coordinator-tells-watchers",
        description="Routing key `<event>.<job_id>`: bind `*.<job_id>` for a job, `failed.*` for an event.",
        schema=messages.JobEvent,
    )


if __name__ == "__main__":
    service.main("coordinator", build)
