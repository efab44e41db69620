"""An EPUB's table of contents, which pandoc does not read: chapter titles, including those found nowhere else.

Reads the navigation document (EPUB 3) or else the NCX (EPUB 2).
"""

from __future__ import annotations

import contextlib
import io
import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote

from lxml import etree

_FRONT_MATTER = frozenset({"cover", "titlepage", "title-page", "toc", "copyright-page", "landmarks", "loi", "lot"})
_WORDS_AT_TARGET_CHARACTERS = 60
"""Enough of the text after a target to find its paragraph again."""

_SIBLINGS_LIMIT = 50
_TEXTS_LIMIT = 200
"""How far after a target its words are searched for; an entry with no words within this range counts as empty."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table of contents.

    Attributes:
        title: as written there.
        level: 1 is the highest.
        file: the last part of the path of the file it points to, as pandoc names it.
        fragment: the id inside that file; "" for its beginning.
        words: the beginning of the text at the target.
        has_parts: whether entries are nested below it.
        front_matter: a cover, a title page: its name is not spoken.
    """

    title: str
    level: int
    file: str
    fragment: str
    words: str
    has_parts: bool
    front_matter: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """What pandoc does not report about an EPUB.

    Attributes:
        entries: the table of contents, in its order.
        files: the files in reading order, as pandoc names them.
        left_out: pages that the book itself keeps out of the reading order (`linear="no"`), with their text.
        contents_pages: files that contain a visible table of contents.
    """

    entries: tuple[Entry, ...]
    files: tuple[str, ...]
    left_out: tuple[str, ...]
    contents_pages: frozenset[str]


