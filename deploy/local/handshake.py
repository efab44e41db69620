"""How a supervisor is started, and how it says that its stack is ready, or why it is not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from deploy.local.plan import StackPlan
from deploy.local.process_specs import START_SECONDS
from shared import errors
from shared.errors import Outage, PodcastError

READY_SECONDS = START_SECONDS + 30.0
"""The supervisor gives up before, and says why."""


def command(directory: Path, plan: StackPlan, ready_fd: int, *, echo: bool) -> tuple[str, ...]:
    """The supervisor's command line."""
    return (
        *(sys.executable, "-P", "-m", "deploy.local.supervisor"),
        *("--dir", str(directory), "--plan", plan.model_dump_json(), "--ready-fd", str(ready_fd)),
        *(("--echo",) if echo else ()),
    )


async def wait_ready(descriptor: int, directory: Path) -> None:
    """Wait for the supervisor's one line on this end of a pipe.

    Raises:
        PodcastError: what it says went wrong.
    """
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(descriptor, "rb"))
    try:
        async with asyncio.timeout(READY_SECONDS):
            said = await reader.readline()
    except TimeoutError:
        raise Outage(
            f"The local stack was not ready within {READY_SECONDS:.0f} s.", hint=f"Its log is in {directory / 'logs'}."
        ) from None
    finally:
        transport.close()
    outcome = json.loads(said or b'{"error": "Outage", "message": "The local stack ended before it was ready."}')
    if "error" in outcome:
        kind = getattr(errors, outcome["error"], None)
        if not (isinstance(kind, type) and issubclass(kind, PodcastError)):
            kind = errors.Misconfigured
        raise kind(outcome["message"], hint=outcome.get("hint") or f"Its log is in {directory / 'logs'}.")
