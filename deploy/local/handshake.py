"""How a supervisor is started, and how it reports that its stack is ready, or why it is not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

from deploy.local.plan import StackPlan
from deploy.local.probing import START_SECONDS
from shared import errors
from shared.errors import Outage, PodcastError

READY_SECONDS = START_SECONDS + 30.0
"""The supervisor gives up earlier, and reports why."""


def command(directory: Path, ready_fd: int, *, echo: bool) -> tuple[str, ...]:
    """The supervisor's command line; it reads its plan from `plan_input`."""
    return (
        *(sys.executable, "-P", "-m", "deploy.local.supervise"),
        *("--dir", str(directory), "--ready-fd", str(ready_fd)),
        *(("--echo",) if echo else ()),
    )


def plan_input(plan: StackPlan) -> BinaryIO:
    """The plan as the supervisor's standard input.

    It may hold a speech server's password, so it is not an argument, which everyone on the machine could read. It is a
    file in memory: nothing of it remains, and unlike with a pipe, nothing waits until the supervisor reads it.
    """
    handle = os.fdopen(os.memfd_create("plan"), "w+b")
    handle.write(plan.model_dump_json().encode())
    handle.seek(0)
    return handle


async def wait_ready(descriptor: int, directory: Path) -> None:
    """Wait for the supervisor's one line on this end of a pipe.

    Raises:
        PodcastError: the error that it reports.
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
