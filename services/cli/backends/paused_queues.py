"""Tells whoever waits for a job that a queue is paused: otherwise nothing would happen, and nobody would say why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, Final

from services.cli.backends.port import Say
from shared.errors import PodcastError
from shared.protocol.messages import TERMINAL_STATES, JobStatus
from shared.text import one_line

_PATIENCE_SECONDS: Final = 3.0
"""Without the broker it is not known which queues are paused, and the statuses of a job need no broker."""


async def said_with(
    statuses: AsyncIterator[JobStatus], say: Say, paused: Callable[[], Awaitable[dict[str, str]]]
) -> AsyncGenerator[JobStatus, None]:
    """The statuses of a job; before the first one of a job that has not ended, it is said which queues are paused.

    Args:
        statuses: of the job.
        say: tells the user.
        paused: the queues that are paused, each with the reason; whoever may not know it is not told.
    """
    is_told = False
    async for status in statuses:
        if not is_told and status.state not in TERMINAL_STATES:
            is_told = True
            for name, reason in (await _known(paused)).items():
                because = f" ({one_line(reason)})" if reason else ""
                say(f"The queue {name} is paused{because}; `podcast queues resume {name}` resumes it.")
        yield status


async def _known(paused: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await paused()
    except (TimeoutError, PodcastError):
        return {}
