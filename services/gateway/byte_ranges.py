"""Answers: which bytes of a file a `Range` header asks for (RFC 9110, 14). Pure.

One range is served. Several at a time are not: no player asks for them, and they are how a header of a few kilobytes
makes a server send or compute many times the file (CVE-2011-3192, CVE-2025-62727). The whole file is the answer then,
which RFC 9110, 14.2 allows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LONGEST_CHARACTERS: Final = 64
"""Two numbers of 19 digits (2^63) and the unit; anything longer is not parsed."""
_ONE_RANGE: Final = re.compile(r"bytes[ \t]*=[ \t]*([0-9]{0,19})-([0-9]{0,19})", re.IGNORECASE)


class UnsatisfiableRange(Exception):
    """The range lies outside the file."""


@dataclass(frozen=True)
class ByteRange:
    """Some bytes of a file.

    Attributes:
        start: offset of the first.
        end: offset behind the last.
    """

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.end - self.start


def asked_for(header: str | None, size_bytes: int) -> ByteRange | None:
    """What a `Range` header asks for; None: the whole file, because there is none or it cannot be used.

    Takes the same time whatever is in the header.

    Raises:
        UnsatisfiableRange: it is well-formed, but lies outside the file.
    """
    if header is None or len(header) > _LONGEST_CHARACTERS:
        return None
    found = _ONE_RANGE.fullmatch(header.strip())
    if found is None:
        return None
    first, last = found.groups()
    if first:
        start = int(first)
        end = int(last) + 1 if last else size_bytes
        if last and int(last) < start:
            return None  # not a range at all: RFC 9110, 14.1.1
        if start >= size_bytes:
            raise UnsatisfiableRange
        return ByteRange(start, min(end, size_bytes))
    if not last:
        return None
    if int(last) == 0 or size_bytes == 0:
        raise UnsatisfiableRange
    return ByteRange(max(0, size_bytes - int(last)), size_bytes)
