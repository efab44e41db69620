"""The child process: it never outlives its caller, however that ends."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from services.assembler.ffmpeg import decoder
from shared.audio import ffmpeg
from shared.audio.ffmpeg import EncoderFailed
from tests.waiting import until

FOR_EVER = ("-re", "-f", "lavfi", "-i", "anullsrc", "-f", "null", "-")
"""Has no pipe to us that could break."""

ASSEMBLER = f"""
import asyncio
from shared.audio import ffmpeg

async def main():
    async with ffmpeg.run({FOR_EVER!r}) as child:
        print(child.process.pid, flush=True)
        await child.process.wait()

asyncio.run(main())
"""


def test_ffmpeg_dies_with_a_process_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", ASSEMBLER], stdout=subprocess.PIPE, text=True) as assembler:
        assert assembler.stdout
        child = psutil.Process(int(assembler.stdout.readline()))
        try:
            deadline = time.monotonic() + 30
            while child.name() != "ffmpeg" and time.monotonic() < deadline:
                time.sleep(0.01)  # setpriv becomes ffmpeg
            assembler.send_signal(signal.SIGKILL)
            child.wait(timeout=30)
        finally:
            assembler.kill()


async def test_ffmpeg_is_dead_when_the_body_is_left_by_a_deadline() -> None:
    started = []

    async def run_for_half_a_second() -> None:
        async with asyncio.timeout(0.5), ffmpeg.run(FOR_EVER) as child:
            started.append(child.process.pid)
            await child.process.wait()

    with pytest.raises(TimeoutError):
        await run_for_half_a_second()
    assert not psutil.pid_exists(started[0])


async def test_what_it_complains_about_is_the_error(tmp_path: Path) -> None:
    async def decode_nothing() -> None:
        async with decoder(tmp_path / "nothing.mp3") as child:
            assert [data async for data in child.pcm()] == []
            await child.finish()

    with pytest.raises(EncoderFailed, match="No such file"):
        await decode_nothing()


async def test_without_ffmpeg_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EncoderFailed, match="apt-get install ffmpeg"):
        async with ffmpeg.run(["-version"]):
            pass


async def test_it_is_dead_at_once_although_nobody_reads_what_it_wrote() -> None:
    """asyncio waits for a dead process until its pipes are closed, and a full one is not read."""
    arguments = ("-f", "lavfi", "-i", "sine", "-f", "s16le", "pipe:1")
    async with asyncio.timeout(10):
        async with ffmpeg.run(arguments, reads=True) as child:
            assert child.process.stdout is not None
            await child.process.stdout.readexactly(1)
            await until(lambda: child.process.stdout._paused, "the pipe is full")  # type: ignore[union-attr]
        assert child.process.returncode == -signal.SIGKILL
