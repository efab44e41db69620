"""Looks at a feed's bytes: is it XML, is it RSS, and then rule by rule."""

from __future__ import annotations

from typing import Final

from lxml import etree

from services.cli.feed_lint import channel_rules, item_rules, namespace_rules
from services.cli.feed_lint.findings import ATOM, ITUNES, PODCAST, PREFIXES, Finding, Report, children, quoted, text
from services.cli.feed_lint.item_rules import Seen

FEED_LIMIT_BYTES: Final = 50_000_000
_ITUNES_IN_CHANNEL: Final = frozenset(
    (*("author", "block", "category", "complete", "explicit", "image", "keywords", "new-feed-url", "owner"),
     *("subtitle", "summary", "title", "type", "applepodcastsverify")),
)  # fmt: skip
_ITUNES_IN_ITEM: Final = frozenset(
    (*("author", "block", "duration", "episode", "episodeType", "explicit", "image", "keywords", "season", "title"),
     *("subtitle", "summary", "order", "isClosedCaptioned")),
)  # fmt: skip
"""Source: Apple, A Podcaster's Guide to RSS; and elements that it no longer lists but that harm nobody."""


def lint(document: bytes, *, address: str | None = None) -> list[Finding]:
    """What is wrong with a feed, by line.

    Args:
        document: at most `FEED_LIMIT_BYTES`.
        address: where it was loaded from; None: it is a file.
    """
    report = Report()
    # Nothing is loaded, no entity is expanded, and depth and sizes keep libxml2's limits.
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        return [Finding("xml", error.lineno or 0, "", error.msg or "")]
    except ValueError as error:  # an encoding that is not known
        return [Finding("xml", 0, "", str(error))]
    _document(report, root)
    channels = root.findall("channel")
    if root.tag == "rss" and len(channels) != 1:
        report.add("channel", root, f"there are {len(channels)}")
    for channel in channels[:1]:
        _channel(report, channel, address)
    return sorted(report.findings, key=lambda finding: finding.line)


def _document(report: Report, root: etree._Element) -> None:
    tree = root.getroottree()
    if getattr(tree.docinfo, "doctype", ""):  # which the stubs do not know
        report.add("doctype", root)
    if (tree.docinfo.encoding or "UTF-8").upper() not in {"UTF-8", "US-ASCII", "ASCII"}:
        report.add("encoding", root, quoted(tree.docinfo.encoding or ""))
    if root.tag != "rss":
        report.add("rss", root, f"it is {quoted(str(root.tag))}")
    elif root.get("version") != "2.0":
        report.add("version", root, quoted(root.get("version") or ""))
    wrong: set[tuple[str, str]] = set()
    for element in root.iter(etree.Element):
        for prefix, uri in element.nsmap.items():
            if prefix in PREFIXES and uri != PREFIXES[prefix] and (prefix, uri) not in wrong:
                wrong.add((prefix, uri))
                report.add("namespace", element, f"{prefix} stands for {quoted(uri)}, not for {PREFIXES[prefix]}")


def _channel(report: Report, channel: etree._Element, address: str | None) -> None:
    channel_rules.check(report, channel, address=address)
    _known(report, channel, itunes=_ITUNES_IN_CHANNEL, podcast=namespace_rules.IN_CHANNEL)
    items = channel.findall("item")
    if not items:
        report.add("items", channel, missing="item")
    seen = Seen()
    is_serial = text(channel.find(f"{{{ITUNES}}}type")).lower() == "serial"
    for item in items:
        item_rules.check(report, item, seen, is_serial=is_serial)
        _known(report, item, itunes=_ITUNES_IN_ITEM, podcast=namespace_rules.IN_ITEM)


def _known(report: Report, parent: etree._Element, *, itunes: frozenset[str], podcast: frozenset[str]) -> None:
    everywhere = {
        ITUNES: _ITUNES_IN_CHANNEL | _ITUNES_IN_ITEM,
        PODCAST: namespace_rules.IN_CHANNEL | namespace_rules.IN_ITEM,
    }
    for element in children(parent):
        found = etree.QName(element)
        here = {ITUNES: itunes, PODCAST: podcast}.get(found.namespace or "")
        if here is None:
            if found.namespace == ATOM and found.localname == "link" and not element.get("href"):
                report.add("url", element, "it has no href")
        elif found.localname in here:
            if found.namespace == PODCAST:
                namespace_rules.check(report, element)
        elif found.localname in everywhere[found.namespace or ""]:
            report.add("place", element, f"it does not belong into {parent.tag}")
        else:
            report.add("unknown-tag", element)
