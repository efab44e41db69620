"""A child process: how it is started so that it never outlives its parent, and how it is stopped."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.files import PRIVATE_UMASK
from shared.errors import Misconfigured

LineSink = Callable[[str], None]

TAIL_LINES = 30
"""How many of a child's last lines are kept to explain why it ended."""

_READ_BYTES = 65_536
_LINE_LIMIT_BYTES = 65_536


@dataclass(frozen=True)
class Program:
    """What to run.

    Attributes:
        name: the prefix of its log lines.
        argv: the program and its arguments.
        env: its whole environment.
        cwd: its working directory; None: its parent's.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: Path | None = None


def find_program(name: str, *, hint: str, also: tuple[str, ...] = ()) -> str:
    """The path of a program.

    Args:
        name: looked up in `PATH`.
        hint: how to install it.
        also: paths that are tried first.

    Raises:
        Misconfigured: it is not installed.
    """
    for path in also:
        if os.access(path, os.X_OK):
            return path
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if found is None:
        raise Misconfigured(f"The program {name} is not installed.", hint=hint)
    return found


def tethered(argv: tuple[str, ...], *, to_parent: signal.Signals = signal.SIGKILL) -> tuple[str, ...]:
    """The command, wrapped so that the kernel sends it the signal `to_parent` when the process that started it is gone.

    `setpriv` (util-linux, an essential package of Debian) sets the parent-death signal and then becomes the program. A
    `preexec_fn` would do the same, but is not safe with threads.
    """
    setpriv = find_program("setpriv", hint="Install the package util-linux.")
    return (setpriv, "--pdeathsig", to_parent.name.removeprefix("SIG"), "--", *argv)


class Child:
    """A program running in its own session, so that a Ctrl-C in the terminal reaches only its parent.

    Attributes:
        program: what runs.
        pid: its process id, which is also its process group.
        tail: its last lines.
    """

    def __init__(self, program: Program, process: asyncio.subprocess.Process, output: int, on_line: LineSink) -> None:
        self.program = program
        self.pid = process.pid
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._process = process
        self._on_line = on_line
        self._reader = asyncio.create_task(self._read(output), name=f"log of {program.name}")

    @classmethod
    async def start(cls, program: Program, on_line: LineSink) -> Child:
        """Start it; each line that it writes goes to `on_line`.

        Raises:
            Misconfigured: the program cannot be started.
        """
        # Our own pipe: asyncio would not report the child's end before its pipe is closed, and a stray grandchild can
        # hold that open forever.
        output, written = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *tethered(program.argv),
                env=dict(program.env),
                cwd=program.cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                start_new_session=True,
                umask=PRIVATE_UMASK,
            )
        except OSError as error:
            os.close(output)
            raise Misconfigured(
                f"{program.name} cannot be started: {error.strerror}.", hint="`podcast doctor` says what is missing."
            ) from error
        finally:
            os.close(written)
        return cls(program, process, output, on_line)

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs; negative: the signal that ended it."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for its end, then kill what is left in its process group."""
        code = await self._process.wait()
        self._signal_group(signal.SIGKILL)
        # Its last lines are in the pipe now. A stray grandchild may hold the pipe open: do not wait for that.
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._reader), timeout=1)
        self._reader.cancel()
        return code

    async def stop(self, *, grace_seconds: float) -> int:
        """Ask it to end, and kill it if it has not ended after `grace_seconds`."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            self._signal_group(signal.SIGCONT)  # a stopped process would not act on SIGTERM
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), timeout=grace_seconds)
            self.kill()
        return await self.wait()

    def kill(self) -> None:
        """Kill it and its process group immediately."""
        self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def _read(self, output: int) -> None:
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(output, "rb", buffering=0)
        )
        try:
            async for line in lines(stream):
                self.tail.append(line)
                self._on_line(line)
        finally:
            transport.close()


async def lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """The lines of a stream, however long it is; a line over 64 KiB is split."""
    rest = b""
    while chunk := await stream.read(_READ_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LINE_LIMIT_BYTES:
            whole.append(rest)
            rest = b""
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace")
