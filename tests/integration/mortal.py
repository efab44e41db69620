"""A synthesizer that one message kills; run as a separate process."""

from __future__ import annotations

import os
import signal

from shared.protocol import topology
from shared.protocol.messages import ChunkRequested
from shared.runtime import service
from shared.settings import Settings

KILLS = 13
"""The index of the chunk that kills."""
DONE = "done/"


def build(settings: Settings) -> service.Service:
    app = service.Service(settings, topology.SYNTHESIZER, slots=3, deadline_seconds=20)

    @app.on(ChunkRequested)
    async def receive(message: ChunkRequested) -> None:
        if message.index == KILLS:
            os.kill(os.getpid(), signal.SIGKILL)
        await app.store.put(f"{DONE}{message.index}", b"")

    return app


if __name__ == "__main__":
    service.main("synthesizer", build)
