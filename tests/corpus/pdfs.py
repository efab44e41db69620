"""Hostile PDFs, written byte by byte: loops, bombs, depths, and places that are on no page."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

from tests.unit.chunker.made_pdfs import LEFT, Pdf, Text, prose, written

_FONT: Final = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_WORDS: Final = b"BT /F 10 Tf 72 700 Td (Some words of a page.) Tj ET"


def _file(content: bytes, *, page: bytes = b"", pages: bytes = b"/Kids [3 0 R] /Count 1", catalog: bytes = b"",
          stream: bytes = b"", extra: tuple[bytes, ...] = (), more: bytes = b"") -> bytes:  # fmt: skip
    """A PDF with one page; extra objects are numbered from 6."""
    return written(
        [
            b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
            b"<< /Type /Pages %s >>" % pages,
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
            b" /Resources << /Font << /F 5 0 R >> /XObject << /X 6 0 R >> >> %s >>" % page,
            b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), stream, content),
            _FONT,
            *extra,
        ],
        1,
        more,
    )


def _packed(content: bytes) -> bytes:
    return _file(zlib.compress(content, 9), stream=b"/Filter /FlateDecode")


def _twice_packed(content: bytes) -> bytes:
    return _file(zlib.compress(zlib.compress(content, 9), 9), stream=b"/Filter [/FlateDecode /FlateDecode]")


def _glyphs(count: int, at: Callable[[int], bytes]) -> bytes:
    return b"BT /F 10 Tf " + b" ".join(b"1 0 0 1 %s Tm (a) Tj" % at(number) for number in range(count)) + b" ET"


def _form(inside: bytes) -> bytes:
    return (
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F 5 0 R >> /XObject << /X 6 0 R"
        b" /Y 7 0 R >> >> /Length %d >>\nstream\n%s\nendstream" % (len(inside), inside)
    )


def _outline(count: int, following: Callable[[int], int]) -> bytes:
    entries = tuple(
        b"<< /Title (Entry %d) /Parent 6 0 R /First 7 0 R /Next %d 0 R /Dest [3 0 R /XYZ 0 700 null] >>"
        % (number, following(number))
        for number in range(count)
    )
    root = b"<< /First 7 0 R /Last %d 0 R /Count %d >>" % (6 + count, count)
    return _file(_WORDS, catalog=b"/Outlines 6 0 R", extra=(root, *entries))


def _many_pages(count: int) -> bytes:
    return _file(_WORDS, pages=b"/Kids [%s] /Count %d" % (b" ".join([b"3 0 R"] * count), count))


def _many_lines() -> bytes:
    pdf = Pdf()
    for _ in range(40):
        pdf.page(*(Text(LEFT + number % 7, 60 + number * 0.3, "a b", 1) for number in range(2_000)))
    return pdf.bytes()


PDFS: dict[str, Callable[[], bytes]] = {
    "a bomb in a stream": lambda: _packed(b"BT /F 10 Tf (word) Tj ET " * 12_000_000),
    "a bomb in a bomb": lambda: _twice_packed(b" " * 800_000_000 + _WORDS),
    "one string of 20 MB": lambda: _packed(b"BT /F 10 Tf 72 700 Td (" + b"word " * 4_000_000 + b") Tj ET"),
    "a million glyphs at one place": lambda: _packed(_glyphs(1_000_000, lambda _: b"72 700")),
    "glyphs all over the page": lambda: _packed(
        _glyphs(200_000, lambda n: b"%d %d" % (n * 7_919 % 612, n * 104_729 % 792))
    ),
    "glyphs far outside": lambda: _packed(_glyphs(20_000, lambda n: b"%d%s %d" % (n, b"0" * 30, -n * 10**9))),
    "every glyph in another size": lambda: _packed(
        b"BT " + b" ".join(b"/F %d Tf (a) Tj" % (1 + n % 997) for n in range(200_000)) + b" ET"
    ),
    "rows of cells": lambda: _packed(_glyphs(100_000, lambda n: b"%d %d" % (n % 30 * 20, 790 - n // 30 % 790))),
    "marks above every letter": lambda: _packed(
        b"BT /F 10 Tf 72 700 Td " + b"(word) Tj 4 Ts (1) Tj 0 Ts " * 100_000 + b" ET"
    ),
    "many tiny lines": _many_lines,
    "no size": lambda: _file(b"BT /F 0 Tf 72 700 Td (Some words.) Tj ET"),
    "a matrix of nothing": lambda: _file(b"BT /F 10 Tf 0 0 0 0 0 0 Tm (Some words.) Tj ET"),
    "a huge matrix": lambda: _file(b"BT /F 10 Tf 1" + b"0" * 60 + b" 0 0 1 0 0 Tm (Some words.) Tj ET"),
    "pages that contain themselves": lambda: _file(_WORDS, pages=b"/Kids [2 0 R 3 0 R] /Count 2"),
    "a page that is its own parent": lambda: _file(_WORDS, page=b"/Parent 3 0 R"),
    "a billion pages": lambda: _file(_WORDS, pages=b"/Kids [3 0 R] /Count 1000000000"),
    "one page nine thousand times": lambda: _many_pages(9_000),
    "one page forty thousand times": lambda: _many_pages(40_000),
    "a content that is a list of itself": lambda: _file(_WORDS, page=b"/Contents [4 0 R 3 0 R 4 0 R]"),
    "one content a hundred thousand times": lambda: _file(
        _WORDS, page=b"/Contents [" + b"4 0 R " * 100_000 + b"]"
    ).replace(b"/Contents 4 0 R", b"               "),
    "a form in itself": lambda: _file(_WORDS + b" /X Do", extra=(_form(_WORDS + b" /X Do"),)),
    "forms that grow": lambda: _file(
        b"/X Do",
        extra=(_form(b"/Y Do " * 300), _form(_WORDS * 300)),
    ),
    "an outline that bites its tail": lambda: _outline(50, lambda n: 7 + (n + 1) % 50),
    "an outline of its own child": lambda: _outline(2, lambda _: 7),
    "an outline of twenty thousand entries": lambda: _outline(20_000, lambda n: 8 + n if n < 19_999 else 7),
    "lists in lists": lambda: _file(_WORDS, catalog=b"/X " + b"[" * 100_000 + b"]" * 100_000),
    "dictionaries in dictionaries": lambda: _file(_WORDS, page=b"/X " + b"<< /A " * 50_000 + b"1" + b" >>" * 50_000),
    "unclosed groups": lambda: _file(b"q " * 300_000 + _WORDS),
    "brackets in strings": lambda: _file(b"BT /F 10 Tf (" + b"(" * 300_000 + b") Tj ET" + _WORDS),
    "operands without an operator": lambda: _file(b"1 " * 1_000_000 + _WORDS),
    "a title of a megabyte": lambda: _file(
        _WORDS, extra=(b"<< /Title (%s) >>" % (b"word " * 200_000),), more=b"/Info 6 0 R"
    ),
    "a cross-reference to itself": lambda: _file(_WORDS, more=b"/Prev 9"),
    "a cross-reference without an end": lambda: _file(_WORDS).replace(b"xref\n0 6", b"xref\n0 999999999"),
    "objects that are each other's lengths": lambda: _file(_WORDS).replace(b"/Length 55", b"/Length 4 0 R"),
    "half a file": lambda: Pdf().page(*prose("words " * 500, 100)).bytes()[:4_000],
    "no cross-references": lambda: _file(_WORDS).partition(b"xref")[0],
    "nothing but the mark": lambda: b"%PDF-1.7\n" + b"\x00" * 100_000,
    "no pages": lambda: _file(_WORDS, pages=b"/Kids [] /Count 0"),
}
