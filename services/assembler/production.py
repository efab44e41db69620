"""Makes the audio files: encode, tag, decode again, measure, prove; correct and repeat what missed its target."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import structlog

from services.assembler import chapter_marks, chunks, ffmpeg, tags, verification
from services.assembler.encoders import ENCODERS, output_arguments
from services.assembler.failures import OffTarget
from services.assembler.timeline import CHANNELS, TARGET_LUFS, Timeline
from services.assembler.timing import Encoded
from services.assembler.verification import LOUDNESS_TOLERANCE_LU, TRUE_PEAK_LIMIT_DBTP, Decoded
from shared.deadlines import in_thread
from shared.loudness import Energies
from shared.manifest import Manifest
from shared.messages import AudioFormat
from shared.store import Store

log = structlog.get_logger(__name__)

CEILING_DBTP = -3.0
"""Of the PCM: lossy encoders overshoot by up to 2 dB with speech."""
CEILING_MARGIN_DB = 0.2
ENCODES_LIMIT = 3
OPUS_RATE_HZ = 48_000
"""Opus decodes at this rate, whatever went in."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a format is to be made; two formats with equal attempts come out of one pass."""

    gain_db: float
    ceiling_dbtp: float
    number: int = 1


@dataclass(frozen=True, slots=True)
class Episode:
    """What all files have in common."""

    manifest: Manifest
    timeline: Timeline
    planned: Energies
    tags: tags.Tags
    folder: Path

    def path(self, name: str) -> Path:
        """Where a file is made."""
        return self.folder / f"episode.{name}"


async def produce(episode: Episode, store: Store, gain_db: float) -> dict[AudioFormat, Encoded]:
    """Make every format that the job asks for, proved complete and on target.

    Args:
        episode: what is made.
        store: where the chunks are.
        gain_db: predicted from the chunks' measurements.

    Raises:
        ChunkMissing: a chunk has gone or changed meanwhile.
        EncoderFailed, DiskFull: ffmpeg could not do it.
        EpisodeIncomplete: the decoded result is not what was planned.
        OffTarget: it missed its loudness or peak three times.
    """
    metadata = episode.folder / "chapters.ffmeta"
    metadata.write_text(chapter_marks.ffmetadata(episode.timeline, {}), encoding="utf-8")
    formats = episode.manifest.request.formats
    todo = dict.fromkeys(formats, Attempt(gain_db, CEILING_DBTP))
    done: dict[AudioFormat, Encoded] = {}
    while todo:
        attempt = next(iter(todo.values()))
        together = [name for name, other in todo.items() if other == attempt]
        await _encode(episode, store, attempt, together, metadata)
        for name in together:
            decoded = await _finish(episode, name, attempt)
            correction = corrected(attempt, decoded, TARGET_LUFS[episode.manifest.request.loudness])
            if correction is None:
                done[name] = _encoded(attempt, decoded)
                del todo[name]
            else:
                log.info("episode off target", format=name, loudness=decoded.loudness_lufs, peak=decoded.true_peak_dbtp)
                todo[name] = correction
    return {name: done[name] for name in formats}


async def _encode(
    episode: Episode, store: Store, attempt: Attempt, names: Sequence[AudioFormat], metadata: Path
) -> None:
    channels = CHANNELS[episode.manifest.request.loudness]
    outputs = [(output_arguments(name, channels), episode.path(name)) for name in names]
    samples = chunks.episode_samples(
        episode.timeline, episode.manifest, store, gain_db=attempt.gain_db, ceiling_dbtp=attempt.ceiling_dbtp
    )
    async with AsyncExitStack() as stack:
        pieces = await stack.enter_async_context(aclosing(samples))
        child = await stack.enter_async_context(ffmpeg.encoder(episode.timeline.sample_rate, metadata, outputs))
        async for piece in pieces:
            await child.feed(piece.data)
        await child.finish()


async def _finish(episode: Episode, name: AudioFormat, attempt: Attempt) -> Decoded:
    """Tag the file and prove it."""
    path = episode.path(name)
    await in_thread(partial(tags.write, path, name, episode.tags))
    rate = OPUS_RATE_HZ if name == "opus" else episode.timeline.sample_rate
    decoded = await verification.measure(path, rate=rate, channels=CHANNELS[episode.manifest.request.loudness])
    verification.prove_complete(
        episode.timeline,
        episode.planned,
        decoded,
        gain_db=attempt.gain_db,
        padding_seconds=ENCODERS[name].padding_seconds,
    )
    return decoded


def corrected(attempt: Attempt, decoded: Decoded, target_lufs: float) -> Attempt | None:
    """How to make the file again, or None if it is on target.

    Raises:
        OffTarget: it has been made often enough.
    """
    miss_lu = target_lufs - decoded.loudness_lufs
    over_db = decoded.true_peak_dbtp - TRUE_PEAK_LIMIT_DBTP
    if abs(miss_lu) <= LOUDNESS_TOLERANCE_LU and over_db <= 0:
        return None
    if attempt.number >= ENCODES_LIMIT:
        raise OffTarget(
            f"The episode has {decoded.loudness_lufs:.1f} LUFS and {decoded.true_peak_dbtp:.1f} dBTP "
            f"after {attempt.number} encodes; it should have {target_lufs:.0f} LUFS and at most "
            f"{TRUE_PEAK_LIMIT_DBTP:.0f} dBTP.",
            hint="Choose another loudness profile or another voice.",
        )
    again = replace(attempt, number=attempt.number + 1, gain_db=attempt.gain_db + miss_lu)
    if over_db > 0:
        again = replace(again, ceiling_dbtp=attempt.ceiling_dbtp - over_db - CEILING_MARGIN_DB)
    return again


def _encoded(attempt: Attempt, decoded: Decoded) -> Encoded:
    return Encoded(
        gain_db=round(attempt.gain_db, 3),
        ceiling_dbtp=round(attempt.ceiling_dbtp, 3),
        encodes=attempt.number,
        seconds=round(decoded.seconds, 3),
        loudness_lufs=round(decoded.loudness_lufs, 2),
        true_peak_dbtp=round(decoded.true_peak_dbtp, 2),
    )
