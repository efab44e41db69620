"""SOURCE on the command line: what it is, and whether it can be read at all, before anything is started.

A file, an http(s) address or `-`. What only a parser can detect (a damaged book, a page without text) is found by the
chunker; what is obviously wrong is reported here, before a job is submitted.
"""

from __future__ import annotations

import io
import re
import stat
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args
from urllib.parse import urlsplit

from shared.errors import BadSource, TooLarge
from shared.protocol.messages import SourceFormat

FORMAT_OF_SUFFIX: Final[dict[str, SourceFormat]] = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".epub": "epub",
    ".docx": "docx",
    ".odt": "odt",
    ".rtf": "rtf",
    ".fb2": "fb2",
    ".rst": "rst",
    ".org": "org",
}
FORMATS: Final[tuple[str, ...]] = get_args(SourceFormat)
_ZIPPED: Final = frozenset({"epub", "docx", "odt"})
_KNOWN = "Formats that can be read: " + ", ".join(FORMATS) + "."

_SNIFF_CHARACTERS: Final = 4_096
_CONTROL_SHARE: Final = 0.05
"""Text contains line ends and tabs; with a larger share of other control characters it is a program or a picture."""
_CONTROLS: Final = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b")


@dataclass(frozen=True)
class Document:
    """A document that was read into memory.

    Attributes:
        name: its file name, or `stdin.<suffix>`.
        data: its bytes, unchanged.
        format: its format.
        text: its text, if it is UTF-8 text.
    """

    name: str
    data: bytes
    format: SourceFormat
    text: str | None


@dataclass(frozen=True)
class Address:
    """A page or document that the chunker will fetch."""

    url: str
    format: SourceFormat | None


def find(source: str, *, limit_bytes: int, source_format: SourceFormat | None = None) -> Document | Address:
    """Resolve SOURCE. A file or stdin is read, up to `limit_bytes`.

    Args:
        source: a file, an http(s) address, or `-` for stdin.
        limit_bytes: the largest document that is accepted.
        source_format: the format according to the caller; None: by name, then by content.

    Raises:
        BadSource: it cannot be read, is empty, or has no known format.
        TooLarge: it is over the limit.
    """
    if source == "-":
        return _document(
            "stdin", "The text on stdin", sys.stdin.buffer.read(limit_bytes + 1), limit_bytes, source_format
        )
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", source) and not Path(source).exists():
        return _address(source, source_format)
    path = Path(source)
    return _document(path.name, str(path), _read(path, limit_bytes), limit_bytes, source_format)


def _address(source: str, source_format: SourceFormat | None) -> Address:
    try:
        parts = urlsplit(source)
    except ValueError as error:
        raise BadSource(f"{source} is no address: {error}.", hint="Check how it is written.") from error
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise BadSource(
            f"{source} is no http or https address.", hint="Give a file, an http(s) address, or - for stdin."
        )
    return Address(source, source_format)


def _read(path: Path, limit_bytes: int) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise BadSource(f"{path} is a folder.", hint="Give one of the documents in it.")
        if stat.S_ISREG(status.st_mode) and status.st_size > limit_bytes:
            raise _too_large(str(path), limit_bytes)
        with path.open("rb") as file:  # may be a pipe, as in `<(command)`
            return file.read(limit_bytes + 1)
    except FileNotFoundError as error:
        raise BadSource(
            f"There is no file {path}.", hint="Check its name, or give an address or - for stdin."
        ) from error
    except OSError as error:
        raise BadSource(f"{path} cannot be read: {error.strerror or error}.", hint="Check its permissions.") from error
    except ValueError as error:  # a NUL in the name
        raise BadSource(f"{path!s} is no file name: {error}.") from error


def _too_large(what: str, limit_bytes: int) -> TooLarge:
    return TooLarge(
        f"{what} has more than {limit_bytes / 1e6:g} MB, which is the limit.",
        hint="Split it, or raise PODCAST_SOURCE_LIMIT_BYTES for the services and for this command.",
    )


def _document(name: str, shown: str, data: bytes, limit_bytes: int, source_format: SourceFormat | None) -> Document:
    if len(data) > limit_bytes:
        raise _too_large(shown, limit_bytes)
    if not data.strip():
        raise BadSource(f"{shown} is empty.", hint="Give a document with text in it.")
    text = _as_text(data)
    kind = source_format or FORMAT_OF_SUFFIX.get(Path(name).suffix.lower()) or _guess(shown, name, data, text)
    if kind in _ZIPPED:
        if not zipfile.is_zipfile(io.BytesIO(data)):
            raise BadSource(
                f"{shown} is no {kind.upper()} file, or it is damaged.", hint="Get it again from where it came from."
            )
        text = None
    elif _is_binary(data):
        raise BadSource(f"{shown} is a binary file, not {kind}.", hint=_KNOWN)
    elif text is not None and not text.strip():
        raise BadSource(f"{shown} has no text in it.", hint="Give a document with text in it.")
    return Document(name if Path(name).suffix else f"{name}.{kind}", data, kind, text)


def _guess(shown: str, name: str, data: bytes, text: str | None) -> SourceFormat:
    """The format of a document whose name does not reveal it."""
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
        for kind, mark in (("epub", "META-INF/container.xml"), ("docx", "word/document.xml"), ("odt", "content.xml")):
            if mark in names:
                return kind  # type: ignore[return-value] # each is one of the formats
    if data.startswith(b"%PDF-"):
        raise BadSource(f"{shown} is a PDF file, which cannot be read.", hint="Convert it to EPUB, HTML or text first.")
    if data.startswith(b"{\\rtf"):
        return "rtf"
    if _is_binary(data):
        raise BadSource(f"{shown} is a binary file of no known format.", hint=_KNOWN)
    start = (text if text is not None else data[:_SNIFF_CHARACTERS].decode("latin-1"))[:_SNIFF_CHARACTERS].lstrip()
    if re.match(r"(?i)<!doctype html|<html[\s>]", start):
        return "html"
    suffix = Path(name).suffix
    if suffix and name != "stdin":
        raise BadSource(
            f"{shown} is of no known format ({suffix}).", hint=f"{_KNOWN} Say which it is with --source-format."
        )
    return "markdown" if re.search(r"(?m)^#{1,6} \S", start) else "text"


def _as_text(data: bytes) -> str | None:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _is_binary(data: bytes) -> bool:
    """Whether these bytes are not text in any usual encoding."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 begins with a byte order mark
        return False
    start = data[:_SNIFF_CHARACTERS]
    return b"\0" in start or sum(byte in _CONTROLS for byte in start) > _CONTROL_SHARE * len(start)
