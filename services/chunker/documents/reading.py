"""The reader: turns bytes in any format into one kind of document.

Parsing happens in child processes: pandoc, and worker processes for Python code. Each step has an allowance of CPU time
and memory that depends on its input's size; all are killed at the deadline, and when the waiting task is cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from email.message import Message
from pathlib import PurePosixPath

from services.chunker import allowances
from services.chunker.documents import (
    archives,
    code_lines,
    collection,
    decoding,
    embedded,
    formats,
    labels,
    mail,
    manuals,
    odt,
    odt_titles,
    pandoc,
    plans,
    preparing,
    reasons,
    transcripts,
    tree,
)
from services.chunker.documents.books import chapters, opening
from services.chunker.documents.books.opening import OpenedBook
from services.chunker.documents.document import Anchor, Article, Document, Heading, Omissions, Paragraph
from services.chunker.documents.kindle import opening as kindle
from services.chunker.documents.nothing import (
    NothingToSpeak,
    nothing_to_speak,
    whole_narration,
    with_all_of_it_said,
)
from services.chunker.documents.packed import Packed, Picture
from services.chunker.documents.text import reading as text_reading
from services.chunker.narration import matter, titles
from services.chunker.speakable import SPEAKABLE
from shared.errors import BadSource
from shared.protocol.messages import SourceFormat
from shared.protocol.narration import Narration
from shared.protocol.source_formats import ZIPPED
from shared.workers.documents import in_worker

__all__ = ["AS_A_NARRATOR", "Packed", "read_document", "read_packed"]

AS_A_NARRATOR = Narration()
_UNNAMED = odt_titles.TitleAndAuthor()


async def read_packed(
    data: bytes,
    *,
    format: SourceFormat | None,  # noqa: A002 - its name in every message
    name: str,
    deadline_seconds: float,
    content_type: str | None = None,
    narration: Narration = AS_A_NARRATOR,
) -> Packed:
    """Read a document; it stays packed for the worker that splits it.

    Args:
        data: the unchanged file.
        format: the format, if it was given; None: guessed from content, content type and name.
        name: its file name, for guessing; may be empty.
        deadline_seconds: for the whole call.
        content_type: as a server sent it, with its `charset` if there is one.
        narration: what is read of it.

    Raises:
        BadSource: it is empty, binary, broken, without text, or in an unsupported format.
        TooLarge: it needs more CPU time or memory than its allowance, or unpacks to too much.
        DeadlineExceeded: it took longer than `deadline_seconds`.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + deadline_seconds

    async def read_member(member: bytes, member_name: str) -> Packed:
        return await _read_one(
            member, said=None, name=member_name, content_type="", narration=narration, deadline_seconds=end - clock()
        )

    async def read_all(narration: Narration) -> Packed:
        return await _read_one(
            data,
            said=format,
            name=name,
            content_type=content_type or "",
            narration=narration,
            deadline_seconds=end - clock(),
            read_member=read_member,
        )

    try:
        return await read_all(narration)
    except NothingToSpeak as error:
        rest = whole_narration(narration)
        refused = BadSource(error.message, hint=error.hint)
        if rest == narration:
            raise refused from error
        try:
            packed = await read_all(rest)
        except NothingToSpeak:
            raise refused from error
        return await in_worker("Reading what is left", end - clock(), with_all_of_it_said, packed)


