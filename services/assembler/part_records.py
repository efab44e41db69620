"""What is stored of a part of an episode that was joined ahead, besides its bytes.

A SHA-256 of all that follows, the length of a JSON object, that object, and the heads of the part's segments.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

from shared.audio.segments import segment
from shared.audio.segments.segment import Head, MasteredSegment
from shared.errors import BadAudio
from shared.protocol.messages import Frozen

_LENGTH: Final = struct.Struct("<I")
_CHECKSUM_BYTES: Final = hashlib.sha256().digest_size
"""Of everything behind it: a wrong state would make a wrong episode."""


class Record(Frozen):
    """What is written of a part before the heads of its segments.

    Attributes:
        version: increment it when a joiner's state changes, or what is made of the same segments and pauses.
        identity: of everything that decides the bytes of this part and of those before it.
        first: the first chunk.
        chunks: how many there are.
        body: the key of its bytes.
        size_bytes: of them.
        state: of the joiner after this part; with those of all parts before it, another one can go on.
    """

    version: Literal[1] = 1
    identity: str
    first: int = Field(ge=0)
    chunks: int = Field(ge=1)
    body: str
    size_bytes: int = Field(ge=1)
    state: dict[str, Any]


def document(record: Record, heads: Sequence[Head]) -> bytes:
    """A record as it is stored."""
    said = record.model_dump_json().encode()
    data = _LENGTH.pack(len(said)) + said + b"".join(MasteredSegment(head, b"").to_bytes() for head in heads)
    return hashlib.sha256(data).digest() + data


def body_of(data: bytes) -> str | None:
    """The key of the bytes of a stored part; None if that is damaged: they go with their job."""
    try:
        return _record(data)[0].body
    except (BadAudio, ValidationError, struct.error):
        return None


def _record(data: bytes) -> tuple[Record, int]:
    """A record, and where the heads begin.

    Raises:
        BadAudio: it is damaged.
        ValidationError, struct.error: it is none, or one of another version.
    """
    if hashlib.sha256(data[_CHECKSUM_BYTES:]).digest() != data[:_CHECKSUM_BYTES]:
        raise BadAudio("The record of a part has another checksum.")
    start = _CHECKSUM_BYTES + _LENGTH.size
    end = start + _LENGTH.unpack_from(data, _CHECKSUM_BYTES)[0]
    return Record.model_validate_json(data[start:end]), end


def parsed(data: bytes) -> tuple[Record, list[Head]]:
    """A stored record, and the heads of its segments.

    Raises:
        BadAudio: it is damaged.
        ValidationError, struct.error: it is none, or one of another version.
    """
    record, at = _record(data)
    heads = []
    while at < len(data):
        length = segment.head_length(data[at : at + segment.START_BYTES])
        heads.append(segment.parse_head(data[at : at + length]))
        at += length
    return record, heads
