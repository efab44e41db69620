"""An EPUB: pandoc's blocks, with the chapters from its table of contents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from services.chunker.documents.books.contents import Contents, Entry
from services.chunker.documents.document import (
    Anchor,
    Block,
    ChapterStart,
    Document,
    Heading,
    Omissions,
    Paragraph,
    Section,
)
from services.chunker.narration.matter_kinds import of_page
from services.chunker.speakable import SPEAKABLE, normalise

_ASIDE_REASON = "the book keeps it out of its reading order"
_MISSING_REASON = "the book names it, but the file is not there"
_BEGINNING_CHARACTERS = 300
"""Longer than the words of an entry, even if half of it is white space."""

_NAME_OF_FILE = re.compile(r"[a-z0-9]{1,40}(?:[-_.][a-z0-9]{1,40}){1,9}")
_NUMBER = re.compile(
    r"(?:[^\W\d_]{1,12} )?(?:\d{1,4}(?:\.\d{1,4}){0,5}|[IVXLC]{1,7}|[A-Z](?:\.\d{1,4}){0,5})[.:)]?\s{1,9}"
)
"""What a table of contents may leave out of a heading."""
_HEADING_LOOKED_FOR_BLOCKS = 3
"""A chapter's heading is among its first words; a heading further down belongs to a section."""


def with_chapters(document: Document, contents: Contents) -> Document:
    """Apply the table of contents to the document.

    Each entry becomes a chapter with its title. If the title is only in the table of contents (the chapter starts with
    a picture, or without a heading), it is also spoken. Headings that the table does not list are spoken and start no
    chapter. A table that points to fewer than two positions is ignored, and the headings are used instead.
    """
    omissions = Omissions(document.omissions)
    for text in contents.left_out:
        omissions.add("auxiliary page", _ASIDE_REASON, text)
    for name in contents.missing:
        omissions.add("missing page", _MISSING_REASON, name)
    blocks = list(_with_kinds(document.blocks, contents))
    places = _places(blocks, contents)
    if len({place for place, _ in places}) >= 2:  # noqa: PLR2004 - two make a table
        blocks = list(_marked(blocks, places))
    return replace(
        document,
        title=_title(document),
        blocks=tuple(block for block in blocks if not isinstance(block, Anchor)),
        omissions=tuple(omissions),
    )


def _title(document: Document) -> str | None:
    """The book's title; if it is the name of a file, the first heading instead."""
    if document.title is None or not _NAME_OF_FILE.fullmatch(document.title):
        return document.title
    first = next((block.text for block in document.blocks if isinstance(block, Heading)), None)
    return first or document.title


def _with_kinds(blocks: tuple[Block, ...], contents: Contents) -> Iterator[Block]:
    """The blocks with a mark before each page of which the book says what it is, and behind it."""
    files = frozenset(contents.files)
    is_marked = False
    for block in blocks:
        if isinstance(block, Anchor) and block.name in files:
            kind = of_page(contents.kinds.get(block.name, ""))
            if kind or is_marked:
                yield Section(kind)
            is_marked = bool(kind)
        yield block


def _places(blocks: list[Block], contents: Contents) -> list[tuple[int, Entry]]:
    """The block before which each entry's chapter begins, in reading order."""
    anchors: dict[str, int] = {}
    for index, block in enumerate(blocks):
        if isinstance(block, Anchor):
            anchors.setdefault(block.name, index)
    found = []
    keys: dict[int, str] = {}
    files = frozenset(contents.files)
    for entry in contents.entries:
        beginning = anchors.get(entry.file)
        exact = anchors.get(f"{entry.file}_{entry.fragment}") if entry.fragment else beginning
        if exact is None and beginning is not None:
            exact = _by_words(blocks, beginning, entry, keys, files)
        if exact is not None:
            found.append((_at_title(blocks, exact, entry, files), entry))
    return sorted(found, key=lambda place: place[0])


