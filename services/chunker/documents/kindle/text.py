"""The text of a Kindle book: its records unpacked and joined, without what stands behind each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from services.chunker.documents.archives import INFLATED_LIMIT_BYTES
from services.chunker.documents.kindle import headers, palmdoc
from services.chunker.documents.kindle.headers import Header
from services.chunker.documents.kindle.huffman import Phrases
from services.chunker.documents.kindle.records import broken
from shared.errors import TooLarge

_SIZE_BYTES: Final = 4
_OVERLAP: Final = 1
"""The bit that says that a character may be cut, and its rest stands behind the record."""


def read(records: Sequence[memoryview], header: Header) -> bytes:
    """The whole text.

    Raises:
        BadSource: a record is missing or cannot be unpacked.
        TooLarge: it is over the limit of unpacked documents.
    """
    unpack = _unpacker(records, header)
    made = bytearray()
    first = header.base + 1
    if first + header.text_records > len(records):
        raise broken("records of its text are missing")
    for record in records[first : first + header.text_records]:
        made += unpack(_without_trailers(bytes(record), header.trailers))
        if len(made) > INFLATED_LIMIT_BYTES:
            raise TooLarge(
                f"The book unpacks to more than {INFLATED_LIMIT_BYTES / 1e6:,.0f} MB.", hint="Split it into several."
            )
    return bytes(made)


def _unpacker(records: Sequence[memoryview], header: Header) -> Callable[[bytes], bytes]:
    if header.compression == headers.PLAIN:
        return lambda packed: packed
    if header.compression == headers.PALMDOC:
        return palmdoc.unpacked
    if header.compression == headers.HUFFMAN:
        first, count = header.base + header.huffman[0], header.huffman[1]
        if count < 2 or first + count > len(records):  # noqa: PLR2004 - a code and a dictionary
            raise broken("its dictionary is missing")
        return Phrases(records[first], list(records[first + 1 : first + count])).unpacked
    raise broken(f"it is packed in an unknown way ({header.compression})")


def _without_trailers(record: bytes, flags: int) -> bytes:
    for _ in range((flags >> 1).bit_count()):
        size = 0
        for byte in record[-_SIZE_BYTES:]:
            size = (0 if byte & 0x80 else size << 7) | byte & 0x7F
        record = record[: max(0, len(record) - size)]
    if flags & _OVERLAP and record:
        record = record[: max(0, len(record) - (record[-1] & 3) - 1)]
    return record
