"""Opens a book leniently and makes clean pages of it for pandoc: those in reading order, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from services.chunker.documents.books import contents, covers, joining, markup
from services.chunker.documents.books import package as packages
from services.chunker.documents.books.archive import Archive
from services.chunker.documents.books.contents import Contents
from services.chunker.documents.books.repairs import Repairs
from services.chunker.documents.document import Document
from services.chunker.documents.packed import Picture
from shared.errors import BadSource

_PLAIN_KINDS: Final = frozenset({"bodymatter", "frontmatter", "backmatter", "text", "start", "chapter", "part"})
"""Kinds that say nothing about what a page is."""
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9.-]+")
_BODY: Final = re.compile(r"<body\b", re.IGNORECASE)
_BEGINNING_CHARACTERS: Final = 2_000
_NAMESPACE: Final = '<html xmlns:epub="http://www.idpf.org/2007/ops">'


@dataclass(frozen=True, slots=True)
class OpenedBook:
    """A book that pandoc can read, and what it does not read of it.

    Attributes:
        html: its pages, several in one, with the text alone.
        size_bytes: what the pages have, for the allowance.
        about: title, author, language, and what was repaired; without blocks.
        contents: chapters and the kinds of pages.
        picture: on its cover.
    """

    html: tuple[str, ...]
    size_bytes: int
    about: Document
    contents: Contents
    picture: Picture | None = None


def open_book(data: bytes) -> OpenedBook:
    """Open a book.

    Args:
        data: a zip file that was examined before (`archives.inflated_bytes`).

    Raises:
        BadSource: it has no pages, they cannot be unpacked, or it is protected by DRM.
    """
    repairs = Repairs()
    archive = Archive(data, repairs)
    encrypted = archive.encrypted()
    package = packages.read(archive, repairs)
    if any(place.path in encrypted for place in package.spine):
        raise BadSource(
            "The EPUB is protected against copying (DRM), so its text cannot be read.",
            hint="Take an edition without DRM; many shops sell them, and many books are free.",
        )
    pages: dict[str, str] = {}
    for place in package.spine:
        try:
            pages[place.path] = markup.with_code_marked(
                markup.without_merged_classes(markup.text_of(archive.read(place.path)))
            )
        except BadSource:
            repairs.add("Pages were broken and could not be read", place.path)
    if not pages:
        raise BadSource(
            "The EPUB is broken: none of its pages can be read.",
            hint="Download or export it again, and check that a reader opens it.",
        )
    parsed: dict[str, etree._Element | None] = {}

    def tree(path: str) -> etree._Element | None:
        if path not in parsed:
            parsed[path] = markup.parsed(pages[path])
        return parsed[path]

    names = _names([place.path for place in package.spine if place.path in pages])
    kinds = package.kinds | contents.landmarks(archive, package)
    kinds |= {path: kind for path in names if path not in kinds and (kind := _kind(pages[path]))}
    found = Contents(
        entries=contents.entries(archive, package, kinds, names=names, trees=tree, repairs=repairs),
        files=tuple(names[place.path] for place in package.spine if place.is_linear and place.path in names),
        left_out=_aside(package, names, tree),
        kinds={names[path]: kind for path, kind in kinds.items() if path in names},
        missing=package.missing,
    )
    about = Document(
        (), title=package.title, author=package.author, language=package.language, repairs=repairs.sentences()
    )
    texts = {name: pages[path] for path, name in names.items() if name in found.files}
    return OpenedBook(
        joining.joined(texts), sum(map(len, texts.values())), about, found, picture=covers.find(data, package, kinds)
    )


def _aside(package: packages.Package, names: dict[str, str], tree: contents.Trees) -> tuple[str, ...]:
    """The words of pages outside the reading order; the navigation document is not one of them."""
    navigation = set(contents.navigation(package))
    pages = [place.path for place in package.spine if not place.is_linear and place.path in names]
    texts = (_words(tree(path)) for path in pages if path not in navigation)
    return tuple(text for text in texts if text)


def _words(root: etree._Element | None) -> str:
    body = markup.all_in(root, "body") if root is not None else []
    return markup.words(body[0]) if body else ""


def _kind(page: str) -> str:
    """What a page says that it is: at its body, or at the first element in it if that is a section."""
    begin = _BODY.search(page)
    # Only the beginning is parsed, as far as its markup goes.
    root = markup.parsed(_NAMESPACE + page[begin.start() : begin.start() + _BEGINNING_CHARACTERS]) if begin else None
    bodies = markup.all_in(root, "body") if root is not None else []
    sections = [first for first in bodies[:1] if len(first) and markup.name_of(first[0]) in {"section", "div"}]
    for element in (*bodies[:1], *(first[0] for first in sections)):
        if kinds := sorted(markup.kinds_of(element) - _PLAIN_KINDS):
            return kinds[0]
    return ""


def _names(paths: list[str]) -> dict[str, str]:
    """Path → a name that no other page has: the last part of its path, as links between pages name it."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for number, path in enumerate(paths):
        name = _NOT_IN_NAMES.sub("-", path.rpartition("/")[2])
        if name in taken or "." not in name:
            name = f"{number}-{name.partition('.')[0]}.xhtml"
        taken.add(name)
        found[path] = name
    return found
