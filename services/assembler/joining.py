"""Makes a file by joining mastered segments: plan, check loudness and peak, copy. Nothing is encoded or decoded.

The proof that it is complete: each segment was decoded and compared when it was made, its frames have the SHA-256 that
was noted then, they are as many and as long as planned, and the file has the length that follows from that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from services.assembler import tags
from services.assembler.failures import EpisodeIncomplete
from services.assembler.segments import Segments
from services.assembler.timeline import Timeline
from services.assembler.timing import Encoded
from services.assembler.verification import LOUDNESS_TOLERANCE_LU, TRUE_PEAK_LIMIT_DBTP
from shared.audio.joining.flac import FlacJoiner
from shared.audio.joining.joiner import Joiner
from shared.audio.joining.mp3 import Mp3Joiner
from shared.audio.joining.mp4 import Mp4Joiner
from shared.audio.joining.ogg import OggJoiner
from shared.audio.joining.placement import Placed, Placement, place
from shared.audio.joining.wav import WavJoiner
from shared.audio.loudness import block_samples, integrated_loudness
from shared.audio.segments.codecs import Codec, codec_for
from shared.audio.segments.mastering import CEILING_DBTP, CHANNELS, TARGET_LUFS
from shared.audio.segments.segment import Head
from shared.deadlines import in_thread
from shared.protocol.messages import AudioFormat, LoudnessProfile

CHUNKS_A_CALL: Final = 16
"""A thread is handed so many at a time: handing over takes longer than copying a chunk of 8 s."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A format that is joined, planned.

    Attributes:
        codec: of the format.
        placement: of its segments.
        loudness_lufs: of the whole, as decoded.
        true_peak_dbtp: the same.
        output_gain_db: what the file tells players to add, which is in the figures above.
    """

    codec: Codec
    placement: Placement
    loudness_lufs: float
    true_peak_dbtp: float
    output_gain_db: float = 0.0

    def is_on_target(self, profile: LoudnessProfile) -> bool:
        """Whether it can be published as it is."""
        miss = abs(TARGET_LUFS[profile] - self.loudness_lufs)
        return miss <= LOUDNESS_TOLERANCE_LU and self.true_peak_dbtp <= TRUE_PEAK_LIMIT_DBTP

    @property
    def measured(self) -> Encoded:
        """What the timing manifest says of it."""
        gains = [placed.head.gain_db for placed in self.placement.chunks]
        return Encoded(
            gain_db=round(float(np.median(gains)) + self.output_gain_db, 3),
            ceiling_dbtp=CEILING_DBTP,
            encodes=1,
            seconds=round(self.placement.samples / self.placement.rate, 3),
            loudness_lufs=round(self.loudness_lufs, 2),
            true_peak_dbtp=round(self.true_peak_dbtp, 2),
        )


JOINERS: Final[dict[AudioFormat, Callable[[Joined, tags.Tags], Joiner]]] = {
    "mp3": lambda joined, labels: Mp3Joiner(joined.placement, tags.id3_tag(labels)),
    "m4b": lambda joined, labels: Mp4Joiner(joined.placement, tags.labels_of(labels)),
    "opus": lambda joined, labels: OggJoiner(
        joined.placement, tags.labels_of(labels), output_gain_db=joined.output_gain_db
    ),
    "flac": lambda joined, labels: FlacJoiner(joined.placement, tags.labels_of(labels)),
    "wav": lambda joined, labels: WavJoiner(joined.placement, tags.id3_tag(labels)),
}


def codecs_of(formats: Sequence[AudioFormat]) -> list[Codec]:
    """The codecs of those formats that are joined."""
    return [codec for name in formats if name in JOINERS and (codec := codec_for(name)) is not None]


def planned(codec: Codec, heads: Sequence[Head], timeline: Timeline, profile: LoudnessProfile) -> Joined:
    """Place the segments of a format, and measure the whole by what its segments have when decoded."""
    placement = place(heads, [chunk.start for chunk in timeline.chunks], timeline.frames)
    block = block_samples(placement.rate)
    energies = np.zeros(-(-placement.frames * placement.frame_samples // block) + 1, dtype=np.float32)
    for placed in placement.chunks:
        first = round(placed.first * placement.frame_samples / block)
        span = energies[first : first + len(placed.head.energies)]
        span += placed.head.energies[: len(span)]
    return Joined(
        codec=codec,
        placement=placement,
        loudness_lufs=integrated_loudness(energies, channels=CHANNELS[profile]),
        true_peak_dbtp=max(head.true_peak_dbtp for head in heads),
    )


def part(whole: Joined, timeline: Timeline) -> Joined:
    """A file of some of an episode's chunks, which are as loud in it as in the whole.

    Args:
        whole: the episode.
        timeline: of the part.
    """
    first, count = timeline.chunks[0].index, len(timeline.chunks)
    heads = [placed.head for placed in whole.placement.chunks[first : first + count]]
    starts = [chunk.start for chunk in timeline.chunks]
    return replace(whole, placement=place(heads, starts, timeline.frames, first_index=first))


async def write(joined: Joined, segments: Segments, labels: tags.Tags, path: Path) -> None:
    """Write the file.

    Raises:
        ChunkMissing: a chunk is gone meanwhile.
        BadAudio: a segment is not what was planned with.
        EpisodeIncomplete: the file has not the planned length.
        OSError: the disk is full.
    """
    joiner = await in_thread(partial(JOINERS[joined.codec.format], joined, labels))

    with path.open("wb") as file:
        head = await in_thread(joiner.head)
        await in_thread(partial(file.write, head))
        chunks = joined.placement.chunks
        for at in range(0, len(chunks), CHUNKS_A_CALL):
            some = chunks[at : at + CHUNKS_A_CALL]
            await in_thread(partial(_add, joiner, file, some, segments=segments, codec=joined.codec))
        await in_thread(lambda: file.write(joiner.end()))
        sealed = joiner.sealed_head()
        if sealed is not None:
            file.seek(0)
            await in_thread(partial(file.write, sealed))
    size = await in_thread(lambda: path.stat().st_size)
    if joiner.size is not None and size != joiner.size:
        raise EpisodeIncomplete(
            f"The joined {joined.codec.format} file has {size:,} bytes instead of {joiner.size:,}.",
            hint="It was not published; the job is tried again.",
        )


def _add(joiner: Joiner, file: BinaryIO, chunks: Sequence[Placed], *, segments: Segments, codec: Codec) -> None:
    file.writelines(joiner.add(placed, segments.payload(placed, codec)) for placed in chunks)
