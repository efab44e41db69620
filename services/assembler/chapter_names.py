"""File names of chapters: `01 Title.mp3`. Valid on Windows, macOS and Linux, and on memory cards (exFAT). Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

_LEAST_DIGITS: Final = 2
_TITLE_LIMIT_BYTES: Final = 120
"""File systems allow 255 bytes (encrypted ones 143), and macOS stores marks apart from their letters."""
_FORBIDDEN: Final = frozenset('<>:"/\\|?*')
"""On Windows and exFAT, as are control characters."""
_JOINERS: Final = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""They are part of the spelling in several scripts."""
_UNTITLED: Final = "Chapter"


def unique(titles: Sequence[str], *, suffix: str) -> list[str]:
    """A name for each title. The number keeps them apart and in order, and none is a name that Windows reserves."""
    digits = max(_LEAST_DIGITS, len(str(len(titles))))
    return [f"{number:0{digits}} {_safe(title)}{suffix}" for number, title in enumerate(titles, 1)]


def _safe(title: str) -> str:
    """A title without what file systems forbid or nobody can see (controls, directional marks, surrogates)."""
    kept = "".join(map(_kept, unicodedata.normalize("NFC", title)))
    name = " ".join(kept.encode()[:_TITLE_LIMIT_BYTES].decode(errors="ignore").split())
    # Windows drops a full stop or space at the end of a name; the name may be used without its suffix.
    return name.rstrip(". ") or _UNTITLED


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":
        return character if character in _JOINERS else ""
    return " " if character in _FORBIDDEN or category[0] in "CZ" else character
