"""What is measured of an episode: the whole as decoded, and each chunk beside its neighbour, before and after.

*Before* is a chunk as its engine spoke it (the stored FLAC); *after* is its place in the decoded file. Speech alone
counts: pauses between chunks are left out, and what BS.1770 gates inside of them.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from services.assembler.timing import Timing
from shared.audio import chunk_audio
from shared.audio.loudness import Samples, block_energies, integrated_loudness
from shared.protocol.manifest import Manifest
from shared.store.port import Store

SHORT_TERM_SECONDS: Final = 3.0
"""EBU Tech 3341: what a listener takes for the loudness of the moment."""
JUMP_LIMIT_LU: Final = 1.5
_FFMPEG_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Two chunks that follow each other, in LU: how much louder the second one is.

    Attributes:
        index: of the first.
        seconds: of the shorter one.
        before: as the engine spoke them.
        after: in the episode.
        seam_before: the first 3 s of the second against the last 3 s of the first, as the engine spoke them.
        seam_after: the same in the episode.
    """

    index: int
    seconds: float
    before: float
    after: float
    seam_before: float
    seam_after: float

    @property
    def added(self) -> float:
        """How much larger the step at the seam has become; negative if it has become smaller."""
        return abs(self.seam_after) - abs(self.seam_before)


@dataclass(frozen=True, slots=True)
class Sound:
    """An episode to measure and to cut clips from.

    Attributes:
        rate: Hz.
        samples: of the decoded file, one channel.
        chunks: as their engine spoke them.
        starts: where each begins in `samples`.
    """

    rate: int
    samples: Samples
    chunks: Sequence[Samples]
    starts: Sequence[int]

    def after(self, index: int) -> Samples:
        """A chunk in the episode."""
        return self.samples[self.starts[index] : self.starts[index] + len(self.chunks[index])]


async def sound_of(store: Store, manifest: Manifest, timing: Timing, path: Path) -> Sound:
    """Decode an episode, and read its chunks."""
    rate = timing.timeline.sample_rate
    chunks = [chunk_audio.decode(await store.get(chunk.audio_key))[0] for chunk in manifest.chunks]
    starts = [chunk.start for chunk in timing.timeline.chunks]
    return Sound(rate, decoded(path, rate), chunks, starts)


def decoded(path: Path, rate: int) -> Samples:
    """The first channel of a file, by ffmpeg."""
    command = ("ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a", "-af", "pan=mono|c0=c0", "-ar", str(rate))
    run = subprocess.run((*command, "-f", "f32le", "-"), check=True, capture_output=True, timeout=_FFMPEG_SECONDS)
    return np.frombuffer(run.stdout, dtype="<f4")


def ebur128(path: Path) -> tuple[float, float]:
    """Integrated loudness (LUFS) and true peak (dBTP) of a file by ffmpeg's own meter, which is not ours."""
    command = ("ffmpeg", "-hide_banner", "-nostats", "-i", str(path), "-map", "0:a", "-af", "ebur128=peak=true")
    run = subprocess.run((*command, "-f", "null", "-"), check=True, capture_output=True, timeout=_FFMPEG_SECONDS)
    summary = run.stderr.decode(errors="replace").rpartition("Summary:")[2]
    loudness, peak = re.search(r"I:\s+(\S+) LUFS", summary), re.search(r"Peak:\s+(\S+) dBFS", summary)
    if loudness is None or peak is None:
        raise RuntimeError(f"ffmpeg says nothing about the loudness of {path}.")
    return float(loudness[1]), float(peak[1])


def loudness(samples: Samples, rate: int) -> float:
    """Integrated loudness of one channel, LUFS."""
    return integrated_loudness(block_energies(np.ascontiguousarray(samples), rate), channels=1)


def neighbours(sound: Sound) -> list[Neighbours]:
    """All pairs of chunks that follow each other and have something to say."""
    rate, count = sound.rate, len(sound.chunks)
    window = round(SHORT_TERM_SECONDS * rate)
    after = [sound.after(index) for index in range(count)]
    levels = [(loudness(sound.chunks[index], rate), loudness(after[index], rate)) for index in range(count)]
    found = []
    for index in range(count - 1):
        one, other = sound.chunks[index], sound.chunks[index + 1]
        found.append(
            Neighbours(
                index=index,
                seconds=min(len(one), len(other)) / rate,
                before=levels[index + 1][0] - levels[index][0],
                after=levels[index + 1][1] - levels[index][1],
                seam_before=loudness(other[:window], rate) - loudness(one[-window:], rate),
                seam_after=loudness(after[index + 1][:window], rate) - loudness(after[index][-window:], rate),
            )
        )
    return found
