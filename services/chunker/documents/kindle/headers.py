"""The header of a Kindle book, and its EXTH block, which has title, author, language and cover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.chunker.documents.kindle.records import Numbers, broken
from shared.errors import BadSource

NONE: Final = 0xFFFFFFFF
"""In place of the number of an index that the book does not have."""
GUIDE_LIMIT: Final = 50
"""How many entries of a book's guide (cover, contents, …) are read."""
PLAIN, PALMDOC, HUFFMAN = 1, 2, 17_480
_UTF_8: Final = 65_001
_HAS_EXTH: Final = 0x40
_EXTH_LIMIT: Final = 1_000
_KF8: Final = 8
_AUTHOR, _TITLE, _LANGUAGE, _COVER, _KF8_AT = 100, 503, 524, 201, 121
_NO_AUTHOR: Final = "Unknown"
"""What converters write if they know no author."""
_OLDEST_WITH_TRAILERS: Final = 0xE4
"""The length from which a header says what follows the text of each record."""
_LANGUAGES: Final = {
    1: "ar", 2: "bg", 3: "ca", 4: "zh", 5: "cs", 6: "da", 7: "de", 8: "el", 9: "en", 10: "es", 11: "fi", 12: "fr",
    13: "he", 14: "hu", 15: "is", 16: "it", 17: "ja", 18: "ko", 19: "nl", 20: "no", 21: "pl", 22: "pt", 24: "ro",
    25: "ru", 26: "hr", 27: "sk", 28: "sq", 29: "sv", 30: "th", 31: "tr", 33: "id", 34: "uk", 36: "sl", 37: "et",
    38: "lv", 39: "lt", 41: "fa", 42: "vi", 45: "eu", 54: "af", 57: "hi",
}  # fmt: skip
"""Language ids of Windows, which books from before 2011 have."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first record of a book says; numbers of records are counted from `base`.

    Attributes:
        compression: `PLAIN`, `PALMDOC` or `HUFFMAN`.
        text_records: how many there are.
        encoding: of the text.
        base: the number of this record in the file.
        is_kf8: whether it is of the newer format (AZW3).
        trailers: flags of what follows the text of each record.
        huffman: first record of the tables, and how many; (0, 0): none.
        contents: index of the table of contents, or `NONE`.
        flows, fragments, skeletons, guide: of a KF8 book, or `NONE`.
        title, author, language: "" if the book does not say.
        cover: number of the record in the file with the picture, or `NONE`.
        kf8_at: number of the record with the header of the same book as KF8, or `NONE`.
    """

    compression: int
    text_records: int
    encoding: str
    base: int = 0
    is_kf8: bool = False
    trailers: int = 0
    huffman: tuple[int, int] = (0, 0)
    contents: int = NONE
    flows: int = NONE
    fragments: int = NONE
    skeletons: int = NONE
    guide: int = NONE
    title: str = ""
    author: str = ""
    language: str = ""
    cover: int = NONE
    kf8_at: int = NONE


def read(record: bytes | memoryview, base: int = 0) -> Header:
    """Read a header.

    Args:
        record: the record.
        base: its number in the file.

    Raises:
        BadSource: it is none, or the book is protected by DRM.
    """
    numbers = Numbers(record)
    _check_open(numbers)
    if numbers.record[16:20] != b"MOBI":
        raise broken("its first record is no header")
    length = numbers.long(20)
    encoding = "utf-8" if numbers.long(28) == _UTF_8 else "cp1252"

    def long(at: int) -> int:
        """A number that only longer headers have."""
        return numbers.long(at) if at + 4 <= 16 + length else NONE

    said = _exth(numbers, length) if long(128) != NONE and long(128) & _HAS_EXTH else {}
    name = numbers.record[numbers.long(84) :][: numbers.long(88)]
    first_image, cover = long(108), int.from_bytes(said.get(_COVER, [b""])[0][:4] or b"\xff\xff\xff\xff")
    is_kf8 = long(36) == _KF8
    authors = (_text(each, encoding) for each in said.get(_AUTHOR, []))
    return Header(
        base=base,
        is_kf8=is_kf8,
        compression=numbers.short(0),
        text_records=numbers.short(8),
        encoding=encoding,
        trailers=numbers.long(240) & 0xFFFF if length >= _OLDEST_WITH_TRAILERS else 0,
        huffman=(numbers.long(112), numbers.long(116)),
        contents=long(244),
        flows=long(192) if is_kf8 else NONE,
        fragments=long(248) if is_kf8 else NONE,
        skeletons=long(252) if is_kf8 else NONE,
        guide=long(260) if is_kf8 else NONE,
        title=_text(said.get(_TITLE, [name])[0], encoding),
        author=", ".join(dict.fromkeys(author for author in authors if author not in {"", _NO_AUTHOR})),
        language=_text(said.get(_LANGUAGE, [b""])[0], encoding) or _LANGUAGES.get(long(92) & 0xFF, ""),
        cover=NONE if NONE in {first_image, cover} else first_image + cover,
        kf8_at=int.from_bytes(said.get(_KF8_AT, [b""])[0][:4] or b"\xff\xff\xff\xff"),
    )


def of_palmdoc(record: bytes | memoryview) -> Header:
    """The header of a text that has no more than PalmDOC's: how it is packed, and in how many records.

    Raises:
        BadSource: it is none.
    """
    numbers = Numbers(record)
    _check_open(numbers)
    return Header(compression=numbers.short(0), text_records=numbers.short(8), encoding="cp1252")


def _check_open(numbers: Numbers) -> None:
    if numbers.short(12):
        raise BadSource(
            "The Kindle book is protected against copying (DRM), so its text cannot be read.",
            hint="Take an edition without DRM; many shops sell them, and many books are free.",
        )


def _exth(numbers: Numbers, length: int) -> dict[int, list[bytes]]:
    """Kind → values."""
    start = 16 + length
    if numbers.record[start : start + 4] != b"EXTH":
        return {}
    found: dict[int, list[bytes]] = {}
    at = start + 12
    for _ in range(min(numbers.long(start + 8), _EXTH_LIMIT)):
        kind, size = numbers.long(at), numbers.long(at + 4)
        if size < 8:  # noqa: PLR2004 - the two numbers
            raise broken("its metadata is shorter than it says")
        found.setdefault(kind, []).append(numbers.record[at + 8 : at + size])
        at += size
    return found


def _text(value: bytes, encoding: str) -> str:
    return " ".join(value.decode(encoding, "replace").replace("\x00", " ").split())
