"""Makes strangers' text safe to display: it must not control the terminal or forge a line of output.

A title, a server's response or a file name can hold escape sequences (which repaint the screen, change its title or
fill the clipboard), line ends (which forge output), and characters that reverse or hide what follows.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

_UNSAFE: Final = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: \x9b alone begins a control sequence
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # writing direction: can hide how a name ends
    "\u2028\u2029"  # line and paragraph separators
    "\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb"  # invisible
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"  # invisible
    "\ud800-\udfff"  # lone surrogates: cannot be encoded, but occur in file names that are not UTF-8
)
"""Joiners (U+200C, U+200D) are not among them: Persian, Hindi and emoji need them."""

_IN_A_LINE: Final = re.compile(f"[{_UNSAFE}]")
_IN_A_TEXT: Final = re.compile(f"(?![\n\t])[{_UNSAFE}]")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str, *, keep_newlines: bool = False) -> str:
    r"""The text with control and invisible characters escaped, as in `\x1b` or `\u202e`.

    Args:
        text: from anyone.
        keep_newlines: keep line ends and tabs; otherwise they are escaped too, so that the result is one line.
    """
    if keep_newlines:
        return _IN_A_TEXT.sub(_escape, text.replace("\r\n", "\n"))
    return _IN_A_LINE.sub(_escape, text)


def one_line(text: str) -> str:
    """The text on one line: any run of white space becomes a single space, the rest is as in `printable`."""
    return printable(" ".join(text.split()))


def shortened(text: str, width: int) -> str:
    """The text in at most `width` characters; an ellipsis marks what was cut."""
    return text if len(text) <= width else text[: max(width - 1, 0)].rstrip() + "…"


def json_text(document: Any, *, indent: int | None = 2) -> str:
    r"""JSON that is safe to show on a terminal: only what `printable` escapes is written as `\u…`.

    Parsing it gives the document back unchanged.
    """
    return json_escaped(json.dumps(document, ensure_ascii=False, indent=indent))


def json_escaped(text: str) -> str:
    r"""JSON text in which what `printable` escapes is `\u…`; such characters only occur inside its strings."""
    return _IN_A_TEXT.sub(_json_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code <= 0xFF:  # noqa: PLR2004 - two digits are enough
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - as above


def _json_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code <= 0xFFFF:  # noqa: PLR2004 - JSON writes anything above it as a surrogate pair
        return f"\\u{code:04x}"
    return json.dumps(found[0])[1:-1]
