"""How the audio files of an episode are made: joined from mastered segments, or encoded as a whole.

Joined are the formats that have a segment codec; their loudness and peak are known before anything is written. What is
off target is moved as a whole where its format can say so (`repairs.py`); else, like formats without a codec, it is
mastered and encoded again from the chunks' FLACs (`mastering.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from services.assembler import chunks, joining, mastering, metrics, repairs, tags, voice_levels
from services.assembler.joining import Joined
from services.assembler.segments import Segments
from services.assembler.timeline import ChunkMeasurement, Timeline, gain_db, plan, whole_energies
from services.assembler.timing import Encoded
from shared.deadlines import in_thread
from shared.protocol.manifest import Manifest
from shared.protocol.messages import AudioFormat
from shared.store.port import Store
from shared.tracing import spans

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Planned:
    """An episode before its files are made.

    Attributes:
        manifest: of the job.
        store: where its chunks are.
        segments: of its chunks.
        timeline: nominal; each format places chunks at most some tens of milliseconds away from it.
        joined: the formats that are joined.
        measurements: of the chunks' FLACs, where other formats need them; else empty.
    """

    manifest: Manifest
    store: Store
    segments: Segments
    timeline: Timeline
    joined: Mapping[AudioFormat, Joined]
    measurements: Sequence[ChunkMeasurement]

    @property
    def encoded_whole(self) -> list[AudioFormat]:
        """The formats that are encoded as a whole."""
        return [name for name in self.manifest.request.formats if name not in self.joined]


async def plan_episode(manifest: Manifest, segments: Segments, store: Store, sample_rate: int) -> Planned:
    """Find out where each chunk will be, and how each file is made.

    Raises:
        ChunkMissing: a chunk's audio is gone, cannot be used, or cannot be encoded.
    """
    profile = manifest.request.loudness
    joined: dict[AudioFormat, Joined] = {}
    timeline: Timeline | None = None
    with spans.span("measure chunks"):
        for codec in joining.codecs_of(manifest.request.formats):
            heads = await segments.heads(codec)
            if timeline is None:
                measured = [ChunkMeasurement(head.samples, head.energies, head.true_peak_dbtp) for head in heads]
                timeline = await in_thread(partial(plan, manifest, measured, sample_rate))
            planned = await in_thread(partial(joining.planned, codec, heads, timeline, profile))
            if not planned.is_on_target(profile):
                repaired = await repairs.moved(planned, segments, profile)
                how = "encoding" if repaired is None else "gain"
                metrics.REPAIRED.labels(codec.format, how).inc()
                log.info(
                    "episode off target",
                    format=codec.format,
                    loudness=round(planned.loudness_lufs, 2),
                    peak=planned.true_peak_dbtp,
                    repaired_by=how,
                )
                if repaired is None:
                    segments.drop(codec)
                    continue
                planned = repaired
            joined[codec.format] = planned
        measurements: list[ChunkMeasurement] = []
        if timeline is None or len(joined) < len(manifest.request.formats):
            measurements = voice_levels.levelled(manifest, await chunks.measure(manifest, store, sample_rate))
            timeline = await in_thread(partial(plan, manifest, measurements, sample_rate))
    return Planned(manifest, store, segments, timeline, joined, measurements)


async def make_audio(planned: Planned, labels: tags.Tags, folder: Path) -> dict[AudioFormat, Encoded]:
    """Make every file of the job, complete and on target.

    Raises:
        ChunkMissing: a chunk was removed or changed meanwhile.
        EncoderFailed, DiskFull: ffmpeg could not do it.
        EpisodeIncomplete: the result is not what was planned.
        OffTarget: it missed its loudness or peak three times.
    """
    done: dict[AudioFormat, Encoded] = {}
    for name, joined in planned.joined.items():
        with spans.span("join"):
            await joining.write(joined, planned.segments, labels, path_of(folder, name))
        done[name] = joined.measured
    if whole := planned.encoded_whole:
        gain = gain_db(whole_energies(planned.timeline, planned.measurements), planned.manifest.request.loudness)
        episode = mastering.Episode(
            planned.manifest, planned.timeline, planned.measurements, labels, folder, formats=whole
        )
        with spans.span("master"):
            done |= await mastering.master(episode, planned.store, gain)
    return {name: done[name] for name in planned.manifest.request.formats}


def path_of(folder: Path, name: str) -> Path:
    """Where a file of the episode is made."""
    return folder / f"episode.{name}"
