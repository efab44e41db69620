"""Marks that nobody reads aloud: citations, marks of footnotes, trade marks, emoji."""

from __future__ import annotations

import re

from services.chunker.wording.language import Language
from services.chunker.wording.notes import Notes

_CITATIONS = re.compile(
    r"(?: ?\[(?:\d{1,3}(?: ?[,;\u2013-] ?\d{1,3}){0,20}|[a-z]|note \d{1,3}|citation needed)\]){1,20}+(?![(\w])",
    re.IGNORECASE,
)
_LABEL = (
    r"(?!(?:AMD|ARM|BCP|CVE|IEEE|INT|ISO|MIPS|PPC|RFC|SHA|STD|UTF|WIN)\d)"
    r"[A-Z][A-Za-z+]{1,7}(?:(?:19|20)\d\d|\d\d)[a-z]?"
)
_LABELS = re.compile(rf"(?: ?(?<![\w\]])\[{_LABEL}(?:[,;] ?{_LABEL}){{0,10}}\]){{1,10}}+(?![(\w])")
"""The names of references in papers, of an author and a year: [Knu68, LAR88a]."""
_SUPERSCRIPT = "[\u00b9\u00b2\u00b3\u2070-\u2079]{1,3}(?!\\w)"
_FOOTNOTE_MARKS = re.compile(
    rf"(?<=[^\W\d_][^\W\d_])(?<!mm)(?<!cm)(?<!dm)(?<!km)(?<!ft)(?<!in)(?<!yd)(?<!mi){_SUPERSCRIPT}"  # word¹, but not x²
    rf"|(?<=[.,;:!?\u201d\"\u00bb)]){_SUPERSCRIPT}"
    "|[\u2020\u2021\u00b6\u00ae\u2122\u2120]"  # daggers, pilcrow, trade marks
    r"|(?<=[\w.!?])\*{1,3}(?=[\s.,;:!?)]|$)"
)
_EMOJI = re.compile(
    "(?:["
    "\U0001f000-\U0001faff"
    "\u231a\u231b\u23e9-\u23fa\u2600-\u2638\u263c-\u263f\u2641\u2643-\u266c\u2670-\u26ff\u2701-\u2712\u2714-\u27bf\u2b05-\u2b55"
    "][\ufe0e\ufe0f\u200d\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*+)++"
)
_SELECTORS = re.compile("[\ufe00-\ufe0f\u20e3]")


def leave_out(text: str, language: Language, notes: Notes) -> str:
    """Leave out citations, marks of footnotes and emoji."""
    del language
    if "[" in text:
        text = _CITATIONS.sub(
            lambda found: notes.leave_out("citation", "a mark of a reference", found[0].strip()), text
        )
        text = _LABELS.sub(lambda found: notes.leave_out("citation", "a mark of a reference", found[0].strip()), text)
    text = _FOOTNOTE_MARKS.sub("", text)
    if not text.isascii():
        text = _EMOJI.sub(lambda found: notes.leave_out("emoji", "a picture among the words", found[0]), text)
        text = _SELECTORS.sub("", text)
    return text
