"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/). Lenient: a wrong field is a missing one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from services.feeds.parsing import plain, syndication
from services.feeds.parsing.parsed import CATEGORIES_LIMIT, HTML_LIMIT_CHARACTERS, ParsedFeed, ParsedItem
from shared.client.feeds.model import ITEMS_READ_LIMIT

_VERSION: Final = "jsonfeed.org/version/1"
_BEGINNINGS: Final = (b"{", b"\xef\xbb\xbf{")


def read(data: bytes, *, url: str) -> ParsedFeed | None:
    """The feed in a document; None if it is no JSON Feed.

    Args:
        data: the document.
        url: where it is from, for relative addresses.
    """
    if not data.lstrip()[:4].startswith(_BEGINNINGS):
        return None
    try:
        document: Any = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, Mapping) or _VERSION not in str(document.get("version")):
        return None
    entries = [entry for entry in _list(document.get("items")) if isinstance(entry, Mapping)]
    language = plain.language(document.get("language"))
    base = plain.address(document.get("home_page_url"), url) or url
    return ParsedFeed(
        kind="jsonfeed",
        title=plain.plain_line(document.get("title")),
        ttl_seconds=None,
        items=tuple(syndication.once(_item(entry, base, language) for entry in entries[:ITEMS_READ_LIMIT])),
        left_out=max(0, len(entries) - ITEMS_READ_LIMIT),
    )


def _item(entry: Mapping[str, Any], base: str, language: str) -> ParsedItem:
    markup = _text(entry)
    authors = [*_list(entry.get("authors")), entry.get("author")]
    names = [plain.plain_line(author.get("name")) for author in authors if isinstance(author, Mapping)]
    return ParsedItem(
        guid=plain.name(entry.get("id")),
        link=plain.address(entry.get("url"), base) or plain.address(entry.get("external_url"), base),
        title=plain.plain_line(entry.get("title")),
        author=", ".join(dict.fromkeys(name for name in names if name))[:500],
        html=markup,
        characters=len(plain.words_of(markup)),
        published=_moment(entry.get("date_published")) or _moment(entry.get("date_modified")),
        categories=tuple(tag for tag in map(plain.plain_line, _list(entry.get("tags"))) if tag)[:CATEGORIES_LIMIT],
        language=plain.language(entry.get("language")) or language,
    )


def _text(entry: Mapping[str, Any]) -> str:
    marked, unmarked = entry.get("content_html"), entry.get("content_text") or entry.get("summary")
    if isinstance(marked, str) and marked.strip():
        return plain.clean(marked)[:HTML_LIMIT_CHARACTERS]
    return syndication.paragraphs(plain.clean(unmarked)[:HTML_LIMIT_CHARACTERS]) if isinstance(unmarked, str) else ""


def _moment(value: object) -> float | None:
    """Seconds since the epoch of a time by RFC 3339; None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip().replace("Z", "+00:00").replace("z", "+00:00"))
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if seconds >= 0 else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
