"""Joining stored segments: time and peak memory of the assembler, beside a plain copy and beside encoding the whole."""

from __future__ import annotations

import asyncio
import subprocess
import time
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import numpy as np

from benchmarks import books
from benchmarks.environment import BenchEnvironment, pids
from benchmarks.figures import Figure, Figures
from benchmarks.memory import MEGABYTE, spoken_chunks
from benchmarks.processes import cpu_seconds, peak_memory
from deploy.local.minio_build import minio_path
from shared.audio import chunk_audio
from shared.concurrency import gathered
from shared.protocol.manifest import Chapter, Chunk, Manifest
from shared.protocol.messages import EpisodeRequested, JobRequest, PauseLengths, TextSource, new_job_id
from shared.settings import Settings
from shared.store import chunk_segments, keys
from shared.store.port import Store
from shared.store.voice_gains import VoiceGains
from tests.servers.minio import MinioServer
from tests.servers.services import Services

TITLE = "Joining"
CHAPTERS = 300
LIMIT_SECONDS = 600.0
COPIES_AT_A_TIME = 16
RATE = 24_000

Spoken = list[tuple[Path, float]]


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    lengths = (0.1, 0.2) if quick else (1, 10, 30)
    compared = lengths[1]
    spoken = spoken_chunks(environment.folder("spoken"))
    figures: Figures = {}
    peaks: list[float] = []
    joined = copied = encoded = 1.0
    minio = MinioServer(environment.folder("minio"), minio_path(Settings().cache_dir))
    minio.start()
    with closing(_Stopped(minio)):
        for hours in lengths:
            with environment.services("http://127.0.0.1:9", ("assembler",), store_url=minio.bucket()) as services:
                manifest = _manifest(spoken, hours * 3_600)
                segments = asyncio.run(_shelve(services.store, manifest, spoken))
                peak, seconds, cpu, size = asyncio.run(_join(services, manifest))
                peaks.append(peak)
                figures[f"{hours:g} h: from the request to the stored episode"] = Figure(seconds, "s")
                figures[f"{hours:g} h: CPU of the assembler"] = Figure(cpu, "s")
                figures[f"{hours:g} h: peak memory"] = Figure(peak / MEGABYTE, "MB", at_most=150)
                if hours == compared:
                    joined = seconds
                    copied = asyncio.run(_copy(services.store, segments, size))
                    chunks = len(manifest.chunks)
    listed = [spoken[index % len(spoken)][0] for index in range(chunks)]
    encoded = _encode_whole(environment.folder("whole"), listed)
    figures[f"{compared:g} h: reading the segments and writing as many bytes"] = Figure(copied, "s")
    figures[f"{compared:g} h: join / copy"] = Figure(joined / copied, at_most=3)
    figures[f"{compared:g} h: ffmpeg concat and encode, without pauses"] = Figure(encoded, "s")
    figures[f"{compared:g} h: ffmpeg / join"] = Figure(encoded / joined, at_least=100)
    figures[f"peak for {lengths[-1]:g} h / peak for {lengths[0]:g} h"] = Figure(peaks[-1] / peaks[0])
    return figures


class _Stopped:
    def __init__(self, minio: MinioServer) -> None:
        self.close = minio.stop


def _manifest(spoken: Spoken, seconds: float) -> Manifest:
    """A book of this length; each chunk has objects of its own."""
    job_id = new_job_id()
    pauses = PauseLengths()
    lengths: list[float] = []
    total = 0.0
    while total < seconds:
        lengths.append(spoken[len(lengths) % len(spoken)][1])
        total += lengths[-1] + pauses.paragraph / 1_000
    a_chapter = max(1, -(-len(lengths) // CHAPTERS))
    return Manifest(
        job_id=job_id,
        request=JobRequest(job_id=job_id, source=TextSource(text="as in the manifest")),
        title="A long book",
        author="A bench",
        language="en",
        voice="default",
        model="default",
        sample_rate=RATE,
        pauses=pauses,
        chapters=tuple(
            Chapter(title=f"Chapter {number}", level=1, first_chunk=number * a_chapter)
            for number in range(-(-len(lengths) // a_chapter))
        ),
        chunks=tuple(
            Chunk(
                index=index,
                text=f"What chunk {index} says, as long as the sentences of a book are, and then a few words more.",
                chapter=index // a_chapter,
                pause_after="chapter" if index % a_chapter == a_chapter - 1 else "paragraph",
                audio_key=f"audio/{sha256(f'{job_id} {index}'.encode()).hexdigest()}.flac",
            )
            for index in range(len(lengths))
        ),
    )


async def _shelve(store: Store, manifest: Manifest, spoken: Spoken) -> list[str]:
    """Store the segments, as synthesizers would have: those of the distinct chunks, each under many keys."""
    await store.ping()
    first = manifest.chunk_request(0)
    heard = np.concatenate([chunk_audio.decode(path.read_bytes())[0] for path, _ in spoken[:12]])
    gain = await VoiceGains(store).learn(first, "mono", chunk_segments.usual_gain_db(heard, RATE, "mono"))
    codecs = chunk_segments.codecs_of(first)
    made: list[bytes] = []
    for number, (path, _) in enumerate(spoken):
        if number < len(manifest.chunks):
            request = manifest.chunk_request(number)
            segment = chunk_segments.make(path.read_bytes(), request, codecs, gain)["mp3"]
            made.append(segment.to_bytes())
    named: list[str] = []

    async def put(index: int) -> None:
        key = chunk_segments.wanted(manifest.chunk_request(index), codecs, gain)["mp3"]
        await store.put(key, made[index % len(made)])
        named.append(key)

    await gathered(put, range(len(manifest.chunks)), at_a_time=COPIES_AT_A_TIME)
    await store.put(keys.manifest(manifest.job_id), manifest.model_dump_json().encode())
    return named


async def _join(services: Services, manifest: Manifest) -> tuple[int, float, float, int]:
    """Have an episode made; returns peak bytes, wall seconds, CPU seconds and the file's size."""
    [pid] = pids(services, "assembler")
    began, used = time.monotonic(), cpu_seconds([pid])
    with peak_memory(pid) as peak:
        await services.submit(EpisodeRequested(job_id=manifest.job_id))
        while not await services.store.exists(keys.episode(manifest.job_id, "timing.json")):
            if time.monotonic() - began > LIMIT_SECONDS or "off target" in services.log("assembler"):
                raise RuntimeError(
                    f"The episode was not joined within {LIMIT_SECONDS:g} s: {services.log('assembler')[-2000:]}"
                )
            await asyncio.sleep(books.LOOK_SECONDS)
    seconds, cpu = time.monotonic() - began, cpu_seconds([pid]) - used
    return peak.value, seconds, cpu, await services.store.size(keys.episode(manifest.job_id, "mp3")) or 0


async def _copy(store: Store, segments: list[str], size: int) -> float:
    """How long it takes to read what is joined, and to write one object of the episode's size."""

    async def read(key: str) -> None:
        await store.get(key)

    began = time.monotonic()
    await gathered(read, segments, at_a_time=COPIES_AT_A_TIME)
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
