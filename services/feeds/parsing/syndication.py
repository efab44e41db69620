"""RSS and Atom of every age, well-formed or not, with feedparser; it fetches nothing here. CPU-bound: for a worker."""

from __future__ import annotations

import calendar
import html
import io
import time
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from typing import Any, Final

import feedparser

from services.feeds.parsing import plain
from services.feeds.parsing.parsed import CATEGORIES_LIMIT, HTML_LIMIT_CHARACTERS, ParsedFeed, ParsedItem
from shared.client.feeds.model import ITEMS_READ_LIMIT

_MINUTE_SECONDS: Final = 60.0
_PLAIN: Final = "text/plain"
_LATEST_YEAR: Final = 9_999


def read(data: bytes, *, content_type: str, url: str) -> ParsedFeed | None:
    """The feed in a document; None if it is none.

    Args:
        data: the document.
        content_type: as the server sent it.
        url: where it is from, for relative addresses.
    """
    headers = {"content-location": url, "content-type": _as_xml(content_type)}
    # As a file: feedparser takes a text that looks like an address, or like a path, for one, and would open it.
    found: Any = feedparser.parse(
        io.BytesIO(data), response_headers=headers, sanitize_html=True, resolve_relative_uris=True
    )
    if not found.get("version") and not found.entries:
        return None
    about: Any = found.feed
    base = str(about.get("link") or "") or url
    language = plain.language(about.get("language"))
    items = tuple(once(_item(entry, base, language, own_url=url) for entry in found.entries[:ITEMS_READ_LIMIT]))
    return ParsedFeed(
        kind=str(found.get("version") or "unknown"),
        title=plain.plain_line(about.get("title")),
        ttl_seconds=_ttl(about.get("ttl")),
        items=items,
        left_out=max(0, len(found.entries) - ITEMS_READ_LIMIT),
    )


def _as_xml(content_type: str) -> str:
    """What feedparser is told of the type: from `text/xml`, or nothing, it concludes an encoding against the XML."""
    header = Message()
    header["content-type"] = content_type or "application/xml"
    charset = header.get_param("charset")
    return f"application/xml; charset={charset}" if isinstance(charset, str) else "application/xml"


def once(items: Iterable[ParsedItem]) -> Iterator[ParsedItem]:
    """Each item that has anything to say, once."""
    seen: set[str] = set()
    for item in items:
        if (item.title or item.html or item.link) and item.digest not in seen:
            seen.add(item.digest)
            yield item


def _item(entry: Mapping[str, Any], base: str, language: str, *, own_url: str) -> ParsedItem:
    markup, said = _longest(entry)
    guid = plain.name(entry.get("id"))
    # feedparser takes a guid for the address of the page if nothing says otherwise, also one that is no address.
    link = plain.address(entry.get("link"), base)
    if not guid.startswith(("http://", "https://")) and entry.get("guidislink") and link.endswith(guid):
        link = ""
    if link == own_url:
        link = ""  # what feedparser makes of an address that is none, such as `javascript:`
    return ParsedItem(
        guid=guid,
        link=link,
        title=plain.plain_line(entry.get("title")),
        author=plain.plain_line(entry.get("author")),
        html=markup,
        characters=len(plain.words_of(markup)),
        published=_moment(entry.get("published_parsed")) or _moment(entry.get("updated_parsed")),
        categories=_categories(entry.get("tags")),
        language=plain.language(said) or language,
    )


def _longest(entry: Mapping[str, Any]) -> tuple[str, object]:
    """The longest text that an item has, as markup, and its language: feeds have it as content, summary, or both."""
    texts: list[Mapping[str, Any]] = [part for part in entry.get("content") or () if isinstance(part, Mapping)]
    if isinstance(detail := entry.get("summary_detail"), Mapping):
        texts.append(detail)
    markup, said, most = "", None, 0
    for text in texts:
        value = text.get("value")
        if not isinstance(value, str) or str(text.get("type") or "").startswith(("image/", "audio/", "video/")):
            continue
        cut = plain.clean(value)[:HTML_LIMIT_CHARACTERS]
        shown = paragraphs(cut) if text.get("type") == _PLAIN else cut
        length = len(plain.words_of(shown))
        if length > most:
            markup, said, most = shown, text.get("language"), length
    return markup, said


def paragraphs(text: str) -> str:
    """Plain text as markup: what empty lines divide are paragraphs."""
    parts = [part.strip() for part in text.replace("\r\n", "\n").split("\n\n")]
    return "".join(f"<p>{html.escape(part)}</p>" for part in parts if part)


def _categories(tags: object) -> tuple[str, ...]:
    found: list[str] = []
    for tag in list(tags)[: 4 * CATEGORIES_LIMIT] if isinstance(tags, list) else []:
        if isinstance(tag, Mapping):
            found += [line for line in (plain.plain_line(tag.get("label")), plain.plain_line(tag.get("term"))) if line]
    return tuple(dict.fromkeys(found))[:CATEGORIES_LIMIT]


def _moment(parsed: object) -> float | None:
    """Seconds since the epoch; None if that is no time that a calendar has."""
    if not isinstance(parsed, time.struct_time) or not 0 < parsed.tm_year <= _LATEST_YEAR:
        return None
    try:
        moment = float(calendar.timegm(parsed))
    except (ValueError, OverflowError):
        return None
    return moment if moment >= 0 else None


def _ttl(value: object) -> float | None:
    try:
        minutes = float(str(value))
    except ValueError:
        return None
    return minutes * _MINUTE_SECONDS if 0 < minutes < 10**6 else None
