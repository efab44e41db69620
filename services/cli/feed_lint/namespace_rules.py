"""Rules about the elements of the podcast namespace, wherever they stand."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Final

from lxml import etree

from services.cli.feed_lint import values
from services.cli.feed_lint.findings import PODCAST, Report, children, quoted, text

_MEDIUMS: Final = ("podcast", "music", "video", "film", "audiobook", "newsletter", "blog", "publisher", "course")
MEDIUMS: Final = frozenset((*_MEDIUMS, *(f"{medium}L" for medium in _MEDIUMS), "mixed"))
"""Source: podcast namespace, docs/tags/medium.md."""
_TRANSCRIPTS: Final = frozenset(
    ("text/vtt", "application/x-subrip", "application/srt", "text/srt", "text/html", "text/plain", "application/json")
)
_TXT_CHARACTERS: Final = 4_000
_PURPOSE_CHARACTERS: Final = 128
_SECONDS: Final = re.compile(r"\d+(\.\d+)?")
_UUID_VERSION: Final = 5

IN_CHANNEL: Final = frozenset(
    (*("block", "chat", "funding", "guid", "license", "liveItem", "location", "locked", "medium", "person", "podping"),
     *("podroll", "publisher", "remoteItem", "socialInteract", "trailer", "txt", "updateFrequency", "value"),
     *("image", "images", "complete", "hiveAccount")),
)  # fmt: skip
IN_ITEM: Final = frozenset(
    (*("alternateEnclosure", "chapters", "chat", "contentLink", "episode", "funding", "image", "images", "license"),
     *("location", "person", "season", "socialInteract", "soundbite", "transcript", "txt", "value")),
)  # fmt: skip
"""Source: podcast namespace, docs/tags. Elements below these are checked with them."""


def check(report: Report, element: etree._Element) -> None:
    """Check an element of the namespace that is in the channel or in an item."""
    rule = _CHECKS.get(etree.QName(element).localname)
    if rule is not None:
        rule(report, element)


def _guid(report: Report, element: etree._Element) -> None:
    try:
        found = uuid.UUID(text(element))
    except ValueError:
        report.add("guid-uuid", element, quoted(text(element)))
        return
    if str(found) != text(element).lower():
        report.add("guid-uuid", element, quoted(text(element)))
    elif found.version != _UUID_VERSION:
        report.add("guid-version", element, f"it is a UUIDv{found.version}" if found.version else "")


def _locked(report: Report, element: etree._Element) -> None:
    if text(element) not in {"yes", "no"}:
        report.add("locked-value", element, quoted(text(element)))


def _medium(report: Report, element: etree._Element) -> None:
    if text(element) not in MEDIUMS:
        report.add("medium", element, quoted(text(element)))


def _person(report: Report, element: etree._Element) -> None:
    if not text(element):
        report.add("person", element)
    for name in ("href", "img"):
        if element.get(name) is not None:
            report.url(element.get(name), element)


def _txt(report: Report, element: etree._Element) -> None:
    if not 0 < len(text(element)) <= _TXT_CHARACTERS or len(element.get("purpose", "")) > _PURPOSE_CHARACTERS:
        report.add("txt", element)


def _funding(report: Report, element: etree._Element) -> None:
    if element.get("url") is None:
        report.add("funding", element)
    else:
        report.url(element.get("url"), element)


def _transcript(report: Report, element: etree._Element) -> None:
    if _linked(report, element, "transcript") and _media_type(element) not in _TRANSCRIPTS:
        report.add("transcript-type", element, quoted(element.get("type", "")))


def _chapters(report: Report, element: etree._Element) -> None:
    if _linked(report, element, "chapters") and _media_type(element) != "application/json+chapters":
        report.add("chapters-type", element, quoted(element.get("type", "")))


def _linked(report: Report, element: etree._Element, rule: str) -> bool:
    missing = [name for name in ("url", "type") if not element.get(name)]
    if missing:
        report.add(rule, element, f"it has no {' and no '.join(missing)}")
        return False
    return report.url(element.get("url"), element)


def _media_type(element: etree._Element) -> str:
    return str(element.get("type", "")).partition(";")[0].strip().lower()


def _alternate(report: Report, element: etree._Element) -> None:
    sources = [child for child in children(element) if child.tag == f"{{{PODCAST}}}source"]
    if not element.get("type"):
        report.add("alternate", element, "it has no type")
    if not any(source.get("uri") for source in sources):
        report.add("alternate", element, "it has no podcast:source with uri")


def _soundbite(report: Report, element: etree._Element) -> None:
    for name in ("startTime", "duration"):
        if not _SECONDS.fullmatch(element.get(name, "")):
            report.add("soundbite", element, f"its {name} is {quoted(element.get(name, ''))}")


def _live_item(report: Report, element: etree._Element) -> None:
    if element.get("status") not in {"pending", "live", "ended"}:
        report.add("live-item", element, f"its status is {quoted(element.get('status', ''))}")
    if not element.get("start"):
        report.add("live-item", element, "it has no start")
    if not text(element.find("guid")):
        report.add("live-item", element, "it has no guid")
    if not any(link.get("href") for link in element.findall(f"{{{PODCAST}}}contentLink")):
        report.add("live-item", element, "it has no podcast:contentLink with href")


def _number(report: Report, element: etree._Element) -> None:
    values.number(report, element, whole=False)


_CHECKS: Final[dict[str, Callable[[Report, etree._Element], None]]] = {
    "guid": _guid,
    "locked": _locked,
    "medium": _medium,
    "person": _person,
    "txt": _txt,
    "funding": _funding,
    "transcript": _transcript,
    "chapters": _chapters,
    "alternateEnclosure": _alternate,
    "soundbite": _soundbite,
    "liveItem": _live_item,
    "season": _number,
    "episode": _number,
}
