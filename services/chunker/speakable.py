"""What is spoken: the normalised text, which is exactly the sum of the chunks.

Pure. The character classes are written out rather than taken from `unicodedata`, whose tables differ between Python
versions: the same text must give the same audio keys on all of them.
"""

from __future__ import annotations

import re
import unicodedata

import regex

UNSPEAKABLE_RUN_LIMIT_CHARACTERS = 16
"""A longer run without a letter or a digit is decoration: dot leaders, rules, rows of emoji.

Less than half of the smallest chunk limit (40), so that every cut can leave something to speak on both sides.
"""

_SILENT = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls that are not white space
    "\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e"  # soft hyphen, Arabic letter mark, fillers, Mongolian separator
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"  # zero-width space, bidi controls, joiners, BOM
    "\ufff0-\ufffb\ufffe\uffff"  # interlinear annotation, noncharacters
    "\ud800-\udfff"  # lone surrogates
    "\ue000-\uf8ff"  # private use: icons of web fonts
    "\U000f0000-\U0010ffff"  # private use, planes 15 and 16
    "]+"
)
_JOINERS_AT_EDGES = re.compile("(?:(?<=\\s)|^)[\u200c\u200d]++|(?<![\u200c\u200d])[\u200c\u200d]++(?=\\s|$)")
"""ZWNJ and ZWJ shape a word or an emoji from inside; next to white space they do nothing. Each run is examined once."""

MARKS_LIMIT = 30
"""Combining marks on one letter; more are noise, and the time to sort them grows with the square of their number.
The limit is that of Unicode's stream-safe text (UAX 15), which no language comes near."""

_MARKS = regex.compile(rf"(?<=\p{{M}}{{{MARKS_LIMIT}}})\p{{M}}++")

SPEAKABLE = re.compile(r"[^\W_]")
"""A letter or a digit of any script."""

_LONG_UNSPEAKABLE_RUN = re.compile(rf"[\W_]{{{UNSPEAKABLE_RUN_LIMIT_CHARACTERS + 1},}}")

FEWEST_WORDS = 5
"""A text of fewer words is short: engines clip or garble it."""

IDEOGRAPHS = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Kana and ideographs. Nothing separates words there, so each counts as one."""

_ENOUGH_WORDS = re.compile(
    rf"(?:[\W_]*+(?:[{IDEOGRAPHS}]|(?![{IDEOGRAPHS}])[^\W_][^\s{IDEOGRAPHS}]*+)){{{FEWEST_WORDS}}}"
)
"""Possessive, so that a text is scanned once."""


def normalise(text: str) -> str:
    """The text as it is spoken: composed (NFC), with white space collapsed, without unspeakable characters.

    Controls, zero-width and directional marks, private-use characters and noncharacters are removed. ZWJ, ZWNJ and
    variation selectors stay inside words and emoji, where they change what is read. Idempotent.
    """
    kept = _without_noise(_JOINERS_AT_EDGES.sub("", _SILENT.sub("", text)))
    return " ".join(_without_noise(unicodedata.normalize("NFC", kept)).split())


def _without_noise(text: str) -> str:
    """At most `MARKS_LIMIT` combining marks in a row."""
    return text if text.isascii() else _MARKS.sub("", text)


def leave_out_decoration(text: str) -> tuple[str, list[str]]:
    """Remove long runs without a letter or a digit from a normalised text.

    Returns:
        The text with a space for each run, collapsed; and the runs. Without a letter or digit: "" and the whole text.
    """
    if not SPEAKABLE.search(text):
        return "", [text] if text else []
    runs = [run.strip() for run in _LONG_UNSPEAKABLE_RUN.findall(text)]
    return (normalise(_LONG_UNSPEAKABLE_RUN.sub(" ", text)), runs) if runs else (text, [])


def end_of_fewest_words(text: str, start: int, end: int) -> int | None:
    """Where the fifth word of `text[start:end]` ends, or None if there are fewer."""
    found = _ENOUGH_WORDS.match(text, start, end)
    return found.end() if found else None
