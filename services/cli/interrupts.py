"""Runs a command's coroutine so that Ctrl-C and SIGTERM always end it, without waiting for any thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from services.cli.exits import INTERRUPTED, Interrupted
from shared.runtime import trace_export

T = TypeVar("T")

DEFAULT_GRACE_SECONDS = 0.8
"""Time to end after a Ctrl-C when nothing has to be cleaned up."""

_LEFTOVER_SECONDS = 1.0


def run(main: Coroutine[Any, Any, T], *, grace_seconds: float = DEFAULT_GRACE_SECONDS) -> T:
    """Run `main` to its end.

    The first SIGINT or SIGTERM cancels it, so that its `finally` blocks run; a second one, or `grace_seconds`, ends the
    process immediately. `asyncio.run` would then wait for threads that look up a host name or read a stuck disk.

    Args:
        main: the command's coroutine.
        grace_seconds: how long cleaning up may take.

    Raises:
        Interrupted: a signal arrived.
    """
    trace_export.start_command("podcast")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    task = loop.create_task(main)
    interrupted = False

    def on_signal() -> None:
        nonlocal interrupted
        if interrupted:
            _end_now()
        interrupted = True
        task.cancel()
        loop.call_later(grace_seconds, _end_now)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    try:
        result = loop.run_until_complete(task)
    except asyncio.CancelledError:
        raise Interrupted("Interrupted.") from None
    else:
        if interrupted:
            raise Interrupted("Interrupted.")
        return result
    finally:
        if not interrupted:
            loop.run_until_complete(trace_export.finish())
        _finish(loop)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        asyncio.set_event_loop(None)
        loop.close()


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    """Let the remaining tasks and generators end, but not for long."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    with contextlib.suppress(TimeoutError):
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=_LEFTOVER_SECONDS))
        loop.run_until_complete(asyncio.wait_for(loop.shutdown_asyncgens(), _LEFTOVER_SECONDS))


def _end_now() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)
