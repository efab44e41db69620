"""Show notes: an episode's summary, chapters and link as HTML, and text as XML can hold it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape as html_escape
from typing import Final

from lxml import etree, html
from lxml.html import builder

CHAPTERS_LIMIT: Final = 200
"""Chapters that the notes of an episode list; the chapters file has all."""
_LINE_LIMIT_CHARACTERS: Final = 255
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0, 2.2: what is no character of a document."""
_MARKUP: Final = re.compile(r"<|&(?=#?\w+;)")
"""What a reader of HTML takes for a tag or a character reference; other ampersands it shows as they are."""
_HALF_A_REFERENCE: Final = re.compile(r"&#?\w*…$")
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}]")


@dataclass(frozen=True)
class NotedChapter:
    """A chapter of an episode.

    Attributes:
        start_seconds: where it begins.
        title: its title.
    """

    start_seconds: float
    title: str


def plain(text: str) -> str:
    """The text without what XML cannot hold."""
    return _NOT_XML.sub("", text)


def cut(text: str, limit_bytes: int) -> str:
    """The text, cut at a character so that it has at most so many bytes."""
    encoded = plain(text).encode()
    return plain(text) if len(encoded) <= limit_bytes else encoded[: limit_bytes - 3].decode(errors="ignore") + "…"


def on_a_line(text: str) -> str:
    """The text as PSP-1 wants the values of elements: at most 255 characters, no spaces around it."""
    found = plain(text).strip()
    return found if len(found) <= _LINE_LIMIT_CHARACTERS else f"{found[: _LINE_LIMIT_CHARACTERS - 1].rstrip()}…"


def described(text: str, limit_bytes: int) -> str:
    """The text as RSS has descriptions, which are HTML: what looks like markup is escaped; cut as by `cut`."""
    return _HALF_A_REFERENCE.sub("…", cut(_MARKUP.sub(_escaped, text), limit_bytes))


def _escaped(found: re.Match[str]) -> str:
    return html_escape(found[0], quote=False)


def chapters_in(document: bytes) -> tuple[NotedChapter, ...]:
    """The first chapters of a chapters file of ours; none if it is not one."""
    try:
        found = json.loads(document)["chapters"]
        return tuple(
            NotedChapter(max(0.0, float(one["startTime"])), " ".join(str(one.get("title", "")).split()))
            for one in found[:CHAPTERS_LIMIT]
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return ()


def as_html(summary: str, chapters: Sequence[NotedChapter], *, link: str | None) -> str:
    """The notes: a paragraph a paragraph of the summary, with its addresses as links, then chapters and source."""
    parts = [_paragraph(part) for part in re.split(r"\n\s*\n", plain(summary).strip()) if part.strip()]
    if len(chapters) > 1:
        parts.append(builder.P("Chapters:"))
        parts.append(
            builder.UL(*(builder.LI(plain(f"{clock(one.start_seconds)} {one.title}".strip())) for one in chapters))
        )
    if link is not None:
        parts.append(builder.P("Source: ", _anchor(link)))
    return "".join(html.tostring(part, encoding="unicode") for part in parts).replace("]]>", "]]&gt;")


def clock(seconds: float) -> str:
    """`1:02:03` or `02:03`."""
    whole = int(seconds)
    hours, minutes = whole // 3_600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes:02}:{whole % 60:02}"


def _paragraph(text: str) -> etree._Element:
    paragraph: etree._Element = builder.P()
    paragraph.text = ""
    last: etree._Element | None = None

    def add(words: str) -> None:
        if last is None:
            paragraph.text = (paragraph.text or "") + words
        else:
            last.tail = (last.tail or "") + words

    at = 0
    for found in _ADDRESS.finditer(text):
        add(text[at : found.start()])
        last = _anchor(found[0])
        paragraph.append(last)
        at = found.end()
    add(text[at:])
    return paragraph


def _anchor(address: str) -> etree._Element:
    anchor: etree._Element = builder.A(address, href=address, rel="nofollow")
    return anchor
