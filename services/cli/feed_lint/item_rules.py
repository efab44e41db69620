"""Rules about an episode, and about all episodes of a feed together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree

from services.cli.feed_lint import values
from services.cli.feed_lint.channel_rules import once
from services.cli.feed_lint.findings import ITUNES, Report, children, is_url, name, quoted, text

_SUFFIXES: Final = {
    "audio/mpeg": ("mp3",),
    "audio/x-m4a": ("m4a",),
    "audio/mp4": ("m4a", "mp4"),
    "audio/m4a": ("m4a",),
    "video/m4v": ("m4v",),
    "video/mp4": ("mp4",),
    "video/x-m4v": ("m4v",),
    "video/quicktime": ("mov",),
    "application/pdf": ("pdf",),
    "audio/aac": ("aac",),
}
"""Types that Apple plays or PSP-1 names, and their suffixes."""
_OTHER_TYPES: Final = frozenset(
    ("audio/ogg", "audio/opus", "audio/flac", "audio/x-flac", "audio/wav", "audio/x-wav", "audio/webm", "audio/mp3")
)
_SINGLE: Final = frozenset(
    (*("title", "description", "link", "guid", "pubDate"),
     *(name("itunes", local) for local in ("duration", "explicit", "image", "episode", "season", "episodeType")),
     *(name("itunes", local) for local in ("title", "block")),
     *(name("podcast", local) for local in ("chapters", "season", "episode"))),
)  # fmt: skip
_CLOCKS_DIFFER: Final = timedelta(days=1)


@dataclass
class Seen:
    """What other episodes of the feed have.

    Attributes:
        guids: their guids.
        files: the addresses of their enclosures.
    """

    guids: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


def check(report: Report, item: etree._Element, seen: Seen, *, is_serial: bool) -> None:
    """Check an item.

    Args:
        report: for findings.
        item: the element.
        seen: what the items before it have.
        is_serial: its show is to be heard in order.
    """
    if is_serial and item.find(name("itunes", "episode")) is None and _is_full(item):
        report.add("serial-number", item, missing="itunes:episode")
    once(report, item, _SINGLE)
    if not text(item.find("title")) and not text(item.find(name("itunes", "title"))):
        report.add("item-title", item, missing="title")
    _enclosure(report, item, seen)
    _guid(report, item, seen)
    published = item.find("pubDate")
    if published is None:
        report.add("pubdate", item, missing="pubDate")
    elif (moment := values.date(report, published)) is not None:
        known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if known > datetime.now(UTC) + _CLOCKS_DIFFER:
            report.add("pubdate-future", published, quoted(text(published)))
    for element in children(item):
        rule_of = _CHECKS.get(element.tag)
        if rule_of is not None:
            rule_of(report, element)


def _is_full(item: etree._Element) -> bool:
    return text(item.find(name("itunes", "episodeType"))).lower() in {"", "full"}


def _enclosure(report: Report, item: etree._Element, seen: Seen) -> None:
    found = item.findall("enclosure")
    if not found:
        report.add("enclosure", item, missing="enclosure")
        return
    if len(found) > 1:
        report.add("enclosures", found[1])
    enclosure = found[0]
    address, length, kind = (enclosure.get(attribute) for attribute in ("url", "length", "type"))
    if not address:
        report.add("enclosure-url", enclosure)
    elif report.url(address, enclosure):
        if address in seen.files:
            report.add("enclosure-twice", enclosure, quoted(address))
        seen.files.add(address)
    if length is None or not length.strip().isdecimal():
        report.add("enclosure-length", enclosure, "" if length is None else quoted(length))
    elif int(length) == 0:
        report.add("enclosure-empty", enclosure)
    _media_type(report, enclosure, (kind or "").partition(";")[0].strip().lower(), address or "")


def _media_type(report: Report, enclosure: etree._Element, kind: str, address: str) -> None:
    if "/" not in kind:
        report.add("enclosure-type", enclosure, quoted(kind) if kind else "")
    elif kind in _SUFFIXES:
        path = address.partition("?")[0].partition("#")[0]
        if not path.lower().endswith(tuple(f".{suffix}" for suffix in _SUFFIXES[kind])):
            report.add("enclosure-suffix", enclosure, f"{kind}, {quoted(path.rpartition('/')[2])}")
    else:
        also = ", which other clients play" if kind in _OTHER_TYPES else ""
        report.add("enclosure-type-known", enclosure, f"{quoted(kind)}{also}")


def _guid(report: Report, item: etree._Element, seen: Seen) -> None:
    guid = item.find("guid")
    value = text(guid)
    if guid is None or not value:
        report.add("guid", item if guid is None else guid, missing="guid" if guid is None else "")
        return
    if value in seen.guids:
        report.add("guid-twice", guid, quoted(value))
    seen.guids.add(value)
    if guid.get("isPermaLink", "true").lower() != "false" and not is_url(value):
        report.add("guid-link", guid, quoted(value))


def _link(report: Report, element: etree._Element) -> None:
    if text(element):
        report.url(text(element), element)


def _whole(report: Report, element: etree._Element) -> None:
    values.number(report, element, whole=True)


def _type(report: Report, element: etree._Element) -> None:
    if text(element).lower() not in {"full", "trailer", "bonus"}:
        report.add("episode-type", element, quoted(text(element)))


_CHECKS: Final[dict[str, Callable[[Report, etree._Element], None]]] = {
    "title": values.of_one_line,
    "link": _link,
    "description": values.description,
    f"{{{ITUNES}}}title": values.of_one_line,
    f"{{{ITUNES}}}author": values.of_one_line,
    f"{{{ITUNES}}}duration": values.duration,
    f"{{{ITUNES}}}explicit": values.explicit,
    f"{{{ITUNES}}}image": values.picture,
    f"{{{ITUNES}}}episode": _whole,
    f"{{{ITUNES}}}season": _whole,
    f"{{{ITUNES}}}episodeType": _type,
    f"{{{ITUNES}}}block": values.yes,
}