def _at_title(blocks: list[Block], exact: int, entry: Entry, files: frozenset[str]) -> int:
    """Some books point behind the heading; then the chapter begins at it all the same."""
    if any(_is_titled(block, entry) for block in blocks[exact : exact + _HEADING_LOOKED_FOR_BLOCKS]):
        return exact
    for index in range(exact - 1, max(0, exact - _HEADING_LOOKED_FOR_BLOCKS) - 1, -1):
        block = blocks[index]
        if isinstance(block, Anchor) and block.name in files:
            break
        if _is_titled(block, entry):
            return index
        if _is_spoken(block):
            break
    return exact


def _is_titled(block: Block, entry: Entry) -> bool:
    text = _text(block)
    return 0 < len(text) <= _BEGINNING_CHARACTERS and _key(text) == _key(entry.title)


def _by_words(blocks: list[Block], beginning: int, entry: Entry, keys: dict[int, str], files: frozenset[str]) -> int:
    """Pandoc drops the ids of paragraphs and headings in some books, so look for the text at the target.

    Args:
        blocks: of the document.
        beginning: where the file that the entry points into begins.
        entry: of the table of contents.
        keys: how each block begins; a cache shared by all entries.
        files: the names of the anchors at which files begin.
    """
    wanted = _key(entry.words)
    for index in range(beginning, len(blocks)) if entry.words else ():
        block = blocks[index]
        if isinstance(block, (Heading, Paragraph)):
            if index not in keys:
                keys[index] = _key(block.text[:_BEGINNING_CHARACTERS])
            if _begin_alike(keys[index], wanted):
                return index
        if isinstance(block, Anchor) and index > beginning and block.name in files:
            break  # the next file
    return beginning


def _begin_alike(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    return shorter > 0 and one[:shorter] == other[:shorter]


def _key(text: str) -> str:
    """A title without case, spaces and punctuation."""
    return "".join(character for character in normalise(text).casefold() if character.isalnum())


def _marked(blocks: list[Block], places: list[tuple[int, Entry]]) -> Iterator[Block]:
    """The blocks with chapter starts, and with the titles that were only in the table of contents."""
    yield from _unmarked(blocks[: places[0][0]])
    for (start, entry), (end, _) in zip(places, [*places[1:], (len(blocks), places[-1][1])], strict=True):
        yield ChapterStart(entry.title, entry.level)
        section = list(_unmarked(blocks[start:end]))
        spoken = [index for index, block in enumerate(section) if _is_spoken(block)]
        head = spoken[:_HEADING_LOOKED_FOR_BLOCKS]
        same = next((index for index in head if _key(_text(section[index])) == _key(entry.title)), None)
        if same is None and head and _key(_without_number(_text(section[head[0]]))) == _key(entry.title):
            same = head[0]
        if same is not None:
            section[same] = Heading(_text(section[same]), entry.level, starts_chapter=False)
        elif not (entry.is_silent or _has_heading(section, head, entry)) and (spoken or entry.has_parts):
            yield Heading(entry.title, entry.level, starts_chapter=False)
        yield from section


def _has_heading(section: list[Block], head: list[int], entry: Entry) -> bool:
    """Whether the chapter begins with a heading, or soon has one that contains a part of its title."""
    headings = [index for index in head if isinstance(section[index], Heading)]
    title = _key(entry.title)
    keys = (_key(_text(section[index])) for index in headings)
    return headings[:1] == head[:1] != [] or any(key in title or title in key for key in keys)


def _unmarked(blocks: list[Block]) -> Iterator[Block]:
    for block in blocks:
        yield replace(block, starts_chapter=False) if isinstance(block, Heading) else block


def _text(block: Block) -> str:
    return block.text if isinstance(block, (Heading, Paragraph)) else ""


def _is_spoken(block: Block) -> bool:
    return SPEAKABLE.search(_text(block)) is not None


def _without_number(text: str) -> str:
    number = _NUMBER.match(text)
    return text[number.end() :] if number else text
