"""What is done to a markup so that pandoc reads it as the markup's own tools do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from services.chunker.documents import asciidoc, dokuwiki, entities, yard
from shared.protocol.messages import SourceFormat


def _with_entities(text: str) -> tuple[str, tuple[str, ...]]:
    return entities.spelled_out(text), ()


def _with_title(mark: str, text: str) -> tuple[str, tuple[str, ...]]:
    return yard.with_title(text, mark), ()


PREPARED: Final[dict[SourceFormat, Callable[[str], tuple[str, tuple[str, ...]]]]] = {
    "asciidoc": asciidoc.without_directives,
    "dokuwiki": dokuwiki.without_macros,
    "docbook": _with_entities,
    "jats": _with_entities,
    "markdown": partial(_with_title, "#"),
    "textile": partial(_with_title, "h1."),
}
"""Format → what makes of a text the one for pandoc, and a list of what of it is not read."""
