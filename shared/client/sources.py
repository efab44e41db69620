"""SOURCE on the command line: what it is, and whether it can be read at all, before anything is started.

A file, a folder, an http(s) address or `-`.
"""

from __future__ import annotations

import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from shared.client.documents import FORMATS, Document, document, too_large
from shared.client.folders import folder
from shared.errors import BadSource
from shared.protocol.messages import SourceFormat

__all__ = ["FORMATS", "Address", "Document", "address", "find"]


@dataclass(frozen=True)
class Address:
    """A page or document that the chunker will fetch."""

    url: str
    format: SourceFormat | None


def find(source: str, *, limit_bytes: int, source_format: SourceFormat | None = None) -> Document | Address:
    """Resolve SOURCE. A file or stdin is read, up to `limit_bytes`.

    Args:
        source: a file, a folder of documents, an http(s) address, or `-` for stdin.
        limit_bytes: the largest document that is accepted.
        source_format: the format according to the caller; None: by name, then by content.

    Raises:
        BadSource: it cannot be read, is empty, or has no known format.
        TooLarge: it is over the limit.
    """
    if source == "-":
        text = sys.stdin.buffer.read(limit_bytes + 1)
        return document("stdin", text, limit_bytes=limit_bytes, source_format=source_format, shown="The text on stdin")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", source) and not Path(source).exists():
        return address(source, source_format)
    path = Path(source)
    if path.is_dir():
        packed = folder(path, limit_bytes=limit_bytes)
        name = f"{path.resolve().name or 'folder'}.zip"
        return document(name, packed, limit_bytes=limit_bytes, source_format="zip", shown=str(path))
    # The whole file is taken into memory, since it may be changed before it is in the store.
    data = _read(path, limit_bytes)
    return document(path.name, data, limit_bytes=limit_bytes, source_format=source_format, shown=str(path))


def address(source: str, source_format: SourceFormat | None = None) -> Address:
    """The http(s) address that somebody gave.

    Raises:
        BadSource: it is none.
    """
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
        if stat.S_ISREG(status.st_mode) and status.st_size > limit_bytes:
            raise too_large(str(path), limit_bytes)
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
