"""Pictures inside documents that may become the cover: that of a FictionBook, and views of the first page."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from services.chunker.documents import archives
from services.chunker.documents.packed import Picture
from services.chunker.documents.pictures import FILE_LIMIT_BYTES, may_be_cover
from shared.protocol.messages import SourceFormat

FORMATS: Final[frozenset[SourceFormat]] = frozenset({"fb2", "odt", "docx"})
"""Formats that may have one; a book's is found where the book is opened."""
_VIEWS: Final = {"odt": ("Thumbnails/thumbnail.png",), "docx": ("docProps/thumbnail.jpeg", "docProps/thumbnail.png")}
_COVER_PAGE: Final = re.compile(rb"""<coverpage>.{0,300}?\bhref\s{0,9}=\s{0,9}["']#([^"'<>]{1,200})["']""", re.DOTALL)
_BINARY: Final = re.compile(rb"<binary\b([^<>]{0,1000})>")
_ID: Final = re.compile(rb"""\bid\s{0,9}=\s{0,9}["']([^"'<>]{1,200})["']""")


def picture(data: bytes, known: SourceFormat) -> Picture | None:
    """The picture in a document of one of `FORMATS`; None if there is none."""
    if known == "fb2":
        return _of_fiction_book(data)
    for name in _VIEWS[known]:
        found = archives.head(data, name, FILE_LIMIT_BYTES + 1)
        if may_be_cover(found):
            return Picture(found, is_stated=False)
    return None


def _of_fiction_book(data: bytes) -> Picture | None:
    page = _COVER_PAGE.search(data)
    if page is None:
        return None
    for begin in _BINARY.finditer(data, page.end()):
        named = _ID.search(begin[1])
        if named is None or named[1] != page[1]:
            continue
        end = data.find(b"<", begin.end(), begin.end() + 2 * FILE_LIMIT_BYTES)
        try:
            found = base64.b64decode(data[begin.end() : max(end, begin.end())])
        except binascii.Error:
            return None
        return Picture(found) if may_be_cover(found) else None
    return None
