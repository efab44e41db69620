"""Episodes of every format: chunks that are cut in the middle of words, their segments, and the file that is joined."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from services.assembler.cover import Cover
from shared.audio.joining.flac import FlacJoiner
from shared.audio.joining.joiner import EpisodeChapter, Joiner, Labels, Whole
from shared.audio.joining.mp3 import Mp3Joiner
from shared.audio.joining.mp4 import Mp4Joiner
from shared.audio.joining.ogg import OggJoiner, head_pages
from shared.audio.joining.placement import Grid, Placed, Placement, Placing, grid_of, placement
from shared.audio.joining.wav import WavJoiner
from shared.audio.loudness import Samples
from shared.audio.segments.segment import Head, MasteredSegment
from shared.protocol.messages import AudioFormat
from tests.unit.segments.material import RATES, chunks, codec, segments

KINDS = [*((rate, 1) for rate in RATES), (24_000, 2)]
"""Rates and numbers of channels."""

LABELS = Labels(
    fields={
        "title": "The Harbour; = # \\ and möre",
        "artist": "Ada Müller",
        "album_artist": "Ada Müller",
        "mood": "calm",
    },
    language="eng",
    cover=None,
    chapters=(EpisodeChapter("One = first", 0.0, 2.5), EpisodeChapter("Zwei — 第二", 2.5, 1e4)),
)


@dataclass(frozen=True)
class Episode:
    """Chunks, their segments, and where they are."""

    placement: Placement
    placed: list[Placed]
    chunks: list[Samples]
    segments: list[MasteredSegment]

    @property
    def pcm(self) -> Samples:
        """What one long encode would be given: whole frames."""
        place = self.placement
        pcm = np.zeros(place.frames * place.frame_samples, dtype=np.float32)
        for placed, samples in zip(self.placed, self.chunks, strict=True):
            pcm[placed.first * place.frame_samples :][: len(samples)] = samples
        return pcm


@cache
def episode(name: AudioFormat, rate: int, channels: int, count: int = 8, seed: int = 1) -> Episode:
    """Chunks with pauses of all lengths, none among them."""
    made = chunks(count, rate, seed=seed)
    random = np.random.default_rng(seed)
    starts, at = [], 3 * rate // 10
    for each in made:
        starts.append(at)
        at += len(each) + int(random.integers(0, 12)) * rate // 10
    encoded = segments(made, rate, codec(name), channels=channels)
    placed = place([each.head for each in encoded], starts)
    return Episode(whole(placed, at + 7 * rate // 10), placed, made, encoded)


def place(heads: Sequence[Head], starts: Sequence[int]) -> list[Placed]:
    """Segments laid out, one after another.

    Args:
        heads: of them, of one format.
        starts: where each chunk begins in the nominal timeline, in samples.
    """
    placing = Placing(heads[0].frame_samples)
    return [placing.next(index, head, start) for index, (head, start) in enumerate(zip(heads, starts, strict=True))]


def whole(placed: Sequence[Placed], samples: int) -> Placement:
    """All of these segments; `samples` is the nominal length of the episode."""
    last = placed[-1]
    return placement(grid_of(last.head), ends=last.ends, sound_end=last.ends - last.head.after, samples=samples)


START: dict[AudioFormat, Callable[[Grid, Labels], Joiner]] = {
    "mp3": lambda grid, _: Mp3Joiner(grid),
    "m4b": lambda grid, _: Mp4Joiner(grid),
    "opus": lambda grid, labels: OggJoiner(grid, head_pages(labels)),
    "flac": lambda grid, _: FlacJoiner(grid),
    "wav": lambda grid, _: WavJoiner(grid),
}


def joined(
    name: AudioFormat, episode: Episode, labels: Labels = LABELS, *, id3: bytes = b"", output_gain_db: float = 0.0
) -> bytes:
    """The file."""
    joiner = START[name](episode.placement.grid, labels)
    pairs = zip(episode.placed, episode.segments, strict=True)
    parts = [joiner.add(placed, each.payload) for placed, each in pairs]
    return closed(joiner, Whole(episode.placement, labels, id3, output_gain_db), parts)


def closed(joiner: Joiner, whole: Whole, parts: list[bytes]) -> bytes:
    """The file whose frames were joined."""
    end = joiner.end(whole)
    data = b"".join((joiner.head(whole), *parts, end))
    assert joiner.size(whole) in {None, len(data)}
    return data


def decoded(path: Path, channels: int, *, rate: int | None = None) -> Samples:
    """What ffmpeg hears in a file of which it has nothing to complain about: one column a channel."""
    strict = ("-guess_layout_max", "0", "-err_detect", "crccheck+bitstream+buffer")
    wanted = ("-ar", str(rate)) if rate else ()
    run = subprocess.run(
        ["ffmpeg", "-v", "warning", *strict, "-i", path, *wanted, "-map", "0:a", "-f", "f32le", "-"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert run.stderr == b""
    return np.frombuffer(run.stdout, dtype=np.float32).reshape(-1, channels)


def probed(path: Path) -> dict[str, Any]:
    """What ffprobe says of a file."""
    run = subprocess.run(
        ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-show_chapters", "-of", "json", path],
        check=True,
        capture_output=True,
        timeout=30,
    )
    assert run.stderr == b""
    report: dict[str, Any] = json.loads(run.stdout)
    return report


@cache
def picture() -> Cover:
    """A small JPEG."""
    run = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=red:s=64x48", "-frames:v", "1", "-f", "mjpeg", "-"],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return Cover(run.stdout, "image/jpeg", 64, 48)


def difference_db(found: Samples, expected: Samples) -> float:
    """How loud the difference is beside what was expected."""
    error = float(np.square(found - expected, dtype=np.float64).sum())
    return 10 * float(np.log10(max(error, 1e-30) / float(np.square(expected, dtype=np.float64).sum())))
