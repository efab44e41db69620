"""The package document (OPF) of a book: what it is called, which files it has, in which order they are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from services.chunker.documents.books.archive import Archive
from services.chunker.documents.books.markup import all_in, attribute, parsed, text_of, words
from services.chunker.documents.books.repairs import Repairs
from shared.errors import BadSource

_PAGE_TYPES: Final = frozenset({"application/xhtml+xml", "application/x-dtbook+xml", "text/x-oeb1-document"})
_PAGE_ENDINGS: Final = (".xhtml", ".html", ".htm", ".xht", ".xml")
_PACKAGE_TYPE: Final = "application/oebps-package+xml"
_HEAD_BYTES: Final = 2_000
_MAIL: Final = re.compile(r"\s{0,9}<[^<>\s]{1,200}@[^<>\s]{1,200}>")


@dataclass(frozen=True, slots=True)
class Item:
    """A file of the manifest.

    Attributes:
        id: of the manifest; may occur twice.
        path: its name in the archive.
        type: as stated.
        properties: `nav`, `cover-image` and so on.
        is_page: whether it is text, whatever its stated type.
    """

    id: str
    path: str
    type: str
    properties: frozenset[str]
    is_page: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A page in the reading order."""

    path: str
    is_linear: bool


@dataclass(frozen=True, slots=True)
class Package:
    """What the package document says, repaired.

    Attributes:
        path: where it is.
        title, author, language: None if it names none.
        items: the files that exist.
        spine: the pages in reading order.
        missing: pages of the reading order that are not in the book.
        kinds: path → what the guide says that it is.
        root: the document itself.
    """

    path: str
    title: str | None
    author: str | None
    language: str | None
    items: tuple[Item, ...]
    spine: tuple[Place, ...]
    missing: tuple[str, ...]
    kinds: dict[str, str]
    root: etree._Element


def read(archive: Archive, repairs: Repairs) -> Package:
    """Read the package document.

    Raises:
        BadSource: there is none, or it names no page.
    """
    path = _find(archive, repairs)
    root = parsed(text_of(archive.read(path)))
    if root is None:
        raise _broken("its package document (OPF) is no XML")
    items = _items(root, path, archive, repairs)
    spine, missing = _spine(root, items, path, archive, repairs)
    if not spine:
        raise _broken("none of its pages is in it" if missing else "it has no pages")
    guide = {
        found: attribute(reference, "type").lower()
        for reference in all_in(root, "reference")
        if "#" not in attribute(reference, "href")
        and (found := archive.find(attribute(reference, "href"), beside=path))
    }
    return Package(path, _title(root), _author(root), _language(root), items, spine, missing, guide, root)


def _broken(why: str) -> BadSource:
    return BadSource(
        f"The EPUB is broken: {why}.", hint="Download or export it again, and check that a reader opens it."
    )


def _find(archive: Archive, repairs: Repairs) -> str:
    container = archive.find("META-INF/container.xml")
    if container:
        root = parsed(text_of(archive.read(container)))
        files = all_in(root, "rootfile") if root is not None else []
        # The first package is the book's default rendition.
        for rootfile in sorted(files, key=lambda each: attribute(each, "media-type") not in {_PACKAGE_TYPE, ""}):
            if found := archive.find(attribute(rootfile, "full-path")):
                return found
    packages = [name for name in archive.names if name.lower().endswith(".opf")]
    if not packages:
        raise _broken("it has no package document (OPF)")
    repairs.add("Nothing named the package document; the one in the archive was taken", packages[0])
    return packages[0]


def _items(root: etree._Element, package: str, archive: Archive, repairs: Repairs) -> tuple[Item, ...]:
    found = []
    for element in all_in(root, "item"):
        href, kind = attribute(element, "href"), attribute(element, "media-type").lower()
        path = archive.find(href, beside=package)
        if path is None:
            continue  # a picture or a style sheet; pages are missed in the spine
        if "#" in href:
            repairs.add("Addresses in the manifest had a fragment, which was ignored", href)
        is_page = kind in _PAGE_TYPES
        if not is_page and _looks_like_page(path, kind, archive):
            is_page = True
            if kind != "text/html":  # so common that every reader takes it
                repairs.add(f"Pages were declared as {kind or 'nothing'}", href)
        properties = frozenset(attribute(element, "properties").split())
        found.append(Item(attribute(element, "id"), path, kind, properties, is_page))
    return tuple(found)


