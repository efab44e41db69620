"""The cover of a book, in whichever of the ways it is named: EPUB 3, EPUB 2, the guide, the cover page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from services.chunker.documents.books import markup
from services.chunker.documents.books.archive import Archive
from services.chunker.documents.books.package import Package
from services.chunker.documents.books.repairs import Repairs
from services.chunker.documents.packed import Picture
from services.chunker.documents.pictures import is_picture, may_be_cover
from shared.errors import BadSource

_COVER: Final = "cover"
_CANDIDATES_LIMIT: Final = 5


def find(data: bytes, package: Package, kinds: Mapping[str, str]) -> Picture | None:
    """The picture on the cover of a book; None if it has none that can be read.

    Args:
        data: the archive; judged by `archives.inflated_bytes` before.
        package: its package document.
        kinds: path → what the book says that a page is.
    """
    archive = Archive(data, Repairs())  # a cover is no reason to tell of repairs
    for path in islice(_candidates(archive, package, kinds), _CANDIDATES_LIMIT):
        try:
            found = archive.read(path)
        except BadSource:
            continue
        if may_be_cover(found):
            return Picture(found)
    return None


def _candidates(archive: Archive, package: Package, kinds: Mapping[str, str]) -> Iterator[str]:
    yield from (item.path for item in package.items if "cover-image" in item.properties)
    named = {
        markup.attribute(meta, "content")
        for meta in markup.all_in(package.root, "meta")
        if markup.attribute(meta, "name").lower() == _COVER
    }
    for item in package.items:
        if item.id in named and not item.is_page:
            yield item.path
    pages = [path for path, kind in kinds.items() if kind == _COVER]
    # Some name the page where the picture should be.
    pages += [item.path for item in package.items if item.is_page and item.id in named | {_COVER}]
    for path in dict.fromkeys(pages):
        yield from _on_page(archive, path)


def _on_page(archive: Archive, path: str) -> Iterator[str]:
    """The first picture of a page; or the page, if it is a picture itself."""
    try:
        data = archive.read(path)
        if is_picture(data):
            yield path
            return
        root = markup.parsed(markup.text_of(data))
    except BadSource:
        return
    for element in root.iter() if root is not None else ():
        wanted = {"img": "src", "image": "href"}.get(markup.name_of(element))
        if wanted and (found := archive.find(markup.attribute(element, wanted), beside=path)):
            yield found
            return
