"""How the server and a worker process communicate: over its stdin and stdout, one frame each way per text.

A frame is the length of a JSON header (4 bytes, big endian), the header, and as many bytes of audio as the header's
`size` says.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

LENGTH = struct.Struct("!I")
HEADER_LIMIT_BYTES = 1_000_000
"""Something longer is not a header: something else wrote into the pipe."""


def pack(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """One frame."""
    encoded = json.dumps({**header, "size": len(payload)}).encode()
    return LENGTH.pack(len(encoded)) + encoded + payload


def read(stream: BinaryIO) -> dict[str, Any] | None:
    """The next frame's header, as the worker reads it: requests carry no payload. None when the server has gone."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    header: dict[str, Any] = json.loads(stream.read(length))
    return header
