"""A mastered segment: one chunk's audio as it will be in an episode of one format, ready to be joined by copying.

As stored: a magic number, the length of what follows before the frames, a JSON object, the energies (float32), the size
of each frame (uint16 or uint32), a CRC-32 of all that, and then the frames. What comes before the frames is enough to
plan an episode with; the frames are checked against the SHA-256 when they are copied.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from shared.audio.loudness import Energies
from shared.errors import BadAudio
from shared.protocol.messages import AudioFormat, Frozen

CONTENT_TYPE: Final = "application/vnd.podcast-engine.segment"

_MAGIC: Final = b"PESEG\x00\x01\n"
_START: Final = struct.Struct("<8sII")
"""Magic number, bytes of the JSON object, bytes of everything before the frames."""
_CRC: Final = struct.Struct("<I")
_HEAD_LIMIT_BYTES: Final = 16_000_000

Number = Annotated[float, Field(strict=False)]


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a segment without its frames.

    Attributes:
        format: of the episode that it is for.
        encoder: what made the frames: `Codec.encoder`.
        rate: of the chunk, Hz; lengths are in samples at this rate, whatever rate the frames decode at.
        channels: 1, or 2 with the same content.
        samples: of the chunk; a whole number of 100 ms blocks.
        frame_samples: samples in a frame.
        frames: all frames: the silence before the chunk, those that hold it, the silence after it.
        before: frames of silence before the chunk. They are part of the episode.
        after: the same after it.
        sizes: bytes of each frame.
        payload_bytes: bytes of all frames.
        sha256: of the frames, in hexadecimal.
        crc: of the frames, as the format's joiner needs it; 0 where it needs none.
        gain_db: what was applied to the chunk, before the limiter.
        energies: 100 ms K-weighted energies of one channel, measured after decoding the frames.
        true_peak_dbtp: measured after decoding the frames.
        chunk_md5: of the chunk's samples (`chunk_audio.read_md5`); empty in a segment of an older version.
    """

    format: AudioFormat
    encoder: str
    rate: int
    channels: int
    samples: int
    frame_samples: int
    frames: int
    before: int
    after: int
    sizes: NDArray[np.unsignedinteger]
    payload_bytes: int
    sha256: str
    crc: int
    gain_db: float
    energies: Energies
    true_peak_dbtp: float
    chunk_md5: str = ""


@dataclass(frozen=True, slots=True)
class MasteredSegment:
    """A head and its frames."""

    head: Head
    payload: bytes

    def to_bytes(self) -> bytes:
        """The stored form."""
        head = self.head
        wide = int(head.sizes.max(initial=0)) > np.iinfo(np.uint16).max
        fields = _Fields(
            **{name: getattr(head, name) for name in _Fields.model_fields if name in Head.__slots__},
            blocks=len(head.energies),
            size_bytes=4 if wide else 2,
        )
        document = fields.model_dump_json().encode()
        body = b"".join(
            (
                document,
                head.energies.astype("<f4").tobytes(),
                head.sizes.astype("<u4" if wide else "<u2").tobytes(),
            )
        )
        start = _START.pack(_MAGIC, len(document), _START.size + len(body) + _CRC.size)
        return start + body + _CRC.pack(zlib.crc32(start + body)) + self.payload


class _Fields(Frozen):
    """The JSON object."""

    version: Literal[1] = 1
    format: AudioFormat
    encoder: str
    rate: int = Field(ge=8_000)
    channels: int = Field(ge=1, le=2)
    samples: int = Field(ge=1)
    chunk_md5: str = Field("", pattern=r"^([0-9a-f]{32})?$")
    frame_samples: int = Field(ge=1)
    frames: int = Field(ge=1)
    before: int = Field(ge=0)
    after: int = Field(ge=0)
    payload_bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    crc: int = Field(ge=0)
    gain_db: Number
    true_peak_dbtp: Number
    blocks: int = Field(ge=1)
    size_bytes: Literal[2, 4]


def head_length(data: bytes) -> int:
    """The bytes before the frames, from the first bytes of a stored segment.

    Raises:
        BadAudio: it is not a segment.
    """
    if len(data) < _START.size:
        raise damaged("it is too short")
    magic, _, length = _START.unpack_from(data)
    if magic != _MAGIC or not _START.size < length <= _HEAD_LIMIT_BYTES:
        raise damaged("it does not begin as one")
    return int(length)


def parse_head(data: bytes) -> Head:
    """The head of a stored segment, from at least its first `head_length` bytes.

    Raises:
        BadAudio: it is not a segment, or is damaged.
    """
    length = head_length(data)
    if len(data) < length:
        raise damaged("its head is incomplete")
    body_end = length - _CRC.size
    if zlib.crc32(data[:body_end]) != _CRC.unpack_from(data, body_end)[0]:
        raise damaged("its head has another checksum")
    document_end = _START.size + _START.unpack_from(data)[1]
    try:
        fields = _Fields.model_validate_json(data[_START.size : document_end])
    except ValidationError as error:
        raise damaged("its head cannot be read") from error
    energies_end = document_end + 4 * fields.blocks
    if energies_end + fields.size_bytes * fields.frames != body_end:
        raise damaged("its head has another length")
    energies = np.frombuffer(data[document_end:energies_end], dtype="<f4")
    sizes = np.frombuffer(data[energies_end:body_end], dtype=f"<u{fields.size_bytes}")
    values = fields.model_dump(exclude={"version", "blocks", "size_bytes"})
    return Head(**values, sizes=sizes, energies=energies)


def parse(data: bytes) -> MasteredSegment:
    """A stored segment; its frames are checked.

    Raises:
        BadAudio: it is not a segment, or is damaged.
    """
    head = parse_head(data)
    payload = data[head_length(data) :]
    check_payload(head, payload)
    return MasteredSegment(head, payload)


def check_payload(head: Head, payload: bytes | memoryview) -> None:
    """Check frames against the head that belongs to them.

    Raises:
        BadAudio: they are not those that were encoded.
    """
    if len(payload) != head.payload_bytes or hashlib.sha256(payload).hexdigest() != head.sha256:
        raise damaged("its frames are not those that were encoded")


def damaged(what: str) -> BadAudio:
    """The error for a segment that cannot be used; it is made again from the chunk's FLAC."""
    return BadAudio(f"A mastered segment is damaged: {what}.", hint="It is made again.")
