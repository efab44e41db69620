"""Broker, store and speech killed, paused, full: that costs time and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path

import pytest

from tests.fault.stage import Stage, job, unheard_text

HEARTBEATS_SECONDS = 40.0
"""Longer than the three heartbeats after which a connection to a silent broker is given up."""
LONG_OUTAGE_SECONDS = 180.0
FILL_BYTES = (50_000_000, 1_000_000, 100_000)
"""At a time, while they fit."""


def slow_down(stage: Stage, seconds: float) -> None:
    """Let the voices take their time, so that a fault comes in the middle."""
    for voice in stage.voices:
        voice.delay(seconds)


def test_the_broker_is_killed_and_comes_back(stage: Stage) -> None:
    requests = [job(unheard_text(6)) for _ in range(2)]

    async def scenario() -> None:
        slow_down(stage, 0.5)
        await stage.line.submit(*requests)
        await stage.line.reaches(requests[0].job_id, "speaking")
        stage.broker.kill()
        await stage.start_again(stage.broker)
        await stage.proves(*requests)

    stage.play(scenario)


@pytest.mark.parametrize(
    "seconds", [6.0, pytest.param(HEARTBEATS_SECONDS, marks=pytest.mark.long)], ids=["shortly", "past-heartbeats"]
)
def test_the_broker_is_paused(stage: Stage, seconds: float) -> None:
    requests = [job(unheard_text(6)) for _ in range(2)]

    async def scenario() -> None:
        slow_down(stage, 0.5)
        await stage.line.submit(*requests)
        await stage.line.reaches(requests[0].job_id, "speaking")
        stage.broker.pause()
        await asyncio.sleep(seconds)
        stage.broker.resume()
        await stage.proves(*requests)

    stage.play(scenario)


@pytest.mark.parametrize("seconds", [8.0, pytest.param(LONG_OUTAGE_SECONDS, marks=pytest.mark.long)])
def test_the_store_is_killed_and_comes_back(stage: Stage, seconds: float) -> None:
    requests = [job(unheard_text(6)) for _ in range(2)]

    async def scenario() -> None:
        slow_down(stage, 0.3)
        await stage.line.submit(*requests)
        await stage.line.reaches(requests[0].job_id, "speaking")
        stage.minio.kill()
        await asyncio.sleep(seconds)
        await stage.start_again(stage.minio)
        await stage.proves(*requests)

    stage.play(scenario, seconds=LONG_OUTAGE_SECONDS + 200)


def test_the_store_is_paused(stage: Stage) -> None:
    requests = [job(unheard_text(6)) for _ in range(2)]

    async def scenario() -> None:
        await stage.line.submit(*requests)
        await stage.line.reaches(requests[0].job_id, "speaking")
        stage.minio.pause()
        await asyncio.sleep(6)  # longer than a call to the store may take
        stage.minio.resume()
        await stage.proves(*requests)

    stage.play(scenario)


def fill(folder: Path) -> Path:
    """Leave no room on the file system of `folder`; returns what takes it."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        for piece_bytes in FILL_BYTES:
            with contextlib.suppress(OSError):
                while True:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), piece_bytes)
    return ballast


def test_the_store_is_full_and_is_given_room(stage: Stage) -> None:
    if not stage.store_disk:
        pytest.skip("needs the right to mount a file system of its own for the store")
    requests = [job(unheard_text(6)) for _ in range(2)]

    async def scenario() -> None:
        slow_down(stage, 0.3)
        await stage.line.submit(*requests)
        await stage.line.reaches(requests[0].job_id, "speaking")
        ballast = fill(stage.minio.node.directory)
        logged = len(stage.line.log("synthesizer"))
        await asyncio.sleep(6)
        ballast.unlink()
        assert "StorageFull" in stage.line.log("synthesizer")[logged:]
        await stage.proves(*requests)

    stage.play(scenario)


@pytest.mark.parametrize("how", ["refuses", "503"])
@pytest.mark.parametrize("seconds", [10.0, pytest.param(LONG_OUTAGE_SECONDS, marks=pytest.mark.long)])
def test_speech_is_down_under_load_and_nothing_is_given_up(stage: Stage, how: str, seconds: float) -> None:
    requests = [job(unheard_text(6)) for _ in range(6)]

    async def scenario() -> None:
        slow_down(stage, 0.3)
        await stage.line.submit(*requests)
        await stage.line.reaches(requests[0].job_id, "speaking")
        down = time.monotonic()
        if how == "refuses":
            stage.silence()
        else:
            for voice in stage.voices:
                voice.misbehave("status", status=503)
        await asyncio.sleep(seconds)
        assert await stage.line.dead_letters() == {}
        for request in requests:
            status = await stage.line.status(request.job_id)
            assert status is None or status.state in {"chunking", "speaking", "assembling", "completed"}
        assert time.monotonic() - down >= seconds
        await stage.give_voice()
        for voice in stage.voices:
            voice.behave()
        await stage.proves(*requests)

    stage.play(scenario, seconds=LONG_OUTAGE_SECONDS + 200)
