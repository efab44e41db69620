"""Synthesizers that cost next to nothing: N consumers of chunk.requested in one process, each with one chunk at a time.

    python -m benchmarks.simulated_synthesizers FOLDER N SECONDS

Each waits as long as a speech call takes, stores ready-made audio and its ready-made segment under the keys that the
message asks for, and publishes chunk.synthesized, as the real service does. `make_ready` writes the folder.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.long_books import Spoken, manifest
from shared.audio import chunk_audio
from shared.audio.segments import segment
from shared.protocol import topology
from shared.protocol.messages import ChunkRequested, ChunkSynthesized
from shared.runtime import logs
from shared.runtime.service import Service
from shared.settings import Settings, load
from shared.store import chunk_segments
from shared.store.voice_gains import VoiceGains

LEARNT_FROM = 12
"""Chunks that the usual gain of the voice is measured on."""
LOUDNESS: Final = "mono"
MARGIN_SECONDS = 10.0
START_SECONDS = 30.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Ready:
    """A chunk that was made beforehand.

    Attributes:
        audio: its FLAC, as it is stored.
        mp3: its mastered segment, as it is stored.
        seconds: how long it plays.
    """

    audio: bytes
    mp3: bytes
    seconds: float


def make_ready(spoken: Spoken, folder: Path) -> None:
    """Write the chunks, their segments for a long mono MP3, and the usual gain of the voice."""
    request = manifest(len(spoken), a_chapter=len(spoken)).chunk_request(0)
    chunks = [chunk_audio.load(path.read_bytes()) for path, _ in spoken]
    rate = chunks[0].measurement.sample_rate
    heard = np.concatenate([chunk.samples for chunk in chunks[:LEARNT_FROM]])
    gain = chunk_segments.usual_gain_db(heard, rate, LOUDNESS)
    codecs = chunk_segments.codecs_of(request)
    for number, chunk in enumerate(chunks):
        made = chunk_segments.encode(chunk, request, codecs, gain)["mp3"]
        (folder / f"{number}.flac").write_bytes(chunk.data)
        (folder / f"{number}.mp3").write_bytes(made.to_bytes())
    (folder / "gain.json").write_text(json.dumps(gain))


def read_ready(folder: Path) -> tuple[list[Ready], float]:
    """What `make_ready` wrote: the chunks, and the gain in dB."""
    found = []
    for path in sorted(folder.glob("*.flac")):
        audio = path.read_bytes()
        found.append(Ready(audio, path.with_suffix(".mp3").read_bytes(), chunk_audio.read_measurement(audio).seconds))
    return found, float(json.loads((folder / "gain.json").read_text()))


def build(settings: Settings, ready: list[Ready], gain_db: float, seconds: float) -> Service:
    """One synthesizer.

    Args:
        settings: of the service.
        ready: the chunks that it stores in turn.
        gain_db: the usual gain of the voice, with which their segments were made.
        seconds: how long a speech call takes.
    """
    app = Service(settings, topology.SYNTHESIZER, slots=1, deadline_seconds=seconds + MARGIN_SECONDS)
    gains = VoiceGains(app.store)

    @app.on(ChunkRequested)
    async def receive(message: ChunkRequested) -> None:
        began = time.monotonic()
        await asyncio.sleep(seconds)  # the speech call
        chunk = ready[message.index % len(ready)]
        codecs = chunk_segments.codecs_of(message)
        if not chunk_segments.needs_voice_gain(message) or [codec.format for codec in codecs] != ["mp3"]:
            raise RuntimeError("Segments were made ready for a long MP3 alone.")
        gain = await gains.find(message, LOUDNESS)
        if gain is None:
            gain = await gains.learn(message, LOUDNESS, gain_db)
        await app.store.put(message.audio_key, chunk.audio, content_type=chunk_audio.CONTENT_TYPE)
        for key in chunk_segments.wanted(message, codecs, gain).values():
            await app.store.put(key, chunk.mp3, content_type=segment.CONTENT_TYPE)
        await app.publish(
            ChunkSynthesized(
                job_id=message.job_id,
                index=message.index,
                audio_key=message.audio_key,
                audio_seconds=chunk.seconds,
                reused=False,
                seconds=time.monotonic() - began,
            )
        )

    return app


async def run(settings: Settings, one: Callable[[Settings], Service], count: int) -> None:
    """Run so many until SIGTERM.

    The last one begins when all others consume. It alone has a port for health checks, so the process is ready when all
    of them are; and since its signal handler replaced those of the others, it ends first and they are stopped after it.
    """
    others = [one(settings.model_copy(update={"health_port": 0})) for _ in range(count - 1)]
    tasks = [asyncio.create_task(other.run()) for other in others]
    async with asyncio.timeout(START_SECONDS):
        while not all(other.ready for other in others):
            if ended := [task for task in tasks if task.done()]:
                ended[0].result()
                raise RuntimeError("A simulated synthesizer ended while the others started.")
            await asyncio.sleep(LOOK_SECONDS)
    try:
        await one(settings).run()
    finally:
        for other in others:
            other.stop()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)


def main(folder: str, count: str, seconds: str) -> None:
    settings = load()
    logs.configure("synthesizer", level=settings.log_level, as_json=settings.log_json)
    ready, gain_db = read_ready(Path(folder))

    def one(settings: Settings) -> Service:
        return build(settings, ready, gain_db, float(seconds))

    asyncio.run(run(settings, one, int(count)))


if __name__ == "__main__":
    main(*sys.argv[1:])
