"""Verifies a finished file: decodes it, measures it, and finds every chunk in its place.

The 100 ms energies of what was sent to the encoder are compared with those of the decoded file, chunk by chunk. A chunk
that is missing, repeated, cut or in another's place does not have the energies it should have; length alone would not
reveal a swap.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from services.assembler import ffmpeg
from services.assembler.failures import EpisodeIncomplete
from services.assembler.timeline import TimedChunk, Timeline
from shared.audio.loudness import Energies, LoudnessMeter, TruePeakMeter, block_samples, decibels, integrated_loudness
from shared.deadlines import in_thread

LOUDNESS_TOLERANCE_LU = 0.5
TRUE_PEAK_LIMIT_DBTP = -1.0
LENGTH_TOLERANCE_SECONDS = 0.002
"""Rounding where the decoder's rate is not the encoder's (opus decodes at 48 kHz)."""
DIFFERENCE_LIMIT = 0.3
"""How far a chunk's 100 ms levels may be from what was sent, as a share of their sum. With espeak-ng: the same chunk
after any of our encoders at most 0.05, another chunk of the same voice 0.48 and more."""
DIFFERENCE_BLOCKS = 10
"""Shorter chunks are compared together with their neighbourhood of a second."""
LEVEL_FLOOR = 1e-3
"""-60 dB: below this, what an encoder adds does not count as a difference."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was measured of a finished file after decoding it.

    Attributes:
        seconds: its length.
        loudness_lufs: integrated.
        true_peak_dbtp: of the louder channel.
        energies: 100 ms energies, the mean of the channels.
    """

    seconds: float
    loudness_lufs: float
    true_peak_dbtp: float
    energies: Energies


async def measure(path: Path, *, rate: int, channels: int) -> Decoded:
    """Decode the file at `path` and measure it as it streams by.

    Args:
        path: any format that ffmpeg knows.
        rate: the rate at which it decodes, Hz.
        channels: its number of channels.

    Raises:
        EncoderFailed: it cannot be decoded.
    """
    meters = _Meters(rate, channels)
    async with ffmpeg.decoder(path) as child:
        async for data in child.pcm():
            await in_thread(partial(meters.push, data))
        await child.finish()
    return await in_thread(meters.result)


class _Meters:
    """Loudness and true peak of interleaved float PCM."""

    def __init__(self, rate: int, channels: int) -> None:
        self._rate = rate
        self._frames = 0
        self._loudness = [LoudnessMeter(rate) for _ in range(channels)]
        self._peaks = [TruePeakMeter(rate) for _ in range(channels)]

    def push(self, data: bytes) -> None:
        whole = len(data) - len(data) % (4 * len(self._peaks))
        samples = np.frombuffer(data[:whole], dtype=np.float32).reshape(-1, len(self._peaks))
        self._frames += len(samples)
        for channel, (loudness, peak) in enumerate(zip(self._loudness, self._peaks, strict=True)):
            one = np.ascontiguousarray(samples[:, channel])
            loudness.push(one)
            peak.push(one)

    def result(self) -> Decoded:
        energies = sum((meter.energies for meter in self._loudness[1:]), start=self._loudness[0].energies)
        return Decoded(
            seconds=self._frames / self._rate,
            loudness_lufs=integrated_loudness(energies),
            true_peak_dbtp=decibels(max(meter.finish() for meter in self._peaks)),
            energies=energies / len(self._loudness),
        )


def prove_complete(timeline: Timeline, sent: Energies, decoded: Decoded, *, padding_seconds: float) -> None:
    """Compare a decoded file with the plan.

    Args:
        timeline: where each chunk should be.
        sent: the energies of what was sent to the encoder.
        decoded: what was measured.
        padding_seconds: what the format may add at the end.

    Raises:
        EpisodeIncomplete: it is shorter or longer than planned, or a chunk is not where it should be.
    """
    expected = timeline.seconds(timeline.frames)
    excess = decoded.seconds - expected
    if not -LENGTH_TOLERANCE_SECONDS <= excess <= padding_seconds + LENGTH_TOLERANCE_SECONDS:
        raise EpisodeIncomplete(
            f"The encoded episode is {decoded.seconds:.3f} s long instead of {expected:.3f} s.",
            hint="It was not published; the job is tried again.",
        )
    levels = np.sqrt(sent)
    found = np.zeros(len(levels))
    count = min(len(levels), len(decoded.energies))
    found[:count] = np.sqrt(np.maximum(decoded.energies[:count], 0))
    for chunk, difference in zip(timeline.chunks, differences(timeline, levels, found), strict=True):
        if not difference <= DIFFERENCE_LIMIT:
            raise EpisodeIncomplete(
                f"Chunk {chunk.index} is not at {timeline.seconds(chunk.start):.1f} s of the encoded episode.",
                hint="It was not published; the job is tried again.",
            )


def differences(timeline: Timeline, levels: Energies, found: Energies) -> Iterator[float]:
    """How far each chunk's 100 ms levels are from what was sent, as a share of their sum: 0 is equal.

    Args:
        timeline: where each chunk is.
        levels: what was sent, one value a block.
        found: what was decoded, one value a block.
    """
    block = block_samples(timeline.sample_rate)
    for chunk in timeline.chunks:
        span = _span(chunk, block, len(levels))
        wanted, got = levels[span], found[span]
        yield float(np.abs(wanted - got).sum()) / max(float(wanted.sum()), LEVEL_FLOOR * len(wanted))


def _span(chunk: TimedChunk, block: int, count: int) -> slice:
    """A chunk and the pause after it, in blocks; at least a second."""
    first, last = chunk.start // block, (chunk.start + chunk.frames + chunk.pause) // block
    missing = max(0, DIFFERENCE_BLOCKS - (last - first))
    return slice(max(0, first - missing // 2), min(count, last + math.ceil(missing / 2)))
