"""The older Kindle format (MOBI, PRC): one HTML file, cut at its page breaks."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from services.chunker.documents.kindle import indexes
from services.chunker.documents.kindle.headers import GUIDE_LIMIT, NONE, Header
from services.chunker.documents.kindle.pages import ContentsLine, Pages

_PAGE_END: Final = re.compile(rb"<\s{0,9}/?\s{0,9}mbp:pagebreak\b[^<>]{0,500}>", re.IGNORECASE)
_REFERENCE: Final = re.compile(rb"<reference\b([^<>]{1,2000})>", re.IGNORECASE)
_LINK: Final = re.compile(
    rb"<a\b([^<>]{0,500}?\bfilepos\b[^<>]{0,500})>((?:(?!</a>).){1,1000})</a>", re.IGNORECASE | re.DOTALL
)
LINK_PLACE: Final = re.compile(rb"""\bfilepos\s{0,9}=\s{0,9}["']?0{0,99}(\d{1,9})["']?""", re.IGNORECASE)
_LINKS_LIMIT: Final = 50_000
_TYPE: Final = re.compile(rb"""\btype\s{0,9}=\s{0,9}["']?([\w.-]{1,40})""", re.IGNORECASE)
_PAGES_LIMIT: Final = 2_000
"""A dictionary has a page an entry."""
_TAG: Final = re.compile(r"<[^<>]{0,1000}>")
_HEAD_BYTES: Final = 20_000
_CONTENTS_BYTES: Final = 300_000
_PLACE, _TITLE, _LEVEL = 1, 3, 4


def pages(text: bytes) -> Pages:
    """The pages of a book."""
    starts: list[int] = []
    texts: list[bytes] = []
    at = 0
    for end in (*_PAGE_END.finditer(text), None):
        stop = end.start() if end else len(text)
        if text[at:stop].strip() or not starts:
            starts.append(at)
            texts.append(text[at:stop])
        at = end.end() if end else at
    if len(texts) > _PAGES_LIMIT:
        return Pages([0], [text])
    return Pages(starts, texts)


def contents(text: bytes, records: Sequence[memoryview], header: Header, made: Pages) -> list[ContentsLine]:
    """The table of contents: the book's index, or else the links on the page that is one."""
    lines = []
    if header.contents != NONE:
        index = indexes.read(records[header.base :], header.contents)
        for entry in index.entries:
            position = entry.first(_PLACE)
            title = index.text(entry.first(_TITLE)).decode(header.encoding, "replace").strip()
            if title and position is not None:
                lines.append((position, title, 1 + (entry.first(_LEVEL) or 0)))
    else:
        lines = list(_linked(text, header.encoding))
    return [ContentsLine(title, level, *made.place(position)) for position, title, level in sorted(lines)]


def _linked(text: bytes, encoding: str) -> Iterator[tuple[int, str, int]]:
    """What the links of the table of contents lead to, in a book without an index."""
    start = next((position for kind, position in _references(text) if kind == "toc"), None)
    if start is None:
        return
    end = _PAGE_END.search(text, start + 1, start + _CONTENTS_BYTES)
    for link in _LINK.finditer(text, start, end.start() if end else min(len(text), start + _CONTENTS_BYTES)):
        place = LINK_PLACE.search(link[1])
        title = " ".join(html.unescape(_TAG.sub(" ", link[2].decode(encoding, "replace"))).split())
        if place and title:
            yield int(place[1]), title, 1


def link_targets(made: Pages) -> dict[bytes, str]:
    """Attribute as Kindle has it → address in the EPUB, for all links inside the book."""
    found: dict[bytes, str] = {}
    for page in made.texts:
        for link in LINK_PLACE.finditer(page):
            if link[0] not in found and len(found) < _LINKS_LIMIT:
                found[link[0]] = f'href="{made.target(int(link[1]))}"'
    return found


def kinds(text: bytes, made: Pages) -> dict[int, str]:
    """Page → what the book says that it is."""
    found: dict[int, str] = {}
    for kind, position in _references(text):
        if (page := made.begun_at(position)) is not None:
            found.setdefault(page, kind)
    return found


def _references(text: bytes) -> Iterator[tuple[str, int]]:
    for reference in islice(_REFERENCE.finditer(text, 0, _HEAD_BYTES), GUIDE_LIMIT):
        kind, place = _TYPE.search(reference[1]), LINK_PLACE.search(reference[1])
        if kind and place:
            yield kind[1].decode("ascii", "replace").lower(), int(place[1])
