"""Makes the audio files: encode, tag, decode again, measure, verify; correct and repeat what missed its target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import structlog

from services.assembler import chapter_marks, chunks, ffmpeg, gain_estimation, tags, verification
from services.assembler.encoders import ENCODERS, output_arguments
from services.assembler.failures import OffTarget
from services.assembler.timeline import ChunkMeasurement, Timeline
from services.assembler.timing import Encoded
from services.assembler.verification import LOUDNESS_TOLERANCE_LU, TRUE_PEAK_LIMIT_DBTP, Decoded, prove_complete
from shared.audio.joining.languages import three_letters
from shared.audio.loudness import Energies
from shared.audio.segments.mastering import CEILING_DBTP, CHANNELS, TARGET_LUFS
from shared.deadlines import in_thread
from shared.protocol.manifest import Manifest
from shared.protocol.messages import AudioFormat
from shared.store.port import Store

log = structlog.get_logger(__name__)

CEILING_MARGIN_DB = 0.2
ENCODES_LIMIT = 3
FIRST_YIELD = 0.75
LEAST_YIELD = 0.3
OPUS_RATE_HZ = 48_000
"""Opus decodes at this rate, whatever the input rate was."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a format is to be made; two formats with equal attempts come out of one pass."""

    gain_db: float
    ceiling_dbtp: float
    number: int = 1
    before: tuple[float, float] | None = None
    """Gain and measured loudness of the previous attempt, or None."""


@dataclass(frozen=True, slots=True)
class Episode:
    """What all files have in common.

    Attributes:
        formats: those that are encoded as a whole.
    """

    manifest: Manifest
    timeline: Timeline
    measurements: Sequence[ChunkMeasurement]
    tags: tags.Tags
    folder: Path
    formats: Sequence[AudioFormat]

    def path(self, name: str) -> Path:
        """The path at which a file is made."""
        return self.folder / f"episode.{name}"


async def master(episode: Episode, store: Store, gain_db: float) -> dict[AudioFormat, Encoded]:
    """Make every format of the episode, verified to be complete and on target.

    Args:
        episode: the episode to make.
        store: where the chunks are.
        gain_db: predicted from the chunks' measurements.

    Raises:
        ChunkMissing: a chunk was removed meanwhile.
        OtherAudio: a chunk was spoken again meanwhile.
        EncoderFailed, DiskFull: ffmpeg could not do it.
        EpisodeIncomplete: the decoded result is not what was planned.
        OffTarget: it missed its loudness or peak three times.
    """
    metadata = episode.folder / "chapters.ffmeta"
    metadata.write_text(chapter_marks.ffmetadata(episode.timeline, {}), encoding="utf-8")
    formats = episode.formats
    extra_db = 0.0
    if gain_estimation.needed(episode.measurements, gain_db, CEILING_DBTP):
        extra_db = await gain_estimation.extra_gain_db(
            episode.timeline, episode.manifest, store, gain_db=gain_db, ceiling_dbtp=CEILING_DBTP
        )
    todo = dict.fromkeys(formats, Attempt(gain_db + extra_db, CEILING_DBTP))
    done: dict[AudioFormat, Encoded] = {}
    while todo:
        attempt = next(iter(todo.values()))
        together = [name for name, other in todo.items() if other == attempt]
        sent = await _encode(episode, store, attempt, together, metadata)
        for name in together:
            decoded = await _finish(episode, name)
            correction = corrected(attempt, decoded, TARGET_LUFS[episode.manifest.request.loudness])
            if correction is None:
                prove_complete(episode.timeline, sent, decoded, padding_seconds=ENCODERS[name].padding_seconds)
                done[name] = _encoded(attempt, decoded)
                del todo[name]
            else:
                log.info("episode off target", format=name, loudness=decoded.loudness_lufs, peak=decoded.true_peak_dbtp)
                todo[name] = correction
    return {name: done[name] for name in formats}