async def _read_one(  # noqa: C901, PLR0911, PLR0912 - one format after the other
    data: bytes,
    *,
    said: SourceFormat | None,
    name: str,
    content_type: str,
    narration: Narration,
    deadline_seconds: float,
    read_member: Callable[[bytes, str], Awaitable[Packed]] | None = None,
) -> Packed:
    """Read a document; an archive of documents only if `read_member` reads what is in it, so none inside another."""
    clock = asyncio.get_running_loop().time
    end = clock() + deadline_seconds
    known, text, size_bytes = await in_worker(
        "Recognising the source",
        end - clock(),
        _recognise,
        data,
        said=said,
        name=name,
        content_type=content_type,
    )
    if known == "zip":
        if read_member is None:
            raise BadSource("It is an archive inside another.", hint="Unpack it.")
        return await collection.read(data, read_member, lambda: end - clock())
    if known == "mobi":
        opened_book = await in_worker("Opening the Kindle book", end - clock(), kindle.opened, data)
        if isinstance(opened_book, str):
            known, text = formats.of_text(opened_book), opened_book
        else:
            known, data, size_bytes = "epub", opened_book, len(opened_book)
    if known == "text":
        return await in_worker("Reading the text", end - clock(), _plain, text, narration)
    if known == "plan":
        return await in_worker("Reading the plan", end - clock(), _plan, text)
    if known == "pdf":
        return await in_worker("Reading the PDF", end - clock(), _pdf, data, narration=narration)
    if known in {"srt", "vtt"}:
        return await in_worker("Reading the transcript", end - clock(), _transcript, text)
    article = None
    if known == "eml":
        opened = await in_worker("Opening the mail", end - clock(), _mail, data, narration)
        if isinstance(opened, Packed):
            return opened
        article, text = opened, opened.html
    if known == "html":
        article = await in_worker("Finding the article in the page", end - clock(), _pick, text)
        text = article.html
    book = None
    picture = None
    if known in embedded.FORMATS:
        picture = await in_worker("Looking for a cover", end - clock(), embedded.picture, data, known)
    if known == "epub":
        book = await in_worker("Opening the book", end - clock(), opening.open_book, data)
        book, picture = replace(book, picture=None), book.picture
        size_bytes = min(size_bytes, book.size_bytes)
    about = _UNNAMED
    if known == "odt":
        about = await in_worker("Looking for the title", end - clock(), odt_titles.named, data)
        data = await in_worker("Looking at the styles", end - clock(), odt.with_code_marked, data)
    unread: tuple[str, ...] = ()
    if known in preparing.PREPARED:
        text, unread = await in_worker("Preparing the markup", end - clock(), preparing.PREPARED[known], text)
    if text:
        data = text.encode()
        size_bytes = len(data)
    pages = [page.encode("utf-8", "replace") for page in book.html] if book else [data]
    parsed = tuple(
        [
            await _parsed(
                page, known, min(size_bytes, len(page)) if book else size_bytes, deadline_seconds=end - clock()
            )
            for page in pages
        ]
    )
    book = replace(book, html=()) if book else None
    packed = await in_worker(
        "Reading the document",
        end - clock(),
        _document,
        parsed,
        narration=narration,
        book=book,
        article=article,
        is_manual=known in {"man", "mdoc", "pod"},
        unread=unread,
        about=about,
    )
    if article is not None and article.picture and known == "html":
        picture = Picture(address=article.picture)
    return replace(packed, picture=picture)


async def read_document(
    data: bytes,
    *,
    format: SourceFormat | None,  # noqa: A002 - its name in every message
    name: str,
    deadline_seconds: float,
    content_type: str | None = None,
    narration: Narration = AS_A_NARRATOR,
) -> Document:
    """Read a document; see `read_packed`."""
    packed = await read_packed(
        data,
        format=format,
        name=name,
        deadline_seconds=deadline_seconds,
        content_type=content_type,
        narration=narration,
    )
    return packed.document()


def _recognise(
    data: bytes, *, said: SourceFormat | None, name: str, content_type: str
) -> tuple[SourceFormat, str, int]:
    """The format, the text if it is a text format (else ""), and the size that determines the allowances."""
    header = Message()
    header["content-type"] = content_type
    kind = header.get_content_type() if content_type.strip() else ""
    name = PurePosixPath(name).name
    known = formats.of_bytes(data, said=said, content_type=kind, name=name)
    if known in ZIPPED:
        return known, "", allowances.archive_size(len(data), archives.inflated_bytes(data))
    if known in formats.BINARY:
        return known, "", len(data)
    text = decoding.decode(data, declared=header.get_content_charset())
    if known == "?":
        known = formats.of_text(text)
    elif known == "text" and said is None and formats.is_dokuwiki(text):
        known = "dokuwiki"  # which keeps its pages as .txt
    return known, text, len(text)


