"""Jobs whose chunks are spoken by espeak-ng, in a store on disk."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from services.assembler.handlers import join_ahead
from shared.audio import chunk_audio
from shared.audio.loudness import Samples
from shared.protocol.manifest import Chapter, Chunk, Manifest, PauseClass
from shared.protocol.messages import (
    ChunkLost,
    EpisodeAssembled,
    EpisodePartRequested,
    EpisodeRequested,
    JobRequest,
    PauseLengths,
    TextSource,
)
from shared.settings import Settings
from shared.store import keys
from shared.store.folder import FileStore
from tests.audio_keys import audio_key_of

RATE = 24_000
SENTENCES = (
    "The harbour lay quiet under a thin sheet of fog. Nobody spoke.",
    "Seven boats came back before noon, and the eighth was late.",
    "She counted the nets twice, then once more, because the sum was wrong.",
    "It rained. It rained again & again, until 5 < 6 no longer seemed a certain thing.",
    "By evening the lamps along the quay were burning low.",
    "Write to me, he said, when the weather turns.",
    "A dog barked somewhere behind the warehouse, and then there was nothing but the sea for a long while.",
    "That was the end of the story, or so they told the children.",
)
LONG = (*SENTENCES, *(f"And then, {sentence}" for sentence in SENTENCES))
"""More chunks than a short episode has."""


@lru_cache
def spoken(text: str) -> Samples:
    """`text` spoken by espeak-ng at 24 kHz."""
    run = subprocess.run(["espeak-ng", "--stdout", text], check=True, capture_output=True, timeout=30)
    samples, rate = soundfile.read(io.BytesIO(run.stdout), dtype="float32")
    return np.asarray(soxr.resample(samples, rate, RATE), dtype=np.float32)


def key_of(text: str) -> str:
    return audio_key_of(text)


def manifest(texts: Sequence[str] = SENTENCES, *, chapters: int = 2, **request: Any) -> Manifest:
    """The manifest of a job that says `texts`, one chunk each, in chapters of equal length."""
    a_chapter = -(-len(texts) // chapters)
    pauses: list[PauseClass] = ["sentence", "none", "paragraph"]
    return Manifest(
        job_id="job",
        request=JobRequest(job_id="job", source=TextSource(text="x"), **request),
        title="The Harbour; = # \\ and more",
        author="Ada Müller",
        language="en-GB",
        voice="v",
        model="m",
        pauses=PauseLengths(),
        chapters=tuple(
            Chapter(title=f"ChunkMeasurement {n} = ; # \\ ü", level=1, first_chunk=n * a_chapter)
            for n in range(-(-len(texts) // a_chapter))
        ),
        chunks=tuple(
            Chunk(
                index=n,
                text=text,
                chapter=n // a_chapter,
                pause_after="chapter" if n % a_chapter == a_chapter - 1 else pauses[n % 3],
                audio_key=key_of(text),
            )
            for n, text in enumerate(texts)
        ),
    )


class Harness:
    """A store with one job in it, and the messages published."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = FileStore(folder / "store", deadline_seconds=20)
        self.settings = Settings(sample_rate=RATE)
        self.published: list[EpisodeAssembled | ChunkLost] = []
        self.request = EpisodeRequested(job_id="job")

    async def publish(self, message: EpisodeAssembled | ChunkLost) -> None:
        self.published.append(message)

    async def put(self, manifest: Manifest, *, level: float = 1.0) -> None:
        """Store the manifest and every chunk's audio."""
        for chunk in manifest.chunks:
            data = chunk_audio.encode(spoken(chunk.text) * np.float32(level), RATE)
            await self.store.put(chunk.audio_key, data)
        await self.store.put(keys.manifest(manifest.job_id), manifest.model_dump_json().encode())

    def path(self, extension: str) -> Path:
        """An episode's file on the store's disk."""
        return self.folder / "store" / keys.episode("job", extension)


async def spoken_so_far(harness: Harness, chunks: int) -> None:
    """So many chunks of the job are there, and are joined ahead."""
    await harness.store.put(keys.active("job"), b"")
    request = EpisodePartRequested(job_id="job", chunks=chunks)
    await join_ahead(request, store=harness.store, settings=harness.settings)
