"""chunker: consumes job.submitted, publishes job.chunked; consumes preview.requested. A splitter."""

from services.chunker import handlers, previews
from services.chunker.warm_up import warm_up
from shared.protocol import messages, topology
from shared.runtime import service
from shared.settings import Settings


def build(settings: Settings) -> service.Service:
    """Wire the service.

    Raises:
        Misconfigured: `PODCAST_FETCH_ALLOW` or `PODCAST_VOICES` cannot be read.
    """
    _ = settings.fetch_allowed, settings.voice_table
    app = service.Service(
        settings,
        topology.CHUNKER,
        slots=settings.chunker_slots,
        deadline_seconds=settings.chunker_deadline_seconds,
        attempts_limit=settings.chunker_attempts_limit,
    )
    app.publishes(messages.JobChunked)
    app.background.append(warm_up)

    @app.on(messages.JobRequest)
    async def receive(message: messages.JobRequest) -> None:
        await handlers.chunk_job(message, store=app.store, settings=settings, publish=app.publish)

    @app.on(messages.PreviewRequested)
    async def receive_preview(message: messages.PreviewRequested) -> None:
        await previews.make_preview(message, store=app.store, settings=settings)

    return app


if __name__ == "__main__":
    service.main("chunker", build)
