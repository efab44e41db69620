"""What both alternatives do at the end: ffmpeg's concat demuxer over the WAV files, into an MP3."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path

LIMIT_SECONDS = 300


def concatenate(files: Sequence[Path], episode: Path) -> float:
    """Join WAV files into an MP3 like ours (mono, 64 kbit/s); returns the CPU seconds that ffmpeg took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    names = episode.with_suffix(".txt")
    names.write_text("".join(f"file '{path}'\n" for path in files))
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", str(names)]
    subprocess.run([*command, "-c:a", "libmp3lame", "-b:a", "64k", str(episode)], check=True, timeout=LIMIT_SECONDS)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
