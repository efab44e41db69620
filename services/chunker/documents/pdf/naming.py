"""Title and author: what the file says, unless it is rubbish; else the largest text at the beginning."""

from __future__ import annotations

import re
from typing import Final

from services.chunker.documents.pdf.measures import Measures
from services.chunker.documents.pdf.passages import Joining, Passage

_LONGEST_CHARACTERS: Final = 300
_FIRST_PAGES: Final = 2
_RUBBISH = re.compile(
    r"(?:microsoft (?:word|powerpoint|excel|office \w+)\s*-\s*.*"
    r"|(?:untitled|unbenannt|sans titre|sin t\u00edtulo|senza titolo|no title|title|titel)\W*\d*"
    r"|(?:document|dokument|(?:powerpoint.)?(?:presentation|pr\u00e4sentation)|slide|folie|layout|print)\s*\d*"
    r"|[^\s]+\.(?:docx?|tex|dvi|ps|pdf|odt|indd|qxd|qxp|rtf|html?|txt|pptx?|xlsx?|fm|pmd|pub|wpd|eps|md|rst|texi?|xml)"
    r"|.{0,200}\.(?:docx?|tex|dvi|indd|qxd|pmd|fm)|(?:file|https?|ftp)://.*|/\S*|[a-z]:\\.*|about:blank|[\W\d_]*)",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"(?:user|admin\w*|administrator|author|owner|default|unknown|anonymous|root|\w?user\d*|hp|dell|acer|pc|test|latex|tex|.*@.*\.local|microsoft.*|[\W\d_]*)",
    re.IGNORECASE,
)
_HEX_TITLE = re.compile(r"<[0-9a-f\s]+>", re.IGNORECASE)


def title(stated: str, parts: list[Passage], measures: Measures, joining: Joining) -> tuple[str | None, Passage | None]:
    """The title, and the part that it stands in, if it is in the text.

    Args:
        stated: what the metadata says.
        parts: of the document.
        measures: of the document.
        joining: joins lines.
    """
    usable = bool(stated) and not _RUBBISH.fullmatch(stated) and not _HEX_TITLE.fullmatch(stated)
    early = [part for part in parts if part.first.page < _FIRST_PAGES and part.kind in {"heading", "text"}]
    if usable:
        wanted = _key(stated)
        standing = next((part for part in early if _key(joining.text(part.lines)) == wanted), None)
        return stated, standing
    if not early:
        return None, None
    first_page = min(part.first.page for part in early)
    candidates = [part for part in early if part.first.page == first_page]
    largest = max(candidates, key=lambda part: round(part.first.size, 1))
    text = joining.text(largest.lines)
    is_larger = largest.first.size >= 1.08 * measures.size
    if not is_larger or len(text) > _LONGEST_CHARACTERS or not any(map(str.isalpha, text)):
        return None, None
    return text, largest


def bylines(stated: str, parts: list[Passage]) -> None:
    """Names of the authors below the title are no headings."""
    names = _key(stated)
    for part in parts if len(names) > 3 else ():
        if part.kind == "heading" and part.first.page < _FIRST_PAGES and not part.title:
            words = _key(" ".join(line.text for line in part.lines))
            if words in names or names in words:
                part.kind = "text"


def author(stated: str) -> str | None:
    """The author, if the metadata names a person and not an account."""
    return stated if stated and not _NOBODY.fullmatch(stated) else None


def _key(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