def _looks_like_page(path: str, kind: str, archive: Archive) -> bool:
    if kind.startswith(("image/", "font/", "audio/", "video/", "text/css", "application/x-dtbncx")):
        # What is declared as a picture and is a page occurs; what is declared so and named so is one.
        if not path.lower().endswith(_PAGE_ENDINGS[:4]):
            return False
    elif not path.lower().endswith(_PAGE_ENDINGS) and kind not in {"text/html", "text/xml", "application/xml"}:
        return False
    head = archive.read(path)[:_HEAD_BYTES].replace(b"\x00", b"").lower()
    return b"<html" in head or b"<body" in head or b"<dtbook" in head


def _spine(
    root: etree._Element, items: tuple[Item, ...], package: str, archive: Archive, repairs: Repairs
) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    by_id: dict[str, list[Item]] = {}
    for each in items:
        by_id.setdefault(each.id, []).append(each)
    hrefs = {attribute(element, "id"): attribute(element, "href") for element in all_in(root, "item")}
    named, missing = [], []
    for element in all_in(root, "itemref"):
        idref = attribute(element, "idref")
        candidates = by_id.get(idref, [])
        item: Item | None = next(iter(candidates), None)
        if len(candidates) > 1:
            repairs.add("Several files had the same id in the manifest; they were taken in order", idref)
            del candidates[0]
        path = item.path if item else None if idref in hrefs else archive.find(idref, beside=package)
        if path is None:
            missing.append(hrefs.get(idref) or idref)
        elif item is None or item.is_page:
            named.append(Place(path, attribute(element, "linear").lower() != "no"))
    places = _once(named, repairs)
    if missing:
        repairs.add("Pages of the reading order are not in the book", missing[0])
    if not places and not missing:
        pages = [each.path for each in items if each.is_page and "nav" not in each.properties]
        places = [Place(path, is_linear=True) for path in dict.fromkeys(pages)]
        if places:
            repairs.add("The reading order was empty; that of the manifest was taken", places[0].path)
    return tuple(places), tuple(missing)


def _once(named: list[Place], repairs: Repairs) -> list[Place]:
    """Each page where it is named first."""
    first: dict[str, Place] = {}
    for place in named:
        if first.setdefault(place.path, place) is not place:
            repairs.add("Pages were named more than once in the reading order; each is read once", place.path)
    return list(first.values())


def _meta(root: etree._Element, name: str) -> list[etree._Element]:
    holders = all_in(root, "metadata")
    return [element for element in all_in(holders[0], name) if words(element)] if holders else []


def _refinements(root: etree._Element, property_: str) -> dict[str, str]:
    """Id → value of a property of EPUB 3 that refines the element with the id."""
    return {
        attribute(meta, "refines").removeprefix("#"): words(meta)
        for meta in all_in(root, "meta")
        if attribute(meta, "property") == property_
    }


def _title(root: etree._Element) -> str | None:
    kinds = _refinements(root, "title-type")
    titles = [element for element in _meta(root, "title") if element.getparent() is not None]
    main = next((title for title in titles if kinds.get(attribute(title, "id")) == "main"), None)
    chosen = main if main is not None else next(iter(titles), None)
    return None if chosen is None else words(chosen)


def _author(root: etree._Element) -> str | None:
    refined = _refinements(root, "role")
    creators = [
        (words(element), attribute(element, "role") or refined.get(attribute(element, "id"), ""))
        for element in _meta(root, "creator")
    ]
    authors = [name for name, role in creators if role == "aut"] or [name for name, _ in creators]
    authors = [_MAIL.sub("", name) or name for name in authors]
    return ", ".join(dict.fromkeys(authors)) or None


def _language(root: etree._Element) -> str | None:
    found = next(iter(_meta(root, "language")), None)
    stated = words(found) if found is not None else ""
    return stated or attribute(root, "lang") or None