async def master_part(part: Episode, store: Store, name: AudioFormat, whole: Encoded) -> None:
    """Make a file of a part of an episode, as loud as it is in the whole, and verify that it is complete.

    Args:
        part: a timeline with some of the episode's chunks.
        store: where the chunks are.
        name: the format.
        whole: how the episode's file of this format was made.

    Raises:
        ChunkMissing: a chunk was removed meanwhile.
        OtherAudio: a chunk was spoken again meanwhile.
        EncoderFailed, DiskFull: ffmpeg could not do it.
        EpisodeIncomplete: the decoded result is not what was planned.
    """
    metadata = part.folder / "chapters.ffmeta"
    metadata.write_text(chapter_marks.ffmetadata(part.timeline, {}), encoding="utf-8")
    sent = await _encode(part, store, Attempt(whole.gain_db, whole.ceiling_dbtp), [name], metadata)
    decoded = await _finish(part, name)
    prove_complete(part.timeline, sent, decoded, padding_seconds=ENCODERS[name].padding_seconds)


async def _encode(
    episode: Episode, store: Store, attempt: Attempt, names: Sequence[AudioFormat], metadata: Path
) -> Energies:
    """Make several files in one pass; returns the 100 ms energies of their input."""
    options = partial(
        output_arguments,
        channels=CHANNELS[episode.manifest.request.loudness],
        language=three_letters(episode.manifest.language),
    )
    outputs = [(options(name), episode.path(name)) for name in names]
    rate = episode.timeline.sample_rate
    mastering = chunks.Mastering(rate, gain_db=attempt.gain_db, ceiling_dbtp=attempt.ceiling_dbtp)
    samples = chunks.episode_samples(episode.timeline, episode.manifest, store, mastering)
    async with AsyncExitStack() as stack:
        pieces = await stack.enter_async_context(aclosing(samples))
        child = await stack.enter_async_context(ffmpeg.encoder(rate, metadata, outputs))
        async for piece in pieces:
            await child.feed(piece.data)
        await child.finish()
    return mastering.meter.energies


async def _finish(episode: Episode, name: AudioFormat) -> Decoded:
    """Tag the file, then decode and measure what will be published, tags and all."""
    path = episode.path(name)
    await in_thread(partial(tags.write, path, name, episode.tags))
    rate = OPUS_RATE_HZ if name == "opus" else episode.timeline.sample_rate
    return await verification.measure(path, rate=rate, channels=CHANNELS[episode.manifest.request.loudness])


def corrected(attempt: Attempt, decoded: Decoded, target_lufs: float) -> Attempt | None:
    """How to make the file again, or None if it is on target.

    Raises:
        OffTarget: there are no attempts left.
    """
    miss_lu = target_lufs - decoded.loudness_lufs
    if math.isinf(miss_lu):
        # Corrected, its gain would be infinite, and its samples would not be numbers: LAME aborts on these.
        raise OffTarget(
            "Nothing of this episode can be heard after encoding.", hint="Look at what the speech server sends."
        )
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
    again = replace(
        attempt,
        number=attempt.number + 1,
        gain_db=attempt.gain_db + miss_lu / _yield(attempt, decoded),
        before=(attempt.gain_db, decoded.loudness_lufs),
    )
    if over_db > 0:
        again = replace(again, ceiling_dbtp=attempt.ceiling_dbtp - over_db - CEILING_MARGIN_DB)
    return again


def _yield(attempt: Attempt, decoded: Decoded) -> float:
    """How much louder a dB of gain makes the result: less than 1 LU, because of the limiter.

    Guessed at first, then taken from the effect of the last correction.
    """
    if attempt.before is None:
        return FIRST_YIELD
    gain, loudness = attempt.before
    moved = attempt.gain_db - gain
    if abs(moved) < LOUDNESS_TOLERANCE_LU:
        return 1.0
    return min(1.0, max(LEAST_YIELD, (decoded.loudness_lufs - loudness) / moved))


def _encoded(attempt: Attempt, decoded: Decoded) -> Encoded:
    return Encoded(
        gain_db=round(attempt.gain_db, 3),
        ceiling_dbtp=round(attempt.ceiling_dbtp, 3),
        encodes=attempt.number,
        seconds=round(decoded.seconds, 3),
        loudness_lufs=round(decoded.loudness_lufs, 2),
        true_peak_dbtp=round(decoded.true_peak_dbtp, 2),
    )
