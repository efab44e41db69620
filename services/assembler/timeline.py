"""When each chunk and chapter begins, and how loud the whole will be. Pure: measurements in, one timing manifest out.

Everything lies on a grid of 100 ms (chunks are whole blocks, pauses are rounded to it), so that the 100 ms energies
of the chunks strung together are the energies of the whole: its loudness is known before a single sample is encoded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import repeat
from typing import NamedTuple

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from shared.audio.joining.placement import LEAD_IN_BLOCKS, LEAD_OUT_BLOCKS, pause_blocks
from shared.audio.loudness import Energies, block_samples, integrated_loudness
from shared.audio.segments.mastering import CHANNELS, TARGET_LUFS
from shared.errors import Permanent
from shared.protocol.manifest import Chapter, Manifest
from shared.protocol.messages import CLOSED, Frozen, LoudnessProfile

GAIN_LIMIT_DB = 40.0
"""Chunks that need more are noise: the synthesizer refuses silence, so this guards against a bug."""


class ChunkMeasurement(NamedTuple):
    """What the assembler keeps of one stored chunk's measurement."""

    frames: int
    energies: Energies
    true_peak_dbtp: float = 0.0
    gain_db: float = 0.0
    """What brings its voice to the loudness of the episode's other voices; energies and peak include it."""
    md5: str = ""
    """The MD5 of its samples: `chunk_audio.read_md5`."""


@dataclass(frozen=True, slots=True, kw_only=True, config=CLOSED)
class TimedChunk:
    """Where one chunk is in the episode; all in samples. A dataclass for the same reason as `Chunk`."""

    index: int = Field(ge=0)
    start: int = Field(ge=0)
    frames: int = Field(ge=1)
    pause: int = Field(ge=0, description="silence after it")
    gain_db: float = Field(0.0, strict=False, description="of its voice, before the gain of the episode")
    language: str | None = Field(None, description="BCP 47 tag; null: the manifest's")
    voice: str | None = Field(None, description="what speaks it; null: the manifest's")
    speaker: str | None = Field(None, description="who says it in a dialogue; null: the narrator")


class TimedChapter(Frozen):
    """A chapter, from its first sample to the first sample of the next."""

    title: str
    level: int
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Timeline(Frozen):
    """The whole episode; captions, chapter marks and the check for completeness use nothing else."""

    sample_rate: int
    lead_in: int = Field(description="samples of silence before the first chunk")
    frames: int = Field(ge=1, description="length of the episode in samples")
    chunks: tuple[TimedChunk, ...]
    chapters: tuple[TimedChapter, ...]

    def seconds(self, samples: int) -> float:
        """`samples` as seconds."""
        return samples / self.sample_rate


def plan(
    manifest: Manifest, lengths: Sequence[int], sample_rate: int, *, gains_db: Sequence[float] | None = None
) -> Timeline:
    """Lay the chunks out one after another.

    Args:
        manifest: what will be spoken.
        lengths: of each chunk in samples.
        sample_rate: of every chunk and of the episode, Hz.
        gains_db: of each chunk, before the gain of the episode; None: all have the same.
    """
    block = block_samples(sample_rate)
    chunks = []
    position = lead_in = LEAD_IN_BLOCKS * block
    last = len(manifest.chunks) - 1
    for chunk, length, chunk_gain_db in zip(manifest.chunks, lengths, gains_db or repeat(0.0, last + 1), strict=True):
        pause = LEAD_OUT_BLOCKS if chunk.index == last else pause_blocks(manifest.pause_ms(chunk))
        chunks.append(
            TimedChunk(
                index=chunk.index,
                start=position,
                frames=length,
                pause=pause * block,
                gain_db=chunk_gain_db,
                language=chunk.language,
                voice=chunk.voice,
                speaker=chunk.speaker,
            )
        )
        position += length + pause * block
    return Timeline(
        sample_rate=sample_rate,
        lead_in=lead_in,
        frames=position,
        chunks=tuple(chunks),
        chapters=_chapters(manifest.chapters, chunks, position),
    )


def by_chapter(timeline: Timeline) -> list[Timeline]:
    """Each chapter as an episode of its own: its chunks, with the silence that an episode has before and after them.

    A document without chapters is one such episode.
    """
    lead_out = LEAD_OUT_BLOCKS * block_samples(timeline.sample_rate)
    parts = []
    remaining = deque(timeline.chunks)
    for chapter in timeline.chapters or (TimedChapter(title="", level=1, start=0, end=timeline.frames),):
        chunks = []
        while remaining and remaining[0].start < chapter.end:
            chunks.append(remaining.popleft())
        shift = chunks[0].start - timeline.lead_in
        moved = [replace(chunk, start=chunk.start - shift) for chunk in chunks]
        moved[-1] = replace(moved[-1], pause=lead_out)
        end = moved[-1].start + moved[-1].frames + lead_out
        parts.append(
            Timeline(
                sample_rate=timeline.sample_rate,
                lead_in=timeline.lead_in,
                frames=end,
                chunks=tuple(moved),
                chapters=(chapter.model_copy(update={"start": 0, "end": end}),),
            )
        )
    return parts


def whole_energies(timeline: Timeline, measurements: Sequence[ChunkMeasurement]) -> Energies:
    """The 100 ms energies of the whole episode before any gain; pauses are silent."""
    block = block_samples(timeline.sample_rate)
    energies = np.zeros(timeline.frames // block)
    for chunk, measurement in zip(timeline.chunks, measurements, strict=True):
        first = chunk.start // block
        energies[first : first + len(measurement.energies)] = measurement.energies
    return energies


def gain_db(energies: Energies, profile: LoudnessProfile) -> float:
    """The gain that brings the whole episode to the profile's loudness, in dB.

    Raises:
        Permanent: there is nothing audible, or too little.
    """
    gain = TARGET_LUFS[profile] - integrated_loudness(energies, channels=CHANNELS[profile])
    if not gain < GAIN_LIMIT_DB:
        raise Permanent("The chunks of this job hold next to no sound.", hint="Look at the speech server.")
    return gain


def _chapters(chapters: Sequence[Chapter], chunks: Sequence[TimedChunk], end: int) -> tuple[TimedChapter, ...]:
    """Chapters with times. The first one begins with the episode; those that begin with the same chunk become one."""
    merged: list[Chapter] = []
    for chapter in sorted(chapters, key=lambda chapter: chapter.first_chunk):
        if chapter.first_chunk >= len(chunks):
            continue
        if merged and merged[-1].first_chunk == chapter.first_chunk:
            title = f"{merged[-1].title}: {chapter.title}"
            merged[-1] = merged[-1].model_copy(update={"title": title})
        else:
            merged.append(chapter)
    starts = [chunks[chapter.first_chunk].start for chapter in merged]
    if starts:
        starts[0] = 0
    return tuple(
        TimedChapter(title=chapter.title, level=chapter.level, start=start, end=following)
        for chapter, start, following in zip(merged, starts, [*starts[1:], end], strict=True)
    )
