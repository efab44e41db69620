"""ffmpeg as the assembler runs it: PCM in and files out, or a file in and PCM out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from shared.audio.ffmpeg import Child, run


@asynccontextmanager
async def encoder(rate: int, metadata: Path, outputs: Sequence[tuple[Sequence[str], Path]]) -> AsyncIterator[Child]:
    """One ffmpeg that takes mono float PCM and writes every output.

    Args:
        rate: sample rate of the PCM, Hz.
        metadata: an ffmetadata file with the chapters.
        outputs: options and path of each file.
    """
    arguments = ["-f", "f32le", "-ar", str(rate), "-ac", "1", "-i", "pipe:0", "-f", "ffmetadata", "-i", str(metadata)]
    for options, path in outputs:
        arguments += [*options, str(path)]
    async with run(arguments, feeds=True) as child:
        yield child


@asynccontextmanager
async def decoder(path: Path) -> AsyncIterator[Child]:
    """One ffmpeg that decodes a file's audio to interleaved float PCM, at the file's own rate."""
    arguments = ["-i", str(path), "-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"]
    async with run(arguments, reads=True) as child:
        yield child
