"""Broker, store and speech killed, paused, full: that costs time and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path

import pytest

from tests.fault.cluster import LONG_ENOUGH, Cluster, job, unheard_text
from tests.fault.evidence import Evidence

HEARTBEATS_SECONDS = 40.0
"""Longer than three heartbeats, after which a connection to a silent broker is given up."""
LONG_OUTAGE_SECONDS = 180.0
FILL_BYTES = (50_000_000, 1_000_000, 100_000)
"""Sizes of the blocks to write, each for as long as it fits."""


async def test_the_broker_is_killed_and_comes_back(cluster: Cluster) -> None:
    requests = [job(unheard_text(LONG_ENOUGH)) for _ in range(2)]

    async with cluster.running():
        await cluster.synthesizes(*requests, call_seconds=0.5)
        evidence = Evidence(cluster)
        cluster.broker.kill()
        await evidence.refused("broker")
        await cluster.start_again(cluster.broker)
        await cluster.proves(*requests)


@pytest.mark.parametrize(
    "seconds", [6.0, pytest.param(HEARTBEATS_SECONDS, marks=pytest.mark.long)], ids=["shortly", "past-heartbeats"]
)
async def test_the_broker_is_paused(cluster: Cluster, seconds: float) -> None:
    requests = [job(unheard_text(LONG_ENOUGH)) for _ in range(2)]

    async with cluster.running():
        await cluster.synthesizes(*requests, call_seconds=0.5)
        evidence = Evidence(cluster)
        cluster.broker.pause()
        await asyncio.sleep(seconds)
        await evidence.logged("publish ", "took longer than 3 s")
        cluster.broker.resume()
        await cluster.proves(*requests)


@pytest.mark.parametrize("seconds", [8.0, pytest.param(LONG_OUTAGE_SECONDS, marks=pytest.mark.long)])
async def test_the_store_is_killed_and_comes_back(cluster: Cluster, seconds: float) -> None:
    requests = [job(unheard_text(LONG_ENOUGH)) for _ in range(2)]

    async with cluster.running(seconds=LONG_OUTAGE_SECONDS + 200):
        await cluster.synthesizes(*requests, call_seconds=0.5)
        evidence = Evidence(cluster)
        cluster.minio.kill()
        await asyncio.sleep(seconds)
        await evidence.logged("waiting for a server", "StoreDown")
        await cluster.start_again(cluster.minio)
        await cluster.proves(*requests)


async def test_the_store_is_paused(cluster: Cluster) -> None:
    requests = [job(unheard_text(LONG_ENOUGH)) for _ in range(2)]

    async with cluster.running():
        await cluster.services.submit(*requests)
        await cluster.services.reaches(requests[0].job_id, "synthesizing")
        evidence = Evidence(cluster)
        cluster.minio.pause()
        await evidence.logged("waiting for a server", "StoreDown", "took longer than")
        cluster.minio.resume()
        await cluster.proves(*requests)


def fill(folder: Path) -> Path:
    """Fill the file system of `folder`; returns the file that fills it."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        for piece_bytes in FILL_BYTES:
            with contextlib.suppress(OSError):
                while True:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), piece_bytes)
    return ballast


async def test_the_store_is_full_and_is_given_room(cluster: Cluster) -> None:
    if not cluster.store_disk:
        pytest.skip("needs the right to mount a file system of its own for the store")
    requests = [job(unheard_text(LONG_ENOUGH)) for _ in range(2)]

    async with cluster.running():
        await cluster.synthesizes(*requests, call_seconds=0.5)
        evidence = Evidence(cluster)
        ballast = fill(cluster.minio.node.directory)
        try:
            await evidence.logged("StorageFull", services=["synthesizer"])
        finally:
            ballast.unlink()
        await cluster.proves(*requests)


@pytest.mark.parametrize("how", ["refuses", "503"])
@pytest.mark.parametrize("seconds", [10.0, pytest.param(LONG_OUTAGE_SECONDS, marks=pytest.mark.long)])
async def test_speech_is_down_under_load_and_nothing_is_given_up(cluster: Cluster, how: str, seconds: float) -> None:
    requests = [job(unheard_text(LONG_ENOUGH)) for _ in range(6)]

    async with cluster.running(seconds=LONG_OUTAGE_SECONDS + 200):
        await cluster.synthesizes(*requests, call_seconds=0.5)
        down = time.monotonic()
        evidence = Evidence(cluster)
        if how == "refuses":
            cluster.silence()
        else:
            for voice in cluster.voices:
                voice.misbehave("status", status=503)
        await asyncio.sleep(seconds)
        await evidence.logged("waiting for a server", "SpeechDown")
        assert await cluster.services.dead_letters() == {}
        for request in requests:
            status = await cluster.services.status(request.job_id)
            assert status is None or status.state in {"chunking", "synthesizing", "assembling", "completed"}
        assert time.monotonic() - down >= seconds
        await cluster.give_voice()
        for voice in cluster.voices:
            voice.behave()
        await cluster.proves(*requests)
