"""Opens a PDF with PDFium, the library of a browser: its pages, its outline, what it says about itself."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pypdfium2.raw as pdfium

from services.chunker.documents.pdf import glyphs
from services.chunker.documents.pdf.pieces import About, Bookmark, Page, Style
from shared.errors import BadSource, TooLarge

PAGES_LIMIT: Final = 10_000
CHARACTERS_LIMIT: Final = 20_000_000
"""A shelf of books; beyond it a file repeats one page."""
BOOKMARKS_LIMIT: Final = 5_000
_BOOKMARK_LEVELS: Final = 8
_TEXT_BYTES: Final = 4_096
"""Of a title in UTF-16; longer ones are cut."""
_PASSWORD, _SECURITY = 4, 5


@contextmanager
def opened(data: bytes) -> Iterator[Any]:
    """PDFium's handle of a document.

    Raises:
        BadSource: it is broken, or encrypted.
    """
    pdfium.FPDF_InitLibrary()
    handle = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    if not handle:
        if pdfium.FPDF_GetLastError() in {_PASSWORD, _SECURITY}:
            raise BadSource(
                "The PDF is encrypted.", hint="Save it without a password, for instance by printing it to a PDF."
            )
        raise BadSource(
            "The PDF is broken: it cannot be opened.",
            hint="Fetch or export it again, and try whether a viewer opens it.",
        )
    try:
        yield handle
    finally:
        pdfium.FPDF_CloseDocument(handle)


def about(document: Any) -> About:
    """Title, author and language as the file states them."""
    return About(
        _utf16(lambda buffer, size: pdfium.FPDF_GetMetaText(document, b"Title", buffer, size)),
        _utf16(lambda buffer, size: pdfium.FPDF_GetMetaText(document, b"Author", buffer, size)),
        _utf16(lambda buffer, size: pdfium.FPDFCatalog_GetLanguage(document, buffer, size)),
    )


def _utf16(ask: Any) -> str:
    size = min(ask(None, 0), _TEXT_BYTES)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(_TEXT_BYTES)
    written = min(ask(ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), _TEXT_BYTES), _TEXT_BYTES)
    text = buffer.raw[: max(0, written - 2)].decode("utf-16-le", "replace")
    return " ".join(text.replace("\x00", "").split())


def bookmarks(document: Any, heights: list[float]) -> list[Bookmark]:
    """The outline, up to a limit; entries that point nowhere are left out.

    Args:
        document: PDFium's handle.
        heights: of all pages.
    """
    found: list[Bookmark] = []
    seen: set[int] = set()
    waiting = [(pdfium.FPDFBookmark_GetFirstChild(document, None), 1)]
    while waiting and len(seen) < BOOKMARKS_LIMIT:
        entry, level = waiting.pop()
        address = ctypes.cast(entry, ctypes.c_void_p).value
        if address is None or address in seen:  # an outline may bite its own tail
            continue
        seen.add(address)
        waiting.append((pdfium.FPDFBookmark_GetNextSibling(document, entry), level))
        if level < _BOOKMARK_LEVELS:
            waiting.append((pdfium.FPDFBookmark_GetFirstChild(document, entry), level + 1))
        title = _utf16(lambda buffer, size, entry=entry: pdfium.FPDFBookmark_GetTitle(entry, buffer, size))
        target = pdfium.FPDFBookmark_GetDest(document, entry)
        if not target:
            action = pdfium.FPDFBookmark_GetAction(entry)
            target = pdfium.FPDFAction_GetDest(document, action) if action else None
        page = pdfium.FPDFDest_GetDestPageIndex(document, target) if target else -1
        if title and 0 <= page < len(heights):
            found.append(Bookmark(title, level, page, _height(target, heights[page])))
    return found


def _height(target: Any, page_height: float) -> float | None:
    has_x, has_y, has_zoom = (ctypes.c_int() for _ in range(3))
    x, y, zoom = (ctypes.c_float() for _ in range(3))
    told = pdfium.FPDFDest_GetLocationInPage(target, has_x, has_y, has_zoom, x, y, zoom)
    return page_height - y.value if told and has_y.value and math.isfinite(y.value) else None


def pages(document: Any) -> Iterator[Page]:
    """Every page in order.

    Raises:
        TooLarge: it has too many pages or characters.
    """
    count = pdfium.FPDF_GetPageCount(document)
    if count > PAGES_LIMIT:
        raise TooLarge(f"The PDF has {count:,} pages; {PAGES_LIMIT:,} are the limit.", hint="Split it.")
    characters = 0
    fonts: dict[int, Style] = {}
    for number in range(count):
        page = pdfium.FPDF_LoadPage(document, number)
        if not page:
            yield Page(0.0, 0.0, [])  # a damaged page; viewers show it empty
            continue
        text = pdfium.FPDFText_LoadPage(page)
        try:
            characters += pdfium.FPDFText_CountChars(text) if text else 0
            if characters > CHARACTERS_LIMIT:
                raise TooLarge(
                    f"The PDF has more than {CHARACTERS_LIMIT:,} characters on its first {number + 1:,} pages.",
                    hint="Split it.",
                )
            yield glyphs.page(page, text, fonts)
        finally:
            if text:
                pdfium.FPDFText_ClosePage(text)
            pdfium.FPDF_ClosePage(page)
