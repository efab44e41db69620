"""What strangers put into titles, names, reasons and texts to control the terminal on which they are shown."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

CORPUS: Final = {
    "clear screen": "\x1b[2J\x1b[H",
    "window title": "\x1b]0;pwned\x07",
    "hyperlink": "\x1b]8;;http://evil.example/\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "report": '\x1b[6n\x1bP$q"p\x1b\\',
    "C1 control sequence": "\x9b31mred",
    "C1 string": "\x9d0;pwned\x9c",
    "delete and backspace": "safe\x7f\x08\x08\x08\x08evil",
    "bell": "\x07",
    "null": "a\x00b",
    "carriage return": "honest\rforged",
    "forged line": "honest\npodcast: all is well",
    "vertical": "a\x0bb\x0cc",
    "next line": "a\x85b",
    "line separator": "a\u2028b\u2029c",
    "override": "exe.\u202egpj.mp3\u202c",
    "isolate": "\u2066a\u2069\u2067b\u2069",
    "marks": "\u200e\u200f\u061c",
    "byte order mark": "\ufeffa",
    "invisible": "pay\u200bpal\u2060\U000e0041",
    "half a pair": "\ud83d",
}
"""Name → text. Not every text can be in JSON or in a message; see `storable`."""
ALL: Final = "Title " + " ".join(CORPUS.values()) + " end"


_SEEN_OR_NEEDED: Final = re.compile(
    "[\u00ad\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u200c\u200d\U000110bd\U000110cd\U00013430-\U0001343f]"
)
"""Format characters that scripts need: hyphenation, signs around Arabic numbers, joiners, hieroglyphs."""


def storable(text: str = ALL) -> str:
    """The text without what UTF-8 cannot encode: that never gets into a message or the store."""
    return text.encode("utf-8", "ignore").decode()


def commands_in(shown: str, *, allowed: str = "\n") -> list[str]:
    """The characters of an output that a terminal obeys or a reader does not see, by name; [] if it is plain text."""
    return [
        f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
        for character in shown
        if character not in allowed
        and (
            unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
            or (unicodedata.category(character) == "Cf" and not _SEEN_OR_NEEDED.match(character))
        )
    ]