def _plain(text: str, narration: Narration) -> Packed:
    return Packed.of(_narrated(text_reading.read(text, narration), narration))


def _pdf(data: bytes, *, narration: Narration) -> Packed:
    # PDFium has 8 MB; only a worker that reads a PDF pays for it.
    from services.chunker.documents.pdf import reader  # noqa: PLC0415 - as it says

    return Packed.of(_narrated(reader.read(data, narration), narration))


def _transcript(text: str) -> Packed:
    return Packed.of(_checked(transcripts.read(text)))


def _mail(data: bytes, narration: Narration) -> Packed | Article:
    """A mail in plain text; or the page of one in HTML, which pandoc has to parse."""
    opened = mail.open_mail(data, narration)
    return opened if isinstance(opened, Article) else Packed.of(_narrated(opened, narration))


def _plan(text: str) -> Packed:
    return Packed.of(_checked(plans.read(text)))


def _pick(page: str) -> Article:
    # Importing trafilatura takes a second; only a worker that reads a page pays for it.
    from services.chunker.documents.pages import picking  # noqa: PLC0415 - as it says

    return picking.pick(page)


async def _parsed(data: bytes, known: SourceFormat, size_bytes: int, *, deadline_seconds: float) -> bytes:
    end = asyncio.get_running_loop().time() + deadline_seconds
    try:
        return await pandoc.tree_of(data, known, size_bytes=size_bytes, deadline_seconds=deadline_seconds)
    except BadSource:
        if known != "markdown":
            raise
        # Any text is Markdown; pandoc refuses only a horizontal rule at the beginning, which looks like a YAML header.
        left = end - asyncio.get_running_loop().time()
        return await pandoc.tree_of(
            data, known, size_bytes=size_bytes, deadline_seconds=left, without="yaml_metadata_block"
        )


def _document(
    parsed: tuple[bytes, ...],
    *,
    narration: Narration,
    book: OpenedBook | None,
    article: Article | None,
    is_manual: bool = False,
    unread: tuple[str, ...] = (),
    about: odt_titles.TitleAndAuthor = _UNNAMED,
) -> Packed:
    document = tree.read(parsed[0], narration, rest=parsed[1:])
    document = replace(document, title=document.title or about.title, author=document.author or about.author)
    if is_manual:
        document = manuals.with_title(document, narration)
    if unread:
        left_out = Omissions(document.omissions)
        for directive in unread:
            left_out.add("directive", reasons.DIRECTIVE, directive)
        document = replace(document, omissions=tuple(left_out))
    if book is not None:
        document = chapters.with_chapters(
            replace(book.about, blocks=document.blocks, omissions=document.omissions), book.contents
        )
    if article is not None:
        omissions = Omissions(article.omissions)
        omissions.take_over(document.omissions)
        document = replace(
            document,
            title=article.title or document.title,
            author=article.author or document.author,
            language=article.language or document.language,
            omissions=tuple(omissions),
            site=article.site,
        )
    blocks = tuple(block for block in document.blocks if not isinstance(block, Anchor))
    return Packed.of(_narrated(replace(document, blocks=blocks), narration))


def _narrated(document: Document, narration: Narration) -> Document:
    """What a narrator reads of a document."""
    document = code_lines.without_code(labels.joined(document), narration)
    return titles.joined(matter.without_matter(_checked(document), narration))


def _checked(document: Document) -> Document:
    """The document, if it has anything to speak; without a title it gets its first heading as one."""
    texts = (block for block in document.blocks if isinstance(block, (Heading, Paragraph)))
    first = next((block for block in texts if SPEAKABLE.search(block.text)), None)
    if first is None:
        raise nothing_to_speak(document)
    if document.title is None and isinstance(first, Heading):
        return replace(document, title=first.text)
    return document
