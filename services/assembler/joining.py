"""Makes a file by joining mastered segments: copy them, check loudness and peak, write what the file begins with.

Nothing is encoded or decoded. The proof that it is complete: each segment was decoded and compared when it was made,
its frames have the SHA-256 that was noted then, they are as many and as long as planned, and the file has the length
that follows from that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final

from services.assembler import tags
from services.assembler.body import Body, Change
from services.assembler.failures import EpisodeIncomplete
from services.assembler.segments import Numbered, Segments
from services.assembler.timing import Encoded
from services.assembler.verification import LOUDNESS_TOLERANCE_LU, TRUE_PEAK_LIMIT_DBTP
from shared.audio.joining import ogg, resumable_md5
from shared.audio.joining.flac import FlacJoiner
from shared.audio.joining.joiner import Joiner, Labels, Whole
from shared.audio.joining.mp3 import Mp3Joiner
from shared.audio.joining.mp4 import Mp4Joiner
from shared.audio.joining.ogg import OggJoiner
from shared.audio.joining.placement import Grid, Placement
from shared.audio.joining.wav import WavJoiner
from shared.audio.loudness import integrated_loudness
from shared.audio.segments.codecs import Codec, codec_for
from shared.audio.segments.mastering import CEILING_DBTP, CHANNELS, TARGET_LUFS
from shared.deadlines import in_thread
from shared.protocol.messages import AudioFormat, LoudnessProfile

_JOINERS: Final[dict[AudioFormat, Callable[[Grid], Joiner]]] = {
    "mp3": Mp3Joiner,
    "m4b": Mp4Joiner,
    "flac": FlacJoiner,
    "wav": WavJoiner,
}
_WITH_ID3: Final = {"mp3", "wav"}


@dataclass(frozen=True, slots=True)
class Joined:
    """A file of joined segments.

    Attributes:
        codec: of its format.
        placement: of its segments.
        gain_db: the usual gain of its chunks.
        loudness_lufs: of the whole, as decoded.
        true_peak_dbtp: the same.
        output_gain_db: what the file tells players to add; loudness and true peak include it.
        change: made to each segment for this episode alone; None: nothing.
    """

    codec: Codec
    placement: Placement
    gain_db: float
    loudness_lufs: float
    true_peak_dbtp: float
    output_gain_db: float = 0.0
    change: Change | None = None

    def is_on_target(self, profile: LoudnessProfile) -> bool:
        """Whether it can be published as it is."""
        miss = abs(TARGET_LUFS[profile] - self.loudness_lufs)
        return miss <= LOUDNESS_TOLERANCE_LU and self.true_peak_dbtp <= TRUE_PEAK_LIMIT_DBTP

    @property
    def is_moved(self) -> bool:
        """Whether its level is another than that of its segments."""
        return self.change is not None or self.output_gain_db != 0

    @property
    def measured(self) -> Encoded:
        """What the timing manifest says of it."""
        return Encoded(
            gain_db=round(self.gain_db + self.output_gain_db, 3),
            ceiling_dbtp=CEILING_DBTP,
            encodes=1,
            seconds=round(self.placement.samples / self.placement.rate, 3),
            loudness_lufs=round(self.loudness_lufs, 2),
            true_peak_dbtp=round(self.true_peak_dbtp, 2),
        )


@dataclass(frozen=True, slots=True)
class Start:
    """How a file is begun.

    Attributes:
        joiner: makes a joiner of its format.
        identity: stands for what decides its bytes besides segments and pauses.
        is_resumable: whether one joiner can go on where another was.
    """

    joiner: Callable[[Grid], Joiner]
    identity: str
    is_resumable: bool = True


def codecs_of(formats: Sequence[AudioFormat]) -> list[Codec]:
    """The codecs of those formats that are joined."""
    return [codec for name in formats if (codec := codec_for(name)) is not None]


def start_of(name: AudioFormat, labels: Callable[[], Labels]) -> Start:
    """How a file of a format is begun.

    Args:
        name: of the format.
        labels: of the file. Only Opus has to know beforehand how long they are, but not what they say.
    """
    if name == "opus":
        pages = ogg.head_pages(labels())
        return Start(partial(OggJoiner, head_pages=pages), f"opus behind {pages} pages")
    return Start(_JOINERS[name], name, is_resumable=name != "flac" or resumable_md5.is_available())


async def copy(
    body: Body, codec: Codec, segments: Segments, indexes: Sequence[int], write: Callable[[bytes], Awaitable[None]]
) -> None:
    """Join the segments of chunks, in order.

    Args:
        body: what they are added to.
        codec: of the format.
        segments: of the episode.
        indexes: of the chunks.
        write: takes the bytes.

    Raises:
        ChunkMissing: a chunk is gone.
        BadAudio: a segment cannot be joined, or not changed as it should be.
    """
    async with aclosing(segments.of(codec, indexes)) as groups:
        async for some in groups:
            await write(await in_thread(partial(_joined_bytes, body, some)))


def _joined_bytes(body: Body, some: Numbered) -> bytes:
    return b"".join(body.add(some))


def measured(codec: Codec, body: Body, profile: LoudnessProfile) -> Joined:
    """Measure a whole by what was measured of its segments after decoding."""
    placement, levels = body.placement(), body.levels
    return Joined(
        codec=codec,
        placement=placement,
        gain_db=levels.gain_db,
        loudness_lufs=integrated_loudness(levels.whole_energies(placement), channels=CHANNELS[profile]),
        true_peak_dbtp=levels.true_peak_dbtp,
    )


def whole(joined: Joined, labels: tags.Tags) -> Whole:
    """What is known of a file when its last segment has come."""
    return Whole(
        placement=joined.placement,
        labels=tags.labels_of(labels),
        id3=tags.id3_tag(labels) if joined.codec.format in _WITH_ID3 else b"",
        output_gain_db=joined.output_gain_db,
    )


def check_size(joiner: Joiner, known: Whole, size_bytes: int, name: AudioFormat) -> None:
    """Compare the size of a file with what follows from the plan.

    Raises:
        EpisodeIncomplete: it has another.
    """
    planned = joiner.size(known)
    if planned is not None and planned != size_bytes:
        raise EpisodeIncomplete(
            f"The joined {name} file has {size_bytes:,} bytes instead of {planned:,}.",
            hint="It was not published; the job is tried again.",
        )
