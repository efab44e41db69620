"""A document on its way from one worker to the next."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Self

from services.chunker.documents.document import Document


@dataclass(frozen=True, slots=True)
class Packed:
    """A document as a worker returns it, pickled: unpickling a book would block the event loop for too long.

    Attributes:
        data: the pickled document.
        characters: `Document.characters`.
    """

    data: bytes
    characters: int

    @classmethod
    def of(cls, document: Document) -> Self:
        """Pack a document."""
        return cls(pickle.dumps(document, pickle.HIGHEST_PROTOCOL), document.characters)

    def document(self) -> Document:
        """Unpack it; call this in a worker if it may be long."""
        document: Document = pickle.loads(self.data)  # noqa: S301 - our own worker wrote it
        return document
