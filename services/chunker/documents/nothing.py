"""A document of nothing but what a narrator leaves out, such as a table: what it has is read, rather than refused.

Every other reader would show it. Only code is not read without being asked for: nobody can listen to it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from services.chunker.documents.document import Document
from services.chunker.documents.packed import Packed
from shared.errors import BadSource
from shared.protocol.narration import KINDS, Narration

_ALL_OF_IT: Final = "A narrator would read nothing of it, so what is otherwise left out is read."
_OF_PICTURES: Final = "Look whether the text is really in it: a scanned page, for instance, is a picture."
_OF_CODE: Final = "Code is read on request: --also code, or `narration.code`."


class NothingToSpeak(BadSource):
    """There is nothing in a document that would be read."""


def nothing_to_speak(document: Document) -> NothingToSpeak:
    """The error for a document without anything that is read."""
    kinds = {omission.kind for omission in document.omissions}
    only = ", ".join(sorted(kinds))
    return NothingToSpeak(
        f"There is nothing to speak in the source{f', only: {only}' if only else ''}.",
        hint=_OF_CODE if "code" in kinds else _OF_PICTURES,
    )


def whole_narration(narration: Narration) -> Narration:
    """The same with all kinds but code, unless the job says that one of them is not read."""
    more: dict[str, Any] = {kind: True for kind in KINDS if kind != "code" and getattr(narration, kind) is None}
    return narration if narration.read == "everything" else narration.model_copy(update=more)


def with_all_of_it_said(packed: Packed) -> Packed:
    """The document, which tells that more of it is read than a narrator would."""
    document = packed.document()
    told = Packed.of(replace(document, repairs=(*document.repairs, _ALL_OF_IT)))
    return replace(told, picture=packed.picture)
