"""Opens a Kindle book and makes an EPUB of it, which is then read like any other: pages, contents, guide and cover."""

from __future__ import annotations

import html
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.chunker.documents.decoding import for_xml
from services.chunker.documents.kindle import headers, kf8, mobi6, records, text
from services.chunker.documents.kindle.headers import NONE, Header
from services.chunker.documents.kindle.markup import as_xhtml, is_only_links
from services.chunker.documents.kindle.pages import ContentsLine, Pages
from services.chunker.documents.kindle.records import broken
from services.chunker.documents.pictures import may_be_cover
from shared.errors import BadSource

_REPLICA: Final = b"%MOP"
_LEVELS_LIMIT: Final = 8
_CONTAINER: Final = (
    '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)


@dataclass(frozen=True, slots=True)
class _Book:
    """What an EPUB is made of."""

    header: Header
    pages: list[str]
    lines: list[ContentsLine]
    kinds: dict[int, str]
    cover: bytes


def opened(data: bytes) -> bytes | str:
    """The book as an EPUB; or its text, if it is nothing but that (PalmDOC).

    Raises:
        BadSource: it is broken, protected by DRM, or has pages of a printed book in place of text.
        TooLarge: it unpacks to too much.
    """
    return as_epub(data) if data[records.TYPE_AT] == b"BOOKMOBI" else _as_text(data)


def _as_text(data: bytes) -> str:
    parts = records.records(data)
    said = text.read(parts, headers.of_palmdoc(parts[0])).rstrip(b"\x00")
    try:
        return said.decode()
    except UnicodeDecodeError:
        return said.decode("cp1252", "replace")


def as_epub(data: bytes) -> bytes:
    """The book as an EPUB.

    Args:
        data: the file.

    Raises:
        BadSource: it is broken, protected by DRM, or has pages of a printed book in place of text.
        TooLarge: it unpacks to too much.
    """
    parts = records.records(data)
    first = headers.read(parts[0])
    header = first
    # A file with both formats has the newer one after the older one; the newer one has the better markup.
    if not first.is_kf8 and first.kf8_at != NONE and first.kf8_at < len(parts):
        header = headers.read(parts[first.kf8_at], base=first.kf8_at)
    whole = text.read(parts, header)
    if whole.startswith(_REPLICA):
        raise BadSource(
            "The Kindle book is a replica of a printed one (AZW4), without a text of its own.",
            hint="It was made from a PDF: send that.",
        )
    if header.is_kf8:
        made, places = kf8.pages(whole, parts, header)
        lines, kinds = _contents(whole, parts, header, made, places)
        targets, links = kf8.link_targets(made, places), kf8.LINK
    else:
        made = mobi6.pages(whole)
        lines, kinds = _contents(whole, parts, header, made, [])
        targets, links = mobi6.link_targets(made), mobi6.LINK_PLACE
    # Marks first: the positions are those of the pages as they were.
    texts = (made.marked(number) for number in range(len(made.texts)))
    pages = [
        _page(links.sub(lambda link: targets.get(link[0], "").encode() or link[0], page), header) for page in texts
    ]
    for number, page in enumerate(pages):
        if number not in kinds and is_only_links(page):
            kinds[number] = "toc"
    return _epub(_Book(header, pages, lines, kinds, _cover(parts, first)))


def _contents(
    whole: bytes, parts: Sequence[memoryview], header: Header, made: Pages, places: list[int]
) -> tuple[list[ContentsLine], dict[int, str]]:
    try:
        if header.is_kf8:
            return kf8.contents(parts, header, made, places), kf8.kinds(parts, header, made, places)
        return mobi6.contents(whole, parts, header, made), mobi6.kinds(whole, made)
    except BadSource:  # the text is there, and its headings can be chapters
        return [], {}


def _cover(parts: Sequence[memoryview], header: Header) -> bytes:
    data = bytes(parts[header.cover]) if header.cover < len(parts) else b""
    return data if may_be_cover(data) else b""


def _page(markup: bytes, header: Header) -> str:
    """A page as XHTML: those of KF8 are, the older ones are whatever their makers wrote."""
    said = markup.decode(header.encoding, "replace")
    return for_xml(said) if header.is_kf8 and "<body" in said else as_xhtml(said)


def _epub(book: _Book) -> bytes:
    if not any(book.pages):
        raise broken("it has no text")
    header = book.header
    about = "".join(
        f"<dc:{name}>{html.escape(value)}</dc:{name}>"
        for name, value in (("title", header.title), ("creator", header.author), ("language", header.language))
        if value
    )
    items = "".join(
        f'<item id="p{n}" href="p{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(book.pages))
    )
    items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>' if book.lines else ""
    items += '<item id="c" href="cover" media-type="image/jpeg" properties="cover-image"/>' if book.cover else ""
    refs = "".join(f'<itemref idref="p{n}"/>' for n in range(len(book.pages)))
    guide = "".join(f'<reference type="{html.escape(kind)}" href="p{n}.xhtml"/>' for n, kind in book.kinds.items())
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="i">x</dc:identifier>'
        f"{about}</metadata>"
        f"<manifest>{items}</manifest><spine>{refs}</spine>"
        f"<guide>{guide}</guide></package>"
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", _CONTAINER)
        archive.writestr("book.opf", for_xml(package))
        for number, page in enumerate(book.pages):
            archive.writestr(f"p{number}.xhtml", page.encode("utf-8", "replace"))
        if book.lines:
            archive.writestr("toc.ncx", for_xml(_ncx(book.lines)).encode("utf-8", "replace"))
        if book.cover:
            archive.writestr("cover", book.cover)
    return made.getvalue()


def _ncx(lines: list[ContentsLine]) -> str:
    made, open_ = [], 0
    for line in lines:
        level = min(line.level, open_ + 1, _LEVELS_LIMIT)
        made.append("</navPoint>" * (open_ - level + 1))
        open_ = level
        target = f"p{line.page}.xhtml" + (f"#{line.mark}" if line.mark else "")
        made.append(f'<navPoint><navLabel><text>{html.escape(line.title)}</text></navLabel><content src="{target}"/>')
    made.append("</navPoint>" * open_)
    return f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{"".join(made)}</navMap></ncx>'
