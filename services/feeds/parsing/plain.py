"""Plain text and addresses out of what a feed has. Pure."""

from __future__ import annotations

import html
import re
from typing import Final
from urllib.parse import urljoin, urlsplit

from lxml import etree
from lxml import html as lxml_html

from services.feeds.parsing.parsed import NAME_LIMIT_CHARACTERS, TITLE_LIMIT_CHARACTERS
from shared.protocol.narration import LANGUAGE_LIMIT_CHARACTERS, LANGUAGE_PATTERN

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_UNSPOKEN: Final = ("script", "style", "template", "noscript", "iframe", "object")
_MARKUP: Final = re.compile(r"[<&]")


def clean(text: str) -> str:
    """Text that XML, JSON and UTF-8 can hold."""
    return _CONTROLS.sub("", text)


def words_of(markup: str) -> str:
    """The text of some markup, with single spaces; what a browser does not show is left out."""
    markup = clean(markup)
    if not markup.strip():
        return ""
    if not _MARKUP.search(markup):
        return " ".join(markup.split())
    try:
        root = lxml_html.fragment_fromstring(markup, create_parent="div")
    except (etree.ParserError, ValueError):
        return ""
    for element in list(root.iter(*_UNSPOKEN)):
        element.drop_tree()
    return " ".join(" ".join(str(part) for part in root.itertext()).split())


def plain_line(value: object) -> str:
    """One line of plain text; "" if it is none."""
    if not isinstance(value, str):
        return ""
    # Titles are escaped once or twice, or not at all; what is left of an entity would be spoken.
    unescaped = clean(html.unescape(words_of(value[: 8 * TITLE_LIMIT_CHARACTERS])))
    return " ".join(unescaped.split())[:TITLE_LIMIT_CHARACTERS].strip()


def name(value: object) -> str:
    """A guid as it is, without what no text can hold; "" if it is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return ""
    cleaned = clean(value).strip()
    if len(cleaned) > NAME_LIMIT_CHARACTERS:
        return f"{cleaned[:NAME_LIMIT_CHARACTERS]}…{len(cleaned)}"
    return cleaned


def address(value: object, base: str) -> str:
    """An absolute http(s) address; "" if it is none."""
    if not isinstance(value, str) or len(value) > NAME_LIMIT_CHARACTERS:
        return ""
    try:
        joined = urljoin(base, "".join(clean(value).split()))
        parts = urlsplit(joined)
        is_one = bool(value.strip()) and parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return ""
    return joined if is_one else ""


def language(value: object) -> str:
    """A language tag; "" if it is none."""
    tag = value.strip().replace("_", "-") if isinstance(value, str) else ""
    return tag if len(tag) <= LANGUAGE_LIMIT_CHARACTERS and re.fullmatch(LANGUAGE_PATTERN, tag) else ""
