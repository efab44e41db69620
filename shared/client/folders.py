"""A folder of documents, packed as one: what the chunker reads as a book with a chapter a file."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from shared.client.documents import of_suffix, too_large
from shared.errors import BadSource, TooLarge

FILES_LIMIT: Final = 1_000
"""As many documents as the chunker takes."""
_LOOKED_AT_LIMIT: Final = 100_000
"""A folder with more files is not a book: somebody has named their home."""
_MADE: Final = (1980, 1, 1, 0, 0, 0)
"""The same folder is the same archive, whenever its files were written."""


def folder(path: Path, *, limit_bytes: int) -> bytes:
    """The documents in a folder and the folders in it, as a zip archive. Reads files, so it is for a thread.

    What is hidden, is linked to, or has no name of a document is left out.

    Args:
        path: the folder.
        limit_bytes: of the archive.

    Raises:
        BadSource: there is no document in it, or one cannot be read.
        TooLarge: it has too many documents, or they are too large.
    """
    made = io.BytesIO()
    count = 0
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _documents(path):
            count += 1
            if count > FILES_LIMIT:
                raise TooLarge(
                    f"{path} has more than {FILES_LIMIT:,} documents, which is the limit.",
                    hint="Give one of its folders.",
                )
            try:
                # Text packs to a third; a file far over the limit is not even read.
                if file.stat().st_size > 10 * limit_bytes:
                    raise too_large(str(path), limit_bytes)
                data = file.read_bytes()
            except OSError as error:
                raise BadSource(
                    f"{file} cannot be read: {error.strerror or error}.", hint="Check its permissions."
                ) from error
            archive.writestr(zipfile.ZipInfo(file.relative_to(path).as_posix(), _MADE), data, zipfile.ZIP_DEFLATED)
            if made.tell() > limit_bytes:
                raise too_large(str(path), limit_bytes)
    if not count:
        raise BadSource(f"There is no document in {path}.", hint="Give a folder with texts, web pages, books or PDFs.")
    return made.getvalue()


def _documents(path: Path) -> Iterator[Path]:
    looked_at = 0

    def refuse(error: OSError) -> None:
        raise BadSource(f"{error.filename} cannot be read: {error.strerror}.", hint="Check its permissions.") from error

    for where, folders, files in os.walk(path, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            looked_at += 1
            if looked_at > _LOOKED_AT_LIMIT:
                raise TooLarge(f"{path} has more than {_LOOKED_AT_LIMIT:,} files.", hint="Give one of its folders.")
            file = Path(where, name)
            known = of_suffix(file)
            is_document = (known is not None and known != "zip") or (not file.suffix and name.isupper())
            if is_document and not name.startswith(".") and file.is_file() and not file.is_symlink():
                yield file
