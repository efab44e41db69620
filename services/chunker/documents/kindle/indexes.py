"""The indexes of a Kindle book (INDX): lists of entries, each with a name and numbers by tag, such as chapters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.chunker.documents.kindle.records import Numbers, broken

ENTRIES_LIMIT: Final = 100_000
"""Only large dictionaries have more, which nobody has read aloud."""
_TAGS_LIMIT: Final = 64
_VALUES_LIMIT: Final = 16
"""Of a tag; those that are read here have two, or four if they are repeated."""
_NAME_LIMIT_BYTES: Final = 2_000
_VARINT_BYTES: Final = 5
_NAMES_RECORD: Final = 0x10000


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of an index.

    Attributes:
        name: as bytes.
        tags: tag → numbers.
    """

    name: bytes
    tags: dict[int, list[int]]

    def first(self, tag: int, place: int = 0) -> int | None:
        """A number of a tag; None if it has none."""
        values = self.tags.get(tag, [])
        return values[place] if place < len(values) else None


@dataclass(frozen=True, slots=True)
class BookIndex:
    """An index.

    Attributes:
        entries: in order.
        names: where the texts are that its entries name.
    """

    entries: list[Entry]
    names: Sequence[memoryview]

    def text(self, offset: int | None) -> bytes:
        """The text that an entry names; empty if there is none."""
        if offset is None or offset // _NAMES_RECORD >= len(self.names):
            return b""
        record = self.names[offset // _NAMES_RECORD]
        length, at = _varint(record, offset % _NAMES_RECORD)
        return bytes(record[at : at + min(length, _NAME_LIMIT_BYTES)])


@dataclass(frozen=True, slots=True)
class _Tag:
    tag: int
    values: int
    mask: int
    ends: bool


def read(records: Sequence[memoryview], number: int) -> BookIndex:
    """The index whose first record has this number.

    Raises:
        BadSource: it is broken.
    """
    head = _record(records, number)
    count, names = head.long(24), head.long(52)
    if number + count + names >= len(records):
        raise broken("an index is longer than the book")
    tags, controls = _tags(head)
    entries: list[Entry] = []
    for data in range(number + 1, number + 1 + count):
        record = _record(records, data)
        start, many = record.long(20), record.long(24)
        if len(entries) + many > ENTRIES_LIMIT:
            raise broken("an index has too many entries")
        places = [record.short(start + 4 + 2 * place) for place in range(many)]
        for at, end in zip(places, [*places[1:], start], strict=True):
            entries.append(_entry(record.record[at:end], tags, controls))
    first = number + 1 + count
    return BookIndex(entries, records[first : first + names])


def _record(records: Sequence[memoryview], number: int) -> Numbers:
    if not 0 <= number < len(records) or bytes(records[number][:4]) != b"INDX":
        raise broken("an index is missing")
    return Numbers(records[number])


def _tags(head: Numbers) -> tuple[list[_Tag], int]:
    """The table of tags, and how many bytes say which of them an entry has."""
    start = head.long(4)
    if head.record[start : start + 4] != b"TAGX":
        raise broken("an index has no table of tags")
    end, controls = head.long(start + 4), head.long(start + 8)
    table = head.record[start + 12 : start + min(end, 12 + 4 * _TAGS_LIMIT)]
    rows = (table[at : at + 4] for at in range(0, len(table) - 3, 4))
    return [_Tag(tag, values, mask, ends=end == 1) for tag, values, mask, end in rows], controls


def _entry(data: bytes, tags: list[_Tag], controls: int) -> Entry:
    length = data[0] if data else 0
    name, at = data[1 : 1 + length], 1 + length
    control, at = at, at + controls
    wanted: list[tuple[_Tag, int, int]] = []
    for tag in tags:
        if tag.ends:
            control += 1
            continue
        value = (data[control] if control < len(data) else 0) & tag.mask
        if not value:
            continue
        if value == tag.mask and tag.mask.bit_count() > 1:
            length, at = _varint(data, at)  # in bytes
            wanted.append((tag, 0, length))
        else:
            wanted.append((tag, value // (tag.mask & -tag.mask), 0))
    found: dict[int, list[int]] = {}
    for tag, count, length in wanted:
        values = found.setdefault(tag.tag, [])
        end = at + length
        many = count * tag.values
        while len(values) < _VALUES_LIMIT and at < len(data) and (many > 0 if count else at < end):
            value, at = _varint(data, at)
            values.append(value)
            many -= 1
    return Entry(name, found)


def _varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the last of which has its highest bit set; and where the next begins."""
    value = 0
    for byte in data[at : at + _VARINT_BYTES]:
        at += 1
        value = value << 7 | byte & 0x7F
        if byte & 0x80:
            break
    return value, at
