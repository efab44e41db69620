"""A zip archive of documents as one book: each document a chapter, in the order in which people number their files."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from services.chunker.documents import archives, formats
from services.chunker.documents.document import Block, ChapterStart, Document, Heading, Omissions, Paragraph
from services.chunker.documents.packed import Packed, Picture
from services.chunker.documents.pictures import may_be_cover
from services.chunker.speakable import SPEAKABLE
from shared.errors import BadSource, TooLarge
from shared.workers.documents import in_worker

DOCUMENTS_LIMIT: Final = 1_000
"""Reading a document takes a tenth of a second at least."""
EXPENSIVE_LIMIT: Final = 3
"""How many documents may be over their limits before the archive is refused: each of them may use ten seconds."""
_FIRST = re.compile(r"index|readme|start|default|title|titel|cover", re.IGNORECASE)
_COVER = re.compile(r"(?:^|/)(?:cover|folder|front)\.(?:jpe?g|png|webp)$", re.IGNORECASE)
_HIDDEN = re.compile(r"(?:^|/)(?:\.[^/]*|__MACOSX|Thumbs\.db|desktop\.ini|node_modules)(?:/|$)")
_NUMBER = re.compile(r"(\d+)")
_ORDERING = re.compile(r"^\d{1,4}(?:\s*[-_.)]\s*|\s+)(?=[^\W\d_])")
_NOT_READ = "it is no document"
_UNREADABLE = "it could not be read: "


@dataclass(frozen=True, slots=True)
class Member:
    """A document of an archive.

    Attributes:
        path: its name in the archive.
        data: its bytes.
    """

    path: str
    data: bytes


async def read(
    data: bytes,
    read_one: Callable[[bytes, str], Awaitable[Packed]],
    left_seconds: Callable[[], float],
) -> Packed:
    """The documents of an archive as one.

    Args:
        data: the archive; judged by `archives.inflated_bytes` before.
        read_one: reads bytes with a file name.
        left_seconds: how much time there is.

    Raises:
        BadSource: none of them can be read.
        TooLarge: there are too many, or several of them are over their limits.
    """
    found, others, cover = await in_worker("Unpacking the archive", left_seconds(), members, data)
    read_members: list[tuple[str, Packed]] = []
    refused: list[tuple[str, str]] = []
    expensive = 0
    for member in found:
        try:
            packed = await read_one(member.data, PurePosixPath(member.path).name)
            if packed.picture is not None and packed.picture.data:  # what a page inside names is not fetched
                cover = cover or packed.picture
            read_members.append((member.path, replace(packed, picture=None)))
        except TooLarge as error:
            expensive += 1
            if expensive >= EXPENSIVE_LIMIT:
                raise
            refused.append((member.path, error.message))
        except BadSource as error:
            refused.append((member.path, error.message))
    if not read_members:
        why = f" ({refused[0][0]}: {refused[0][1]})" if refused else ""
        raise BadSource(
            f"There is no document in the archive that can be read{why[:300]}.",
            hint="Put texts, web pages, books or PDFs in it.",
        )
    book = await in_worker("Binding the documents", left_seconds(), bound, read_members, refused, others)
    return replace(book, picture=cover)


def members(data: bytes) -> tuple[list[Member], list[str], Picture | None]:
    """The documents of an archive in reading order, the names of what is no document, and the cover beside them.

    Raises:
        BadSource: it is broken.
        TooLarge: it has too many documents.
    """
    sizes = archives.names(data)
    names = [name for name in sizes if not name.endswith("/") and not _HIDDEN.search(name)]
    documents = [name for name in names if _is_document(name)]
    if len(documents) > DOCUMENTS_LIMIT:
        raise TooLarge(
            f"The archive has {len(documents):,} documents; {DOCUMENTS_LIMIT:,} are the limit.",
            hint="Make several archives of it.",
        )
    documents.sort(key=reading_order)
    # The one that is nearest to the top, as players of audio books look for it.
    covers = sorted(filter(_COVER.search, names), key=lambda name: (name.count("/"), name))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = [Member(name, archive.read(name)) for name in documents]
            cover = next(filter(None, (_picture(archive.read(name)) for name in covers[:1])), None)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, EOFError, NotImplementedError) as error:
        raise BadSource("The archive is broken: it cannot be unpacked.", hint="Pack it again.") from error
    return found, sorted(set(names) - set(documents) - set(covers[:1] if cover else ())), cover


def _picture(data: bytes) -> Picture | None:
    return Picture(data) if may_be_cover(data) else None


def _is_document(name: str) -> bool:
    path = PurePosixPath(name)
    known = formats.of_name(path.name)
    return known not in {None, "zip"} or (not path.suffix and path.name.isupper())  # README, but no Makefile


def reading_order(name: str) -> list[tuple[int, list[tuple[int, int, str]]]]:
    """A sort key: 2 before 10, index and README before what is beside them."""
    *folders, last = name.split("/")
    stem = PurePosixPath(last).stem
    key = [(1, _natural(folder)) for folder in folders]
    return [*key, (0 if _FIRST.fullmatch(stem) else 1, _natural(stem)), (2, _natural(last))]


def _natural(text: str) -> list[tuple[int, int, str]]:
    parts = _NUMBER.split(text.casefold())
    return [(0, int(part), "") if number % 2 else (1, 0, part) for number, part in enumerate(parts) if part]


def bound(documents: Iterable[tuple[str, Packed]], refused: Iterable[tuple[str, str]], others: Iterable[str]) -> Packed:
    """One document of many, each a chapter.

    Args:
        documents: path and document, in order.
        refused: path and reason of those that could not be read.
        others: paths of what is no document.
    """
    unpacked = [(path, packed.document()) for path, packed in documents]
    languages: Counter[str] = Counter()
    for _, document in unpacked:
        if document.language:
            languages[document.language] += document.characters
    language = languages.most_common(1)[0][0] if languages else None
    authors = {document.author for _, document in unpacked}
    omissions = Omissions()
    blocks: list[Block] = []
    for path, document in unpacked:
        blocks += _chapter(path, document, language)
        omissions.take_over(document.omissions)
    for path, why in refused:
        omissions.add("document", f"{_UNREADABLE}{why}"[:300], path)
    for path in others:
        omissions.add("file", _NOT_READ, path)
    first_path, first = unpacked[0]
    is_front = _FIRST.fullmatch(PurePosixPath(first_path).stem) is not None
    return Packed.of(
        Document(
            tuple(blocks),
            title=first.title if is_front or len(unpacked) == 1 else None,
            author=authors.pop() if len(authors) == 1 else None,
            language=language,
            omissions=tuple(omissions),
        )
    )


def _chapter(path: str, document: Document, language: str | None) -> list[Block]:
    """The blocks of a document, below a chapter with its title; the title is said once."""
    title = document.title or name_of(path)
    blocks: list[Block] = [ChapterStart(title, 1)]
    own = document.language if document.language != language else None
    for block in document.blocks:
        if isinstance(block, ChapterStart):
            blocks.append(replace(block, level=block.level + 1))
        elif isinstance(block, Heading):
            is_title = _key(block.text) == _key(title)
            shown = replace(block, level=1 if is_title else block.level + 1, language=block.language or own)
            blocks.append(replace(shown, starts_chapter=block.starts_chapter and not is_title))
        elif isinstance(block, Paragraph):
            blocks.append(replace(block, language=block.language or own))
    said = any(isinstance(block, Heading) and _key(block.text) == _key(title) for block in blocks[:4])
    if not said:
        blocks.insert(1, Heading(title, 1, starts_chapter=False, language=own))
    return blocks


def name_of(path: str) -> str:
    """A title made of a file's name: without its extension and its number, with spaces."""
    stem = PurePosixPath(path).stem
    shorter = _ORDERING.sub("", stem)
    title = " ".join(re.sub(r"[-_+]+", " ", shorter).split())
    return title if SPEAKABLE.search(title) else stem


def _key(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
