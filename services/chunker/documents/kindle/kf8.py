"""The newer Kindle format (KF8, AZW3): XHTML files, cut into skeletons and the fragments that go into them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from services.chunker.documents.kindle import indexes
from services.chunker.documents.kindle.headers import GUIDE_LIMIT, NONE, Header
from services.chunker.documents.kindle.pages import ContentsLine, Pages
from services.chunker.documents.kindle.records import Numbers, broken

LINK: Final = re.compile(rb"kindle:pos:fid:([0-9A-V]{4}):off:([0-9A-V]{10})")
_LINKS_LIMIT: Final = 50_000
_FRAGMENTS, _PLACE, _TITLE, _LEVEL = 1, 6, 3, 4


def pages(text: bytes, records: Sequence[memoryview], header: Header) -> tuple[Pages, list[int]]:
    """The files of a book, and where each fragment begins, in positions.

    Args:
        text: the whole text.
        records: of the file.
        header: of the book.

    Raises:
        BadSource: its indexes are broken.
    """
    text = _first_flow(text, records, header)
    own = records[header.base :]
    if header.skeletons == NONE:
        return Pages([0], [text]), []
    skeletons = indexes.read(own, header.skeletons).entries
    fragments = indexes.read(own, header.fragments).entries if header.fragments != NONE else []
    made = Pages([], [])
    places: list[int] = []
    left: Iterator[indexes.Entry] = iter(fragments)
    for skeleton in skeletons:
        start, length = skeleton.first(_PLACE), skeleton.first(_PLACE, 1)
        if start is None or length is None:
            raise broken("a part of it has no place")
        page, at = bytearray(), 0
        frame, body = text[start : start + length], start + length
        for _ in range(min(skeleton.first(_FRAGMENTS) or 0, len(fragments) - len(places))):
            fragment = next(left)
            size = fragment.first(_PLACE, 1) or 0
            goes_to = int(fragment.name) if fragment.name.isdigit() and len(fragment.name) <= 10 else 0  # noqa: PLR2004 - digits of a position
            # One that would have to go before the end of the fragment before it is put behind that.
            until = at + max(0, goes_to - start - len(page))
            page += frame[at:until]
            at = min(until, len(frame))
            places.append(start + len(page))
            page += text[body : body + size]
            body += size
        page += frame[at:]
        made.starts.append(start)
        made.texts.append(bytes(page))
    if not made.texts:
        raise broken("it has no parts")
    return made, places


def _first_flow(text: bytes, records: Sequence[memoryview], header: Header) -> bytes:
    """The text without style sheets and drawings, which stand behind it."""
    number = header.base + header.flows
    if header.flows == NONE or number >= len(records) or bytes(records[number][:4]) != b"FDST":
        return text
    numbers = Numbers(records[number])
    first = numbers.long(4)
    return text[numbers.long(first) : numbers.long(first + 4)] if numbers.long(8) else text


def contents(records: Sequence[memoryview], header: Header, made: Pages, places: list[int]) -> list[ContentsLine]:
    """The table of contents."""
    if header.contents == NONE:
        return []
    index = indexes.read(records[header.base :], header.contents)
    lines = []
    for entry in index.entries:
        position = _position(entry, places)
        title = index.text(entry.first(_TITLE)).decode(header.encoding, "replace").strip()
        if title and position is not None:
            lines.append(ContentsLine(title, 1 + (entry.first(_LEVEL) or 0), *made.place(position)))
    # Kindle sorts it by level; an EPUB needs the order of the text.
    return sorted(lines, key=lambda line: (line.page, int(line.mark[2:] or 0)))


def kinds(records: Sequence[memoryview], header: Header, made: Pages, places: list[int]) -> dict[int, str]:
    """Page → what the book says that it is."""
    if header.guide == NONE:
        return {}
    found: dict[int, str] = {}
    for entry in indexes.read(records[header.base :], header.guide).entries[:GUIDE_LIMIT]:
        position = _position(entry, places)
        if position is not None and (page := made.begun_at(position)) is not None:
            found.setdefault(page, entry.name.decode("ascii", "replace"))
    return found


def link_targets(made: Pages, places: list[int]) -> dict[bytes, str]:
    """Address as Kindle has it → address in the EPUB, for all links inside the book."""
    found: dict[bytes, str] = {}
    for page in made.texts:
        for link in LINK.finditer(page):
            number = int(link[1], 32)
            if link[0] not in found and number < len(places) and len(found) < _LINKS_LIMIT:
                found[link[0]] = made.target(places[number] + int(link[2], 32))
    return found


def _position(entry: indexes.Entry, places: list[int]) -> int | None:
    number, offset = entry.first(_PLACE), entry.first(_PLACE, 1)
    if number is None or number >= len(places):
        return None
    return places[number] + (offset or 0)
