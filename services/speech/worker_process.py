"""A worker process as the server uses it: to start it, send it requests and kill it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from services.speech import frames

KILL_SECONDS = 5.0
"""How long to wait until a killed process is gone; the kernel needs milliseconds."""


class WorkerLost(Exception):
    """The process ended, or wrote something that is not a frame."""


@dataclass(frozen=True)
class Answer:
    """A worker's answer: `header["ok"]`, and the audio if that is true."""

    header: dict[str, Any]
    audio: bytes


class WorkerProcess:
    """One running worker. The caller must send it only one request at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.gone = asyncio.create_task(process.wait())
        """Done when the process has ended; its exit code."""

    @classmethod
    async def start(cls) -> Self:
        """Start a process; it has not loaded an engine yet."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.speech.worker",
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def request(self, request: dict[str, Any]) -> Answer:
        """Send a request and wait for its answer, however long it takes: the deadline is the caller's.

        Raises:
            WorkerLost: there will be no answer. After this, or after a cancelled call, the worker must be killed.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise WorkerLost("the worker has no pipes")
        try:
            stdin.write(frames.pack(request))
            await stdin.drain()
            (length,) = frames.LENGTH.unpack(await stdout.readexactly(frames.LENGTH.size))
            if length > frames.HEADER_LIMIT_BYTES:
                raise WorkerLost("the worker wrote something that is no answer")
            header = json.loads(await stdout.readexactly(length))
            return Answer(header, await stdout.readexactly(header["size"]))
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            raise WorkerLost("the worker ended while it was speaking") from error

    async def kill(self) -> None:
        """End the process now."""
        with suppress(ProcessLookupError):
            self._process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(KILL_SECONDS):
                await asyncio.shield(self.gone)
