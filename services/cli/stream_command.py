"""`podcast stream`: addresses at which any player on this machine hears a job while it is spoken."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from pathlib import Path

import click

from services.cli import interrupts, printing, stream_server, targets


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Where to listen; else any free port.")
@targets.on_a_stack
def stream(job_id: str, port: int, directory: Path | None, as_json: bool) -> None:
    """Print addresses at which players on this machine hear a job while it is spoken.

    The first is an MP3 that grows; the second an HLS stream, in which a player can go back.

    They can be used, as often as wanted, until the command ends: Ctrl-C ends it. The job does not depend on it.
    """
    target = targets.named(directory, only_store=True)

    def ready(mp3: str, hls: str) -> None:
        if as_json:
            printing.say_json({"url": mp3, "hls_url": hls}, indent=None)
        else:
            printing.say(f"{mp3}\n{hls}")

    async def work() -> None:
        async with target.opened() as backend:
            await backend.status(job_id)

            def pieces() -> AsyncGenerator[bytes, None]:
                return backend.spoken(job_id, "mp3")

            def hls(name: str, awaited: int) -> Awaitable[bytes]:
                return backend.hls(job_id, name, awaited=awaited)

            await stream_server.serve(pieces, hls, port=port, ready=ready, say=printing.note)

    interrupts.run(work())
