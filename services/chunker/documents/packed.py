"""A document on its way from one worker to the next."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Self

from services.chunker.documents.document import Document


@dataclass(frozen=True, slots=True)
class Picture:
    """What may become the cover: a file that was inside the document, or the address that a page names.

    Attributes:
        data: the file as it stands there, unchecked; empty: it has to be fetched.
        address: as the page has it, perhaps relative; empty: it is in `data`.
        is_stated: the document calls it its cover; one that is only a view of the first page is not missed.
    """

    data: bytes = b""
    address: str = ""
    is_stated: bool = True


@dataclass(frozen=True, slots=True)
class Packed:
    """A document as a worker returns it, pickled: unpickling a book would block the event loop for too long.

    Attributes:
        data: the pickled document.
        characters: `Document.characters`.
        picture: for the cover; kept apart from the text, so that its size allows the text no more CPU time.
    """

    data: bytes
    characters: int
    picture: Picture | None = None

    @classmethod
    def of(cls, document: Document) -> Self:
        """Pack a document."""
        return cls(pickle.dumps(document, pickle.HIGHEST_PROTOCOL), document.characters)

    def document(self) -> Document:
        """Unpack it; call this in a worker if it may be long."""
        document: Document = pickle.loads(self.data)  # noqa: S301 - our own worker wrote it
        return document
