"""Rules about the channel: what a show must say, and how."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from lxml import etree

from services.cli.feed_lint import values
from services.cli.feed_lint.findings import ATOM, ITUNES, Report, children, is_url, name, quoted, text
from shared.protocol.show_categories import CATEGORIES, SEPARATOR

_EMAIL: Final = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")
_SINGLE: Final = frozenset(
    (*("title", "description", "link", "language", "copyright", "pubDate", "lastBuildDate", "generator"),
     *(name("itunes", local) for local in ("author", "explicit", "image", "owner", "type", "complete", "block")),
     *(name("podcast", local) for local in ("guid", "locked", "medium"))),
)  # fmt: skip


def check(report: Report, channel: etree._Element, *, address: str | None) -> None:
    """Check the channel, without its items.

    Args:
        report: for findings.
        channel: the element.
        address: where the feed was loaded from; None: it is a file.
    """
    once(report, channel, _SINGLE)
    for local in ("title", "description", "link", "language"):
        if not text(channel.find(local)):
            report.add(local, channel, missing=local)
    for local, rule in (("explicit", "explicit"), ("image", "cover"), ("author", "author")):
        if channel.find(name("itunes", local)) is None:
            report.add(rule, channel, missing=f"itunes:{local}")
    for local, rule in (("guid", "guid-of-show"), ("locked", "locked")):
        if channel.find(name("podcast", local)) is None:
            report.add(rule, channel, missing=f"podcast:{local}")
    _categories(report, channel)
    _own_address(report, channel, address)
    for element in children(channel):
        rule_of = _CHECKS.get(element.tag)
        if rule_of is not None and (text(element) or element.attrib):
            rule_of(report, element)
    email = channel.find(f"{name('itunes', 'owner')}/{name('itunes', 'email')}")
    if email is not None and not _EMAIL.fullmatch(text(email)):
        report.add("owner-email", email, quoted(text(email)))


def once(report: Report, parent: etree._Element, single: frozenset[str]) -> None:
    """Check that there is at most one of each of these elements."""
    seen: set[str] = set()
    for element in children(parent):
        if element.tag in single and element.tag in seen:
            report.add("once", element)
        seen.add(element.tag)


def _categories(report: Report, channel: etree._Element) -> None:
    tag = name("itunes", "category")
    found = channel.findall(tag)
    if not found:
        report.add("category", channel, missing="itunes:category")
    for category in found:
        above = (category.get("text") or "").strip()
        if above not in CATEGORIES:
            report.add("category-name", category, quoted(above))
            continue
        for below in category.findall(tag):
            if f"{above}{SEPARATOR}{(below.get('text') or '').strip()}" not in CATEGORIES:
                report.add("category-name", below, f"{quoted(below.get('text') or '')} is not below {above}")


def _own_address(report: Report, channel: etree._Element, address: str | None) -> None:
    own = [link for link in channel.findall(f"{{{ATOM}}}link") if link.get("rel") == "self"]
    if not own:
        report.add("self", channel, missing="atom:link")
        return
    if report.url(own[0].get("href"), own[0]) and address is not None and own[0].get("href") != address:
        report.add("self-address", own[0], quoted(own[0].get("href") or ""))


def _url(report: Report, element: etree._Element) -> None:
    report.url(text(element), element)


def _type(report: Report, element: etree._Element) -> None:
    if text(element).lower() not in {"episodic", "serial"}:
        report.add("type", element, quoted(text(element)))


def _copyright(report: Report, element: etree._Element) -> None:
    values.of_one_line(report, element)
    if re.search(r"©|\bcopyright\b|\b(19|20)\d\d\b", text(element), re.IGNORECASE):
        report.add("copyright", element, quoted(text(element)))


def _date(report: Report, element: etree._Element) -> None:
    values.date(report, element)


def _image(report: Report, element: etree._Element) -> None:
    address = element.find("url")
    if not is_url(text(address)):
        report.add("url", element if address is None else address, quoted(text(address)))


_CHECKS: Final[dict[str, Callable[[Report, etree._Element], None]]] = {
    "title": values.of_one_line,
    "copyright": _copyright,
    "link": _url,
    "language": values.language,
    "description": values.description,
    "pubDate": _date,
    "lastBuildDate": _date,
    "image": _image,
    f"{{{ITUNES}}}explicit": values.explicit,
    f"{{{ITUNES}}}image": values.picture,
    f"{{{ITUNES}}}author": values.of_one_line,
    f"{{{ITUNES}}}type": _type,
    f"{{{ITUNES}}}complete": values.yes,
    f"{{{ITUNES}}}block": values.yes,
    f"{{{ITUNES}}}new-feed-url": _url,
}
