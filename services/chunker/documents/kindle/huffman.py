"""HUFF/CDIC: Kindle's other compression, a Huffman code whose symbols are phrases, some of them compressed."""

from __future__ import annotations

import struct
from typing import Final

from services.chunker.documents.kindle.palmdoc import RECORD_LIMIT_BYTES
from services.chunker.documents.kindle.records import Numbers, broken

_DEPTH_LIMIT: Final = 32
"""How deeply compressed phrases may be nested; those of real books are not nested."""
_PHRASES_LIMIT: Final = 1_000_000
_WINDOW_BITS: Final = 32
_WINDOW_BYTES: Final = 5


class Phrases:
    """The code and the dictionary of a book.

    Args:
        code: the record HUFF.
        dictionaries: the records CDIC.

    Raises:
        BadSource: they are not such records.
    """

    def __init__(self, code: bytes | memoryview, dictionaries: list[memoryview]) -> None:
        numbers = Numbers(code)
        if numbers.record[:4] != b"HUFF":
            raise broken("its table of codes cannot be read")
        short, long = numbers.long(8), numbers.long(12)
        self._short = [_entry(numbers.long(short + 4 * byte)) for byte in range(256)]
        self._lowest, self._highest = [0], [0]
        for bits in range(1, _WINDOW_BITS + 1):
            lowest, highest = numbers.long(long + 8 * (bits - 1)), numbers.long(long + 8 * (bits - 1) + 4)
            self._lowest.append(lowest << (_WINDOW_BITS - bits))
            self._highest.append(((highest + 1) << (_WINDOW_BITS - bits)) - 1)
        self._phrases: list[tuple[bytes, bool]] = []
        for record in dictionaries:
            self._add(Numbers(record))

    def _add(self, numbers: Numbers) -> None:
        record = numbers.record
        if record[:4] != b"CDIC":
            raise broken("its dictionary cannot be read")
        total, bits = numbers.long(8), numbers.long(12)
        count = min(1 << min(bits, 20), total - len(self._phrases), _PHRASES_LIMIT - len(self._phrases))
        if count <= 0:
            return
        try:
            places = struct.unpack_from(f">{count}H", record, 16)
        except struct.error as error:
            raise broken("its dictionary ends too early") from error
        for place in places:
            length = numbers.short(16 + place)
            phrase = record[18 + place : 18 + place + (length & 0x7FFF)]
            self._phrases.append((phrase, bool(length & 0x8000)))

    def unpacked(self, packed: bytes) -> bytes:
        """A record's text.

        Raises:
            BadSource: it uses a phrase that is not there, or unpacks to too much.
        """
        if len(packed) > RECORD_LIMIT_BYTES:
            raise broken("a record is too large")
        made = bytearray()
        self._unpack(packed, made, 0)
        return bytes(made)

    def _unpack(self, packed: bytes, made: bytearray, depth: int) -> None:
        if depth > _DEPTH_LIMIT:
            raise broken("a phrase of its dictionary contains itself")
        at, end = 0, 8 * len(packed)  # in bits
        packed += bytes(_WINDOW_BYTES)
        while at < end:
            window = int.from_bytes(packed[at >> 3 : (at >> 3) + _WINDOW_BYTES])
            code = window >> (8 - (at & 7)) & 0xFFFFFFFF
            bits, is_whole, highest = self._short[code >> 24]
            if not is_whole:
                while bits < _WINDOW_BITS and code < self._lowest[bits]:
                    bits += 1
                highest = self._highest[bits]
            at += bits
            if at > end or bits == 0:
                break
            number = (highest - code) >> (_WINDOW_BITS - bits)
            if not 0 <= number < len(self._phrases):
                raise broken("a record uses a phrase that is not in its dictionary")
            phrase, is_plain = self._phrases[number]
            if not is_plain:
                phrase = self._plain(number, phrase, depth)
            made += phrase
            if len(made) > RECORD_LIMIT_BYTES:
                raise broken("a record is too large after decompression")

    def _plain(self, number: int, packed: bytes, depth: int) -> bytes:
        """A phrase that is packed itself; each is unpacked once."""
        made = bytearray()
        self._unpack(packed, made, depth + 1)
        self._phrases[number] = bytes(made), True
        return bytes(made)


def _entry(value: int) -> tuple[int, bool, int]:
    """How long the code is that begins with a byte, whether that is certain, and the highest of its length."""
    bits = value & 0x1F
    return bits, bool(value & 0x80), (((value >> 8) + 1) << (_WINDOW_BITS - bits)) - 1
