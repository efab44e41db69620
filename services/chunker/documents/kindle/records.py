"""The records of a Palm database: the container of a Kindle book. Nothing that it says of itself is trusted."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Final

from shared.errors import BadSource

_COUNT: Final = struct.Struct(">H")
_PLACE: Final = struct.Struct(">I4x")
_COUNT_AT: Final = 76
_LIST_AT: Final = 78
TYPE_AT: Final = slice(60, 68)
"""Type and creator."""


def broken(why: str) -> BadSource:
    """The error for a damaged book."""
    return BadSource(
        f"The Kindle book is broken: {why}.",
        hint="Download or export it again, and check that a reader opens it.",
    )


def records(data: bytes) -> list[memoryview]:
    """The records of a database, in order.

    Raises:
        BadSource: the list is longer than the file, or not in order.
    """
    try:
        (count,) = _COUNT.unpack_from(data, _COUNT_AT)
        places = [_PLACE.unpack_from(data, _LIST_AT + number * _PLACE.size)[0] for number in range(count)]
    except struct.error as error:
        raise broken("it ends in its list of records") from error
    if not places:
        raise broken("it has no records")
    ends = [*places, len(data)]
    if places[0] < _LIST_AT + count * _PLACE.size or any(one > other for one, other in pairwise(ends)):
        raise broken("its records overlap or are not in it")
    view = memoryview(data)
    return [view[one:other] for one, other in pairwise(ends)]


class Numbers:
    """The numbers of a record; what is behind its end is 0 or an error.

    Args:
        record: the bytes.
    """

    def __init__(self, record: bytes | memoryview) -> None:
        self.record = bytes(record)

    def long(self, at: int) -> int:
        """Four bytes.

        Raises:
            BadSource: the record is shorter.
        """
        return self._number(at, 4)

    def short(self, at: int) -> int:
        """Two bytes.

        Raises:
            BadSource: the record is shorter.
        """
        return self._number(at, 2)

    def _number(self, at: int, length: int) -> int:
        found = self.record[at : at + length] if at >= 0 else b""
        if len(found) < length:
            raise broken("a record ends too early")
        return int.from_bytes(found)
