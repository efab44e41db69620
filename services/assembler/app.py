"""assembler: competing consumers.

Consumes episode.requested and episode.part_requested, publishes episode.assembled or chunk.lost.
"""

from services.assembler import handlers
from shared.protocol import messages, topology
from shared.runtime import service
from shared.settings import Settings


def build(settings: Settings) -> service.Service:
    """Wire the service."""
    app = service.Service(
        settings,
        topology.ASSEMBLER,
        slots=settings.assembler_slots,
        deadline_seconds=settings.assembler_deadline_seconds,
    )
    app.publishes(messages.EpisodeAssembled, messages.ChunkLost)

    @app.on(messages.EpisodeRequested)
    async def receive(message: messages.EpisodeRequested) -> None:
        await handlers.assemble_episode(message, store=app.store, settings=settings, publish=app.publish)

    @app.on(messages.EpisodePartRequested)
    async def receive_part(message: messages.EpisodePartRequested) -> None:
        await handlers.join_ahead(message, store=app.store, settings=settings)

    return app


if __name__ == "__main__":
    service.main("assembler", build)
