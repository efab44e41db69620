"""What both alternatives do at the end: ffmpeg's concat demuxer over the WAV files, into each format."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT_SECONDS = 300
OPTIONS: dict[str, tuple[str, ...]] = {
    "mp3": ("-c:a", "libmp3lame", "-b:a", "64k"),
    "m4b": ("-c:a", "aac", "-b:a", "64k", "-movflags", "+faststart"),
    "opus": ("-c:a", "libopus", "-b:a", "40k"),
    "flac": ("-c:a", "flac"),
}
"""As our episodes are encoded: mono, and the same bit rates."""


@dataclass(frozen=True, slots=True)
class Joining:
    """What one format took: seconds, and CPU seconds of ffmpeg."""

    seconds: float
    cpu_seconds: float


def concatenate(files: Sequence[Path], folder: Path) -> dict[str, Joining]:
    """Join WAV files into an episode of each format, one after the other."""
    return {name: _concatenate(files, folder / f"episode.{name}", options) for name, options in OPTIONS.items()}


def _concatenate(files: Sequence[Path], episode: Path, options: Sequence[str]) -> Joining:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    names = episode.with_suffix(".txt")
    names.write_text("".join(f"file '{path}'\n" for path in files))
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", str(names)]
    subprocess.run([*command, *options, str(episode)], check=True, timeout=LIMIT_SECONDS)
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    return Joining(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
