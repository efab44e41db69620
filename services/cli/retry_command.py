"""`podcast retry`: asks for `job.resume`, the only message that reopens a failed or cancelled job."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import click

from services.cli import interrupts, printing, targets
from shared.errors import BadInput
from shared.protocol.messages import TERMINAL_STATES, JobStatus

_PATIENCE_SECONDS = 10.0
"""The coordinator answers in milliseconds when it runs; if it does not, the request waits in its queue."""
_LOOK_SECONDS = 0.1


@click.command()
@click.argument("job_id", metavar="ID")
@targets.on_a_stack
def retry(job_id: str, directory: Path | None, as_json: bool) -> None:
    """Open a failed or cancelled job again.

    It gets a fresh deadline, and what is finished stays finished: only the rest is spoken.
    """
    target = targets.named(directory)

    async def work() -> JobStatus:
        async with target.opened() as backend:
            found = await backend.status(job_id)
            if found.state == "completed":
                raise BadInput(f"Job {job_id} is completed.", hint="There is nothing to retry.")
            if found.state not in TERMINAL_STATES:
                raise BadInput(
                    f"Job {job_id} is under way ({found.state}).", hint=f"`podcast watch {job_id}` follows it."
                )
            await backend.resume(job_id)
            before = found.resumed_at
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    while found.resumed_at == before:
                        await asyncio.sleep(_LOOK_SECONDS)
                        found = await backend.look(job_id) or found
            return found

    found = interrupts.run(work())
    if as_json:
        printing.say_json(found.model_dump(mode="json"))
    elif found.state in TERMINAL_STATES and found.state != "completed":
        printing.say("asked to go on; it will when a coordinator runs")
    else:
        printing.say(f"goes on: {found.state}")
