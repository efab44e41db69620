"""A book's table of contents, which pandoc does not read: chapter titles, including those found nowhere else.

Reads the navigation document (EPUB 3) or else the NCX (EPUB 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import unquote

from lxml import etree

from services.chunker.documents.books.archive import Archive
from services.chunker.documents.books.markup import (
    all_in,
    attribute,
    first_words,
    kinds_of,
    name_of,
    parsed,
    text_of,
    words,
)
from services.chunker.documents.books.package import Package
from services.chunker.documents.books.repairs import Repairs
from shared.errors import BadSource

_SILENT: Final = frozenset({"cover", "titlepage", "title-page", "toc", "copyright-page", "landmarks", "loi", "lot"})
_SIBLINGS_LIMIT: Final = 50
"""How far after a target its words are searched for; an entry with no words within this range counts as empty."""

Trees = Callable[[str], etree._Element | None]  # noqa: SLF001 - lxml's name for the type


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table of contents.

    Attributes:
        title: as written there.
        level: 1 is the highest.
        file: the page it points to, as pandoc names it.
        fragment: the id inside that page; "" for its beginning.
        words: the beginning of the text at the target.
        has_parts: whether entries are nested below it.
        is_silent: a cover, a title page: its name is not spoken.
    """

    title: str
    level: int
    file: str
    fragment: str
    words: str
    has_parts: bool
    is_silent: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """What pandoc does not report about a book.

    Attributes:
        entries: the table of contents, in its order.
        files: the pages in reading order, as pandoc names them.
        left_out: pages that the book itself keeps out of the reading order (`linear="no"`), with their text.
        kinds: page → what the book says that it is: `toc`, `copyright-page`, `index` and so on.
        missing: pages of the reading order that are not in the book.
    """

    entries: tuple[Entry, ...]
    files: tuple[str, ...]
    left_out: tuple[str, ...]
    kinds: dict[str, str]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    title: str
    level: int
    path: str
    fragment: str


def entries(
    archive: Archive, package: Package, kinds: dict[str, str], *, names: dict[str, str], trees: Trees, repairs: Repairs
) -> tuple[Entry, ...]:
    """The table of contents; empty if there is none or it is broken, since the book can be read without it.

    Args:
        archive: the book.
        package: its package document.
        kinds: path → what the page is.
        names: path → the page as pandoc names it.
        trees: a page parsed.
        repairs: collects what was wrong with it.
    """
    lines: list[_Line] = []
    for path, read in (*((nav, _of_nav) for nav in navigation(package)), *((ncx, _of_ncx) for ncx in _ncx(package))):
        if lines:
            break
        try:
            root = parsed(text_of(archive.read(path)))
        except BadSource:
            root = None
        if root is not None:
            lines = [line for line in read(root, path, archive) if line.title and line.path in names]
        if not lines:
            repairs.add("A table of contents was broken or empty", path)
    targets = _Targets(trees)
    return tuple(
        Entry(
            title=line.title,
            level=line.level,
            file=names[line.path],
            fragment=line.fragment,
            words=targets.words(line.path, line.fragment) if line.fragment else "",
            has_parts=place + 1 < len(lines) and lines[place + 1].level > line.level,
            is_silent=not line.fragment and kinds.get(line.path, "") in _SILENT,
        )
        for place, line in enumerate(lines)
    )


def navigation(package: Package) -> list[str]:
    """The navigation documents of EPUB 3; there should be one at most."""
    return [item.path for item in package.items if "nav" in item.properties]


def landmarks(archive: Archive, package: Package) -> dict[str, str]:
    """Path → kind, as the navigation document says it."""
    found: dict[str, str] = {}
    for path in navigation(package)[:1]:
        try:
            root = parsed(text_of(archive.read(path)))
        except BadSource:
            continue
        for nav in all_in(root, "nav") if root is not None else []:
            for link in all_in(nav, "a") if "landmarks" in kinds_of(nav) else []:
                href = attribute(link, "href")
                target = archive.find(href, beside=path)
                if target and not href.partition("#")[2]:
                    found.setdefault(target, next(iter(sorted(kinds_of(link))), ""))
    return found


def _ncx(package: Package) -> list[str]:
    return [
        item.path
        for item in package.items
        if item.type == "application/x-dtbncx+xml" or item.path.lower().endswith(".ncx")
    ]


def _of_nav(root: etree._Element, path: str, archive: Archive) -> Iterator[_Line]:
    navs = all_in(root, "nav")
    toc = next((nav for nav in navs if "toc" in kinds_of(nav)), navs[0] if len(navs) == 1 else None)
    for link in all_in(toc, "a") if toc is not None else []:
        level = sum(1 for ancestor in link.iterancestors() if name_of(ancestor) == "ol")
        yield _line(words(link), level, attribute(link, "href"), path, archive)


def _of_ncx(root: etree._Element, path: str, archive: Archive) -> Iterator[_Line]:
    for point in all_in(root, "navpoint"):
        label = next((child for child in point if name_of(child) == "navlabel"), None)
        content = next((child for child in point if name_of(child) == "content"), None)
        if label is None or content is None:
            continue
        level = 1 + sum(1 for ancestor in point.iterancestors() if name_of(ancestor) == "navpoint")
        yield _line(words(label), level, attribute(content, "src"), path, archive)


def _line(title: str, level: int, href: str, path: str, archive: Archive) -> _Line:
    return _Line(title, max(1, level), archive.find(href, beside=path) or "", unquote(href.partition("#")[2]))


class _Targets:
    """What entries can point to, by page."""

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._known: dict[str, dict[str, etree._Element]] = {}

    def words(self, path: str, fragment: str) -> str:
        """The beginning of the text at a target."""
        target = self._in(path).get(fragment)
        if target is None:
            return ""
        found = first_words(target)
        for following in islice(target.itersiblings(), _SIBLINGS_LIMIT) if not found else ():
            found = first_words(following)
            if found:
                break
        return found

    def _in(self, path: str) -> dict[str, etree._Element]:
        """By id or name; the first of each."""
        if path not in self._known:
            found = self._known.setdefault(path, {})
            root = self._trees(path)
            for element in root.iter() if root is not None else ():
                for name in (element.get("id"), element.get("name")):
                    if name:
                        found.setdefault(str(name), element)
        return self._known[path]
