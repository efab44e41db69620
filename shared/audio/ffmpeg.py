"""ffmpeg as a child process, fed and read through bounded pipes. It never outlives its caller.

Cancelling kills it; if this process is killed, the kernel kills it (`setpriv --pdeathsig`), and without that program it
ends by itself when its pipe closes. Its stderr output becomes the error sentence.
"""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from shared.errors import Transient

PIPE_BYTES = 262_144
"""Written to the pipe at a time, so that other tasks get their turn."""
READ_BYTES = 262_144
"""PCM read at a time; a multiple of the size of a stereo float frame."""
PIECE_BYTES = 65_536
"""Encoded audio read at a time, at most."""
STDERR_BYTES = 4_096
"""How much of ffmpeg's error output is kept, from its end."""
NO_SPACE = "No space left on device"
END_SECONDS = 10.0
"""A killed process that has not ended after this long is stuck in the kernel; nobody waits for it any longer."""


class EncoderFailed(Transient):
    """ffmpeg ended with an error or could not be started."""


class DiskFull(Transient):
    """The folder for temporary files has no room for the audio."""


class Child:
    """A running ffmpeg.

    Attributes:
        process: the child.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self._complaints = bytearray()
        self._listener = asyncio.create_task(self._listen())

    async def feed(self, data: bytes | memoryview) -> None:
        """Write to its standard input and wait until most of the data has been read.

        Raises:
            EncoderFailed, DiskFull: it ended instead.
        """
        assert self.process.stdin is not None  # noqa: S101 - started with a pipe
        view = memoryview(data)
        if not view.nbytes:  # a pause of no length; an empty view cannot be cast
            return
        view = view.cast("B")
        try:
            for start in range(0, len(view), PIPE_BYTES):
                self.process.stdin.write(view[start : start + PIPE_BYTES])
                await self.process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            await self.finish()
            raise EncoderFailed("ffmpeg stopped reading before the end of the audio.") from None

    async def encoded(self) -> AsyncIterator[bytes]:
        """What it writes to its standard output, as soon as it comes, in pieces of at most `PIECE_BYTES`."""
        assert self.process.stdout is not None  # noqa: S101 - started with a pipe
        while data := await self.process.stdout.read(PIECE_BYTES):
            yield data

    async def pcm(self) -> AsyncIterator[bytes]:
        """What it writes to its standard output, in pieces of `READ_BYTES`; the last one is shorter."""
        assert self.process.stdout is not None  # noqa: S101 - started with a pipe
        while True:
            try:
                yield await self.process.stdout.readexactly(READ_BYTES)
            except asyncio.IncompleteReadError as end:
                if end.partial:
                    yield end.partial
                return

    async def finish(self) -> None:
        """Close its input and wait for it to end.

        Raises:
            EncoderFailed, DiskFull: it reported an error.
        """
        if self.process.stdin is not None:
            with suppress(BrokenPipeError, ConnectionResetError):
                self.process.stdin.close()
                await self.process.stdin.wait_closed()
        code = await self.process.wait()
        await self._listener
        complaints = self._complaints.decode(errors="replace").strip()
        if NO_SPACE in complaints:
            raise disk_full()
        if code:
            last = complaints.splitlines()[-1] if complaints else f"exit code {code}"
            raise EncoderFailed(f"ffmpeg failed: {last}", hint="`podcast doctor` checks the installation.")

    async def kill(self) -> None:
        """Kill it now, if it is still running."""
        self._listener.cancel()
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await asyncio.wait({self._listener})
                # `wait` returns only when every pipe is closed, and one that is paused, because nobody read what it
                # had, would never be: so it is read to its end.
                for pipe in (self.process.stdout, self.process.stderr):
                    while pipe is not None and await pipe.read(READ_BYTES):
                        pass
                await self.process.wait()

    async def _listen(self) -> None:
        assert self.process.stderr is not None  # noqa: S101 - started with a pipe
        while data := await self.process.stderr.read(STDERR_BYTES):
            self._complaints += data
            del self._complaints[:-STDERR_BYTES]


def disk_full() -> DiskFull:
    """The error for every place where the disk can turn out to be full."""
    return DiskFull(
        "The disk for temporary files is full.", hint="Free some space, or set TMPDIR to a folder that has more."
    )


@asynccontextmanager
async def run(
    arguments: Sequence[str], *, feeds: bool = False, reads: bool = False, buffer_bytes: int = 2 * READ_BYTES
) -> AsyncIterator[Child]:
    """Start ffmpeg; it has ended when the body is left, however it is left.

    Args:
        arguments: those after ffmpeg's general options.
        feeds: its standard input is a pipe.
        reads: its standard output is a pipe.
        buffer_bytes: about twice as much of its output is kept here, then it has to wait.

    Raises:
        EncoderFailed: there is no ffmpeg.
    """
    guard = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
    general = ("-hide_banner", "-nostats", "-loglevel", "error", "-y", *(() if feeds else ("-nostdin",)))
    try:
        process = await asyncio.create_subprocess_exec(
            *guard,
            "ffmpeg",
            *general,
            *arguments,
            stdin=PIPE if feeds else DEVNULL,
            stdout=PIPE if reads else DEVNULL,
            stderr=PIPE,
            limit=buffer_bytes,
        )
    except FileNotFoundError as error:
        raise EncoderFailed("ffmpeg is not installed.", hint="Install it: apt-get install ffmpeg.") from error
    child = Child(process)
    try:
        yield child
    finally:
        await child.kill()
