"""Joining stored segments: time and peak memory of the assembler, beside a plain copy and beside encoding the whole.

Twice for each length: from segments alone, as when all of a book was spoken before; and with all of it joined ahead but
the last chunks, as when it is spoken now.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.environment import BenchEnvironment
from benchmarks.figures import Figure, Figures
from benchmarks.long_books import MEGABYTE, RATE, Cost, Spoken, assemble, manifest, spoken_chunks
from deploy.local.minio_build import minio_path
from services.assembler.handlers import join_ahead
from shared.audio import chunk_audio
from shared.concurrency import gathered
from shared.protocol.manifest import Manifest
from shared.protocol.messages import EpisodePartRequested, PauseLengths
from shared.settings import Settings
from shared.store import chunk_segments, keys
from shared.store.port import Store
from shared.store.voice_gains import VoiceGains
from tests.servers.minio import MinioServer
from tests.servers.services import Services

TITLE = "Joining"
CHAPTERS = 300
LAST_CHUNKS = 32
"""So many have come, on average, since the coordinator last asked for a part."""
WRITES_AT_A_TIME = 16
COPIES_A_CALL = 8
COPIES_AT_A_TIME = 3
"""As the assembler reads."""


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    lengths = (0.1, 0.2) if quick else (1, 10, 30)
    compared = lengths[1]
    spoken = spoken_chunks(environment.folder("spoken"))
    figures: Figures = {}
    peaks: list[float] = []
    joined = joined_ahead = copied = encoded = 1.0
    minio = MinioServer(environment.folder("minio"), minio_path(Settings().cache_dir))
    minio.start()
    with ExitStack() as stack:
        stack.callback(minio.stop)
        for hours in lengths:
            with environment.services("http://127.0.0.1:9", ("assembler",), store_url=minio.bucket()) as services:
                book = _book(spoken, hours * 3_600)
                segments = asyncio.run(_shelve(services.store, book, spoken))
                cost = asyncio.run(assemble(services, book, fails_with="off target"))
                peaks.append(cost.peak_bytes)
                figures[f"{hours:g} h: from the request to the stored episode"] = Figure(cost.seconds, "s")
                figures[f"{hours:g} h: CPU of the assembler"] = Figure(cost.cpu_seconds, "s")
                figures[f"{hours:g} h: peak memory"] = Figure(cost.peak_bytes / MEGABYTE, "MB", at_most=150)
                ahead = asyncio.run(_ahead(services, book))
                most = 2 if hours <= compared else None
                figures[f"{hours:g} h, joined ahead: from the request to the stored episode"] = Figure(
                    ahead.seconds, "s", at_most=most
                )
                figures[f"{hours:g} h, joined ahead: CPU of the assembler"] = Figure(ahead.cpu_seconds, "s")
                figures[f"{hours:g} h, joined ahead: peak memory"] = Figure(
                    ahead.peak_bytes / MEGABYTE, "MB", at_most=150
                )
                if hours == compared:
                    joined, joined_ahead = cost.seconds, ahead.seconds
                    copied = asyncio.run(_copy(services.store, segments, keys.episode(book.job_id, "mp3")))
                    chunks = len(book.chunks)
    listed = [spoken[index % len(spoken)][0] for index in range(chunks)]
    encoded = _encode_whole(environment.folder("whole"), listed)
    figures[f"{compared:g} h: reading the segments and writing as many bytes"] = Figure(copied, "s")
    figures[f"{compared:g} h: join / copy"] = Figure(joined / copied, at_most=3)
    figures[f"{compared:g} h: ffmpeg concat and encode, without pauses"] = Figure(encoded, "s")
    figures[f"{compared:g} h: ffmpeg / join"] = Figure(encoded / joined, at_least=100)
    figures[f"{compared:g} h: ffmpeg / join, joined ahead"] = Figure(encoded / joined_ahead, at_least=100)
    figures[f"peak for {lengths[-1]:g} h / peak for {lengths[0]:g} h"] = Figure(peaks[-1] / peaks[0], at_most=1.2)
    return figures


async def _ahead(services: Services, book: Manifest) -> Cost:
    """The same episode anew, when its first chunks were joined while the last ones were spoken."""
    before = await services.store.size(keys.episode(book.job_id, "mp3"))
    for name in ("timing.json", "mp3"):
        await services.store.delete(keys.episode(book.job_id, name))
    await services.store.put(keys.active(book.job_id), b"")
    request = EpisodePartRequested(job_id=book.job_id, chunks=len(book.chunks) - LAST_CHUNKS)
    await join_ahead(request, store=services.store, settings=Settings())
    if not await services.store.exists(keys.part(book.job_id, "mp3", "00001")):
        raise RuntimeError("Nothing was joined ahead.")
    cost = await assemble(services, book, fails_with="off target")
    if await services.store.size(keys.episode(book.job_id, "mp3")) != before:
        raise RuntimeError("The episode is another one.")
    return cost


def _book(spoken: Spoken, seconds: float) -> Manifest:
    """A book of this length."""
    pause_seconds = PauseLengths().paragraph / 1_000
    count, total = 0, 0.0
    while total < seconds:
        total += spoken[count % len(spoken)][1] + pause_seconds
        count += 1
    return manifest(count, a_chapter=max(1, -(-count // CHAPTERS)), sample_rate=RATE)


async def _shelve(store: Store, book: Manifest, spoken: Spoken) -> list[str]:
    """Store the segments, as synthesizers would have: those of the distinct chunks, each under many keys."""
    await store.ping()
    first = book.chunk_request(0)
    heard = np.concatenate([chunk_audio.decode(path.read_bytes())[0] for path, _ in spoken[:12]])
    gain = await VoiceGains(store).learn(first, "mono", chunk_segments.usual_gain_db(heard, RATE, "mono"))
    codecs = chunk_segments.codecs_of(first)
    made: list[bytes] = []
    for number, (path, _) in enumerate(spoken):
        if number < len(book.chunks):
            request = book.chunk_request(number)
            segment = chunk_segments.encode(chunk_audio.load(path.read_bytes()), request, codecs, gain)["mp3"]
            made.append(segment.to_bytes())
    named: list[str] = []

    async def put(index: int) -> None:
        key = chunk_segments.wanted(book.chunk_request(index), codecs, gain)["mp3"]
        await store.put(key, made[index % len(made)])
        named.append(key)

    await gathered(put, range(len(book.chunks)), at_a_time=WRITES_AT_A_TIME)
    await store.put(keys.manifest(book.job_id), book.model_dump_json().encode())
    return named


async def _copy(store: Store, segments: list[str], episode: str) -> float:
    """How long it takes to read what is joined, and to write one object of the episode's size."""
    size = await store.size(episode) or 0

    groups = [segments[at : at + COPIES_A_CALL] for at in range(0, len(segments), COPIES_A_CALL)]
    began = time.monotonic()
    await gathered(store.get_many, groups, at_a_time=COPIES_AT_A_TIME)
    await store.put("jobs/copy/episode.mp3", bytes(size))
    return time.monotonic() - began


def _encode_whole(folder: Path, chunks: list[Path]) -> float:
    """How long ffmpeg takes to concatenate chunks and to encode them as MP3."""
    listed = folder / "list.txt"
    listed.write_text("".join(f"file '{path}'\n" for path in chunks))
    arguments = ["-v", "error", "-f", "concat", "-safe", "0", "-i", str(listed), "-c:a", "libmp3lame", "-q:a", "4"]
    began = time.monotonic()
    subprocess.run(["ffmpeg", *arguments, str(folder / "whole.mp3")], check=True, timeout=3_600)
    return time.monotonic() - began