def read(data: bytes) -> Contents:
    """Read the table of contents; if missing or broken the result is empty, since the book can be read without it.

    Raises nothing for a broken book: pandoc has already read it, and its error would have been clearer.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        try:
            return _Book(archive).contents()
        except (KeyError, ValueError, etree.XMLSyntaxError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
            return Contents((), (), (), frozenset())


class _Book:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        container = self._parse("META-INF/container.xml")
        self._package_path = unquote(str(_all(container, "rootfile")[0].get("full-path")))
        self._package = self._parse(self._package_path)
        items = _all(self._package, "item")
        self._paths = {str(item.get("id")): self._beside(self._package_path, str(item.get("href"))) for item in items}
        self._raw_names = {
            self._paths[str(item.get("id"))]: posixpath.basename(str(item.get("href"))) for item in items
        }
        self._nav = next((item for item in items if "nav" in str(item.get("properties", "")).split()), None)
        self._trees: dict[str, etree._Element] = {}
        self._targets: dict[str, dict[str, etree._Element]] = {}

    def contents(self) -> Contents:
        spine = _all(self._package, "itemref")
        linear = [self._paths.get(str(ref.get("idref")), "") for ref in spine if ref.get("linear") != "no"]
        aside = [self._paths.get(str(ref.get("idref")), "") for ref in spine if ref.get("linear") == "no"]
        kinds = dict(self._landmarks())
        nav_path = self._paths[str(self._nav.get("id"))] if self._nav is not None else ""
        return Contents(
            entries=tuple(self._entries(nav_path, kinds)),
            files=tuple(self._raw_names[path] for path in linear if path),
            left_out=tuple(text for path in aside if path != nav_path and (text := self._text(path))),
            contents_pages=frozenset(
                self._raw_names[path] for path, kind in kinds.items() if kind == "toc" and path in self._raw_names
            ),
        )

    def _parse(self, path: str) -> etree._Element:
        # No DTD, no entities, no network: the book is untrusted. Half-broken XHTML is read as far as possible.
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False)
        root = etree.fromstring(self._archive.read(path), parser)
        if root is None:
            raise ValueError(path)
        return root

    @staticmethod
    def _beside(path: str, href: str) -> str:
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(href.partition("#")[0])))

    def _landmarks(self) -> Iterator[tuple[str, str]]:
        """The kind of a page: cover, toc, titlepage … from the guide (EPUB 2) and the landmarks (EPUB 3)."""
        for reference in _all(self._package, "reference"):
            yield self._beside(self._package_path, str(reference.get("href"))), str(reference.get("type"))
        if self._nav is None:
            return
        path = self._paths[str(self._nav.get("id"))]
        for nav in _all(self._parse(path), "nav"):
            if "landmarks" in _type(nav):
                for link in _all(nav, "a"):
                    yield self._beside(path, str(link.get("href"))), next(iter(_type(link)), "")

    def _entries(self, nav_path: str, kinds: dict[str, str]) -> Iterator[Entry]:
        found = list(self._from_nav(nav_path)) if nav_path else []
        if not found:
            ncx = next((path for path in self._paths.values() if path.lower().endswith(".ncx")), "")
            found = list(self._from_ncx(ncx)) if ncx else []
        for place, (title, level, path, fragment) in enumerate(found):
            if not title or path not in self._raw_names:
                continue
            yield Entry(
                title=title,
                level=level,
                file=self._raw_names[path],
                fragment=fragment,
                words=self._words_at(path, fragment) if fragment else "",
                has_parts=place + 1 < len(found) and found[place + 1][1] > level,
                front_matter=not fragment and kinds.get(path, "") in _FRONT_MATTER,
            )

    def _from_nav(self, path: str) -> Iterator[tuple[str, int, str, str]]:
        navs = _all(self._parse(path), "nav")
        toc = next((nav for nav in navs if "toc" in _type(nav)), navs[0] if len(navs) == 1 else None)
        for link in _all(toc, "a") if toc is not None else []:
            level = sum(1 for ancestor in link.iterancestors() if _name(ancestor) == "ol")
            href = str(link.get("href", ""))
            yield _words(link), max(1, level), self._beside(path, href), unquote(href.partition("#")[2])

    def _from_ncx(self, path: str) -> Iterator[tuple[str, int, str, str]]:
        for point in _all(self._parse(path), "navPoint"):
            label = next((child for child in point if _name(child) == "navLabel"), None)
            content = next((child for child in point if _name(child) == "content"), None)
            if label is None or content is None:
                continue
            level = 1 + sum(1 for ancestor in point.iterancestors() if _name(ancestor) == "navPoint")
            href = str(content.get("src", ""))
            yield _words(label), level, self._beside(path, href), unquote(href.partition("#")[2])

    def _tree(self, path: str) -> etree._Element:
        if path not in self._trees:
            self._trees[path] = self._parse(path)
        return self._trees[path]

    def _words_at(self, path: str, fragment: str) -> str:
        target = self._targets_in(path).get(fragment)
        if target is None:
            return ""
        words = _first_words(target)
        for following in islice(target.itersiblings(), _SIBLINGS_LIMIT) if not words else ():
            words = _first_words(following)
            if words:
                break
        return words

    def _targets_in(self, path: str) -> dict[str, etree._Element]:
        """What an entry can point to in a file, by id or name; the first of each."""
        if path not in self._targets:
            found = self._targets.setdefault(path, {})
            with contextlib.suppress(KeyError, ValueError, etree.XMLSyntaxError):
                for element in self._tree(path).iter():
                    for name in (element.get("id"), element.get("name")):
                        if name:
                            found.setdefault(str(name), element)
        return self._targets[path]

    def _text(self, path: str) -> str:
        try:
            body = _all(self._tree(path), "body")
        except (KeyError, ValueError, etree.XMLSyntaxError):
            return ""
        return _words(body[0]) if body else ""


def _name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _all(root: etree._Element, name: str) -> list[etree._Element]:
    return [element for element in root.iter() if _name(element) == name]


def _words(element: etree._Element) -> str:
    return " ".join("".join(str(text) for text in element.itertext()).split())


def _first_words(element: etree._Element) -> str:
    """The first words inside, enough to identify a paragraph; a long one is not walked to its end."""
    words = ""
    for text in islice(element.itertext(), _TEXTS_LIMIT):
        words += f" {' '.join(str(text)[: 10 * _WORDS_AT_TARGET_CHARACTERS].split())}" if str(text).strip() else ""
        if len(words) > _WORDS_AT_TARGET_CHARACTERS:
            break
    return words.strip()[:_WORDS_AT_TARGET_CHARACTERS]


def _type(element: etree._Element) -> set[str]:
    """The values of `epub:type` and `role`."""
    values = (value for key, value in element.attrib.items() if str(key).rpartition("}")[2] in {"type", "role"})
    return {kind.removeprefix("doc-") for value in values for kind in str(value).split()}
