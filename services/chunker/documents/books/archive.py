"""The files of a book, found whatever the case, the escapes and the slashes of their names are."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from typing import Final
from urllib.parse import unquote

from services.chunker.documents.books import markup
from services.chunker.documents.books.repairs import Repairs
from shared.errors import BadSource

_FONTS: Final = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})
"""Ways of hiding fonts that every reader undoes; no text is encrypted by them."""
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_UNREADABLE: Final = (KeyError, zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError)


class Archive:
    """A book's files.

    Args:
        data: a zip file that was examined before (`archives.inflated_bytes`).
        repairs: collects what names had to be corrected.
    """

    def __init__(self, data: bytes, repairs: Repairs) -> None:
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self._repairs = repairs
        self.names = [info.filename for info in self._zip.infolist() if not info.is_dir()]
        self._exact = set(self.names)
        self._folded: dict[str, str] = {}
        self._by_last_part: dict[str, list[str]] = {}
        for name in self.names:
            self._folded.setdefault(_folded(name), name)
            self._by_last_part.setdefault(_folded(name).rpartition("/")[2], []).append(name)

    def find(self, reference: str, *, beside: str = "") -> str | None:
        """The name of the file that a reference in another file leads to; None if there is none.

        Args:
            reference: as it stands there; a fragment is ignored.
            beside: the file in which it stands; "": the root.
        """
        path = reference.partition("#")[0]
        folder = posixpath.dirname(beside)
        for each in (path, unquote(path)):
            joined = posixpath.normpath(posixpath.join(folder, each)) if each else ""
            if joined in self._exact:
                return joined
        if not path.strip():
            return None
        wanted = unquote(path).replace("\\", "/").strip()
        is_absolute = wanted.startswith("/") or _SCHEME.match(wanted) is not None
        wanted = _SCHEME.sub("", wanted, count=1).lstrip("/")
        joined = posixpath.normpath(posixpath.join(folder, wanted))
        for each in dict.fromkeys((joined, wanted)):
            if found := self._folded.get(_folded(each)):
                self._repairs.add(
                    "Absolute addresses were read as files of the book"
                    if is_absolute
                    else "File names were written in another way than in the archive",
                    reference,
                )
                return found
        same = self._by_last_part.get(_folded(wanted).rpartition("/")[2], [])
        if len(same) == 1:
            self._repairs.add("Files were found in another folder than the one named", reference)
            return same[0]
        return None

    def read(self, name: str) -> bytes:
        """A file.

        Raises:
            BadSource: it cannot be unpacked.
        """
        try:
            return self._zip.read(name)
        except _UNREADABLE as error:
            raise BadSource(
                f"The EPUB is broken: {name[-80:]} cannot be unpacked.",
                hint="Download or export it again, and check that a reader opens it.",
            ) from error

    def encrypted(self) -> set[str]:
        """The files that are encrypted; not fonts that are only hidden."""
        stated = [name for name in self.names if _folded(name).endswith("meta-inf/encryption.xml")]
        name = next(iter(stated), None)
        root = markup.parsed(markup.text_of(self.read(name))) if name else None
        found: set[str] = set()
        for each in markup.all_in(root, "encrypteddata") if root is not None else []:
            methods = {markup.attribute(method, "algorithm") for method in markup.all_in(each, "encryptionmethod")}
            if methods and methods <= _FONTS:
                continue
            paths = (self.find(markup.attribute(of, "uri")) for of in markup.all_in(each, "cipherreference"))
            found.update(path for path in paths if path)
        return found


def _folded(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()
