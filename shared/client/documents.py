"""A document that a client submits: its format, and whether it can be read at all, before a job is made of it.

What only a parser can detect (a damaged book, a page without text) is found by the chunker; what is obviously wrong is
reported here. The content is in memory or in a file. Either way it is read in portions, so that a large document takes
no more memory than a small one.
"""

from __future__ import annotations

import codecs
import io
import mmap
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, get_args

from shared.errors import BadSource, TooLarge
from shared.plans.model import is_plan
from shared.protocol.messages import INLINE_TEXT_LIMIT_CHARACTERS, SourceFormat
from shared.protocol.source_formats import BY_EXTENSION, ZIPPED

Content: TypeAlias = bytes | Path
"""The bytes of something that is submitted, or a file that has them and does not change meanwhile."""

FORMATS: Final[tuple[str, ...]] = get_args(SourceFormat)
_MARKS: Final[tuple[tuple[SourceFormat, bytes], ...]] = (
    ("epub", b"META-INF/container.xml"),
    ("docx", b"word/document.xml"),
    ("pptx", b"ppt/presentation.xml"),
    ("xlsx", b"xl/workbook.xml"),
    ("odt", b"content.xml"),
)
"""A file that each kind of archive has. Names are not compressed; a stranger's archive may list a million of them, so
the directory of the archive is searched, not read."""
_KNOWN = "Formats that can be read: " + ", ".join(FORMATS) + "."

_PDF: Final = b"%PDF-"
_PDF_HEAD_BYTES: Final = 1_024
"""Viewers look for the mark this far into the file."""
_PORTION_BYTES: Final = 262_144
_SNIFF_CHARACTERS: Final = 4_096
_CONTROL_SHARE: Final = 0.05
"""Text contains line ends and tabs; with a larger share of other control characters it is a program or a picture."""
_CONTROLS: Final = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b")


@dataclass(frozen=True)
class Document:
    """A document that is there in full.

    Attributes:
        name: its file name, or `stdin.<suffix>`.
        content: its bytes, unchanged, or the file that has them.
        format: its format.
        text: its text, if it is UTF-8 text that is short enough to travel inside a message.
        characters: how many its text has, if it is UTF-8 text; None also if `text` has all of them.
    """

    name: str
    content: Content
    format: SourceFormat
    text: str | None
    characters: int | None = None


def of_suffix(path: Path) -> SourceFormat | None:
    """The format that a file's name tells."""
    return BY_EXTENSION.get(path.suffix[1:].lower())


def opened(content: Content) -> io.BufferedReader | io.BytesIO:
    """The content, for reading."""
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)


def size_bytes(content: Content) -> int:
    """How many bytes it has."""
    return content.stat().st_size if isinstance(content, Path) else len(content)


def document(
    name: str, content: Content, *, limit_bytes: int, source_format: SourceFormat | None = None, shown: str = ""
) -> Document:
    """The document with this content. Reads all of a file that is text, so it is for a thread.

    Args:
        name: its file name, or `stdin`.
        content: its bytes.
        limit_bytes: the largest document that is accepted.
        source_format: the format according to the caller; None: by name, then by content.
        shown: what errors call it; empty: its name.

    Raises:
        BadSource: it is empty, or has no known format.
        TooLarge: it is over the limit.
    """
    shown = shown or name
    if size_bytes(content) > limit_bytes:
        raise too_large(shown, limit_bytes)
    found = _look_at(content)
    if found.is_blank:
        raise BadSource(f"{shown} is empty.", hint="Give a document with text in it.")
    kind = (
        source_format
        or ("plan" if is_plan(found.start) else None)
        or of_suffix(Path(name))
        or _guess(shown, content, found)
    )
    if kind in ZIPPED:
        with opened(content) as file:
            is_archive = zipfile.is_zipfile(file)
        if not is_archive:
            raise BadSource(
                f"{shown} is no {kind.upper()} file, or it is damaged.", hint="Get it again from where it came from."
            )
        return Document(_named(name, kind), content, kind, None)
    if kind == "pdf":
        if _PDF not in found.start[:_PDF_HEAD_BYTES]:
            raise BadSource(f"{shown} is no PDF file, or it is damaged.", hint="Get it again from where it came from.")
        return Document(_named(name, kind), content, kind, None)
    if _is_binary(found.start):
        raise BadSource(f"{shown} is a binary file, not {kind}.", hint=_KNOWN)
    if found.characters is not None and not found.has_words:
        raise BadSource(f"{shown} has no text in it.", hint="Give a document with text in it.")
    return Document(_named(name, kind), content, kind, found.text, found.characters)


def too_large(shown: str, limit_bytes: int) -> TooLarge:
    """The error for a document that is over the limit."""
    return TooLarge(
        f"{shown} has more than {limit_bytes / 1e6:g} MB, which is the limit.",
        hint="Split it, or raise PODCAST_SOURCE_LIMIT_BYTES for the services and for this command.",
    )


def _named(name: str, kind: SourceFormat) -> str:
    return name if Path(name).suffix else f"{name}.{kind}"


@dataclass
class _Look:
    """What reading a document once has shown.

    Attributes:
        start: its first bytes.
        is_blank: it has nothing but ASCII white space.
        has_words: its text has something other than white space.
        text: its text, if it is UTF-8 and short.
        characters: how many its text has; None if it is not UTF-8.
    """

    start: bytes = b""
    is_blank: bool = True
    has_words: bool = False
    text: str | None = None
    characters: int | None = 0


def _look_at(content: Content) -> _Look:
    found = _Look()
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    kept: list[str] | None = []
    with opened(content) as file:
        found.start = file.read(_SNIFF_CHARACTERS)
        file.seek(0)
        at_end = False
        while not at_end and (found.characters is not None or found.is_blank):
            portion = file.read(_PORTION_BYTES)
            at_end = len(portion) < _PORTION_BYTES
            found.is_blank = found.is_blank and not portion.strip()
            if found.characters is None:
                continue
            try:
                text = decoder.decode(portion, final=at_end)
            except UnicodeDecodeError:
                found.characters = kept = None
                continue
            found.characters += len(text)
            found.has_words = found.has_words or bool(text.strip())
            if kept is not None:
                kept = [*kept, text] if found.characters <= INLINE_TEXT_LIMIT_CHARACTERS else None
    if kept is not None:
        found.text = "".join(kept)
    return found


def _guess(shown: str, content: Content, found: _Look) -> SourceFormat:
    """The format of a document whose name does not reveal it."""
    if found.start.startswith(b"PK\x03\x04"):
        for kind, mark in _MARKS:
            if _contains(content, mark):
                return kind
        return "zip"
    if _PDF in found.start[:_PDF_HEAD_BYTES]:
        return "pdf"
    if found.start.startswith(b"{\\rtf"):
        return "rtf"
    if _is_binary(found.start):
        raise BadSource(f"{shown} is a binary file of no known format.", hint=_KNOWN)
    encoding = "utf-8-sig" if found.characters is not None else "latin-1"
    start = found.start.decode(encoding, "ignore").lstrip()
    if re.match(r"(?i)<!doctype html|<html[\s>]", start):
        return "html"
    return "markdown" if re.search(r"(?m)^#{1,6} \S", start) else "text"


def _contains(content: Content, mark: bytes) -> bool:
    if isinstance(content, bytes):
        return mark in content
    with content.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return mapped.find(mark) >= 0


def _is_binary(start: bytes) -> bool:
    """Whether a document that begins with these bytes is not text in any usual encoding."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 begins with a byte order mark
        return False
    return b"\0" in start or sum(byte in _CONTROLS for byte in start) > _CONTROL_SHARE * len(start)
