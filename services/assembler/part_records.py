"""What is stored of a part of an episode that was joined ahead, besides its bytes.

A SHA-256 of all that follows, the length of a JSON object, that object, and the energies of the part's segments
(float32).
"""

from __future__ import annotations

import hashlib
import struct
from array import array
from typing import Any, Final, Literal

import numpy as np
from pydantic import Field, ValidationError

from services.assembler.body import BodyState
from services.assembler.segment_levels import SegmentLevels
from shared.audio.joining.placement import Grid
from shared.errors import BadAudio
from shared.protocol.messages import Frozen

_LENGTH: Final = struct.Struct("<I")
_CHECKSUM_BYTES: Final = hashlib.sha256().digest_size
"""A checksum of everything behind it, because a wrong state would make a wrong episode."""


class Record(Frozen):
    """What is known of a part.

    Attributes:
        version: increment it when a state changes, or what is made of the same segments and pauses.
        identity: of everything that decides the bytes of this part and of those before it.
        first: the first chunk.
        chunks: how many there are.
        body: the key of its bytes; empty if they are in an upload.
        upload: the id of the upload that they were added to; empty if they are not.
        tag: the name that the upload has given them (ETag).
        size_bytes: of them.
    """

    version: Literal[3] = 3
    identity: str
    first: int = Field(ge=0)
    chunks: int = Field(ge=1)
    body: str = ""
    upload: str = ""
    tag: str = ""
    size_bytes: int = Field(ge=1)


class _Document(Record):
    """The JSON object: with that, the state of the body after this part; with those of all before, one can go on."""

    rate: int
    channels: int
    frame_samples: int
    next_start: int
    free: int
    sound_end: int
    joiner: dict[str, Any]
    samples: tuple[int, ...]
    md5s: str
    firsts: tuple[int, ...]
    gains_db: tuple[float, ...] = Field(strict=False)
    true_peak_dbtp: float = Field(strict=False)


def document(record: Record, state: BodyState) -> bytes:
    """A record as it is stored, with the state after its part."""
    grid, levels = state.grid, state.levels
    said = _Document(
        **record.model_dump(),
        rate=grid.rate,
        channels=grid.channels,
        frame_samples=grid.frame_samples,
        next_start=state.next_start,
        free=state.free,
        sound_end=state.sound_end,
        joiner=state.joiner,
        samples=tuple(levels.samples),
        md5s=levels.md5s.hex(),
        firsts=tuple(levels.firsts),
        gains_db=tuple(levels.gains_db),
        true_peak_dbtp=levels.true_peak_dbtp,
    )
    text = said.model_dump_json().encode()
    energies = np.frombuffer(levels.energies, dtype=np.float32).astype("<f4").tobytes()
    data = _LENGTH.pack(len(text)) + text + energies
    return hashlib.sha256(data).digest() + data


def body_of(data: bytes) -> str | None:
    """The key of the bytes of a stored part; None if that is damaged: they go with their job."""
    try:
        return _read(data)[0].body
    except (BadAudio, ValidationError, struct.error):
        return None


def parsed(data: bytes) -> tuple[Record, BodyState]:
    """A stored record, and the state after its part.

    Raises:
        BadAudio: it is damaged.
        ValidationError, struct.error: it is none, or one of another version.
    """
    said, energies = _read(data)
    levels = SegmentLevels()
    levels.md5s = bytearray.fromhex(said.md5s)
    levels.samples, levels.firsts = array("L", said.samples), array("L", said.firsts)
    levels.gains_db = array("d", said.gains_db)
    levels.energies.frombytes(np.frombuffer(energies, dtype="<f4").astype(np.float32).tobytes())
    levels.true_peak_dbtp = said.true_peak_dbtp
    grid = Grid(said.rate, said.channels, said.frame_samples)
    state = BodyState(grid, said.next_start, said.free, said.sound_end, said.joiner, levels)
    return Record(**{name: getattr(said, name) for name in Record.model_fields}), state


def _read(data: bytes) -> tuple[_Document, bytes]:
    """What is stored of a part: the JSON object and the energies.

    Raises:
        BadAudio: it is damaged.
        ValidationError, struct.error: it is none, or one of another version.
    """
    if hashlib.sha256(data[_CHECKSUM_BYTES:]).digest() != data[:_CHECKSUM_BYTES]:
        raise BadAudio("The record of a part has another checksum.")
    start = _CHECKSUM_BYTES + _LENGTH.size
    end = start + _LENGTH.unpack_from(data, _CHECKSUM_BYTES)[0]
    return _Document.model_validate_json(data[start:end]), data[end:]
