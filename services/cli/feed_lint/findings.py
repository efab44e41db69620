"""What was found in a feed, and how rules look at its elements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from services.cli.feed_lint.rules import RULES, Rule

ITUNES: Final = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST: Final = "https://podcastindex.org/namespace/1.0"
ATOM: Final = "http://www.w3.org/2005/Atom"
CONTENT: Final = "http://purl.org/rss/1.0/modules/content/"
PREFIXES: Final = {"itunes": ITUNES, "podcast": PODCAST, "atom": ATOM, "content": CONTENT}
_SHOWN_CHARACTERS: Final = 80


@dataclass(frozen=True)
class Finding:
    """A rule that a feed breaks.

    Attributes:
        rule: its name, a key of `RULES`.
        line: where, from 1 on; 0: nowhere in particular.
        element: which element, or where one is missing.
        detail: what is wrong there; empty: what the rule says.
    """

    rule: str
    line: int
    element: str
    detail: str = ""

    @property
    def broken(self) -> Rule:
        """The rule itself."""
        return RULES[self.rule]


@dataclass
class Report:
    """Collects findings.

    Attributes:
        findings: in the order in which they were found.
    """

    findings: list[Finding] = field(default_factory=list)

    def add(self, rule: str, where: etree._Element | None, detail: str = "", *, missing: str = "") -> None:
        """Note a finding.

        Args:
            rule: that is broken.
            where: the element, or the one in which another is missing.
            detail: what is wrong.
            missing: the name of the missing element.
        """
        line = 0 if where is None else _line(where)
        shown = "" if where is None else shown_name(where)
        self.findings.append(Finding(rule, line, f"{shown}/{missing}" if missing else shown, detail))

    def url(self, value: str | None, where: etree._Element) -> bool:
        """Check an address; whether it is one."""
        if not is_url(value):
            self.add("url", where, quoted(value or ""))
            return False
        if not str(value).strip().lower().startswith("https:"):
            self.add("https", where, quoted(value or ""))
        return True


def _line(element: etree._Element) -> int:
    found = element.sourceline
    return found if isinstance(found, int) else 0


def name(prefix: str, local: str) -> str:
    """The qualified name of an element, as lxml has it."""
    return f"{{{PREFIXES[prefix]}}}{local}"


def shown_name(element: etree._Element) -> str:
    """`itunes:image` of an element."""
    found = etree.QName(element)
    prefix = next((prefix for prefix, uri in PREFIXES.items() if uri == found.namespace), element.prefix)
    return f"{prefix}:{found.localname}" if prefix else found.localname


def text(element: etree._Element | None) -> str:
    """All text of an element, without white space around it; empty for None."""
    return "" if element is None else "".join(str(part) for part in element.itertext()).strip()


def children(parent: etree._Element) -> Iterator[etree._Element]:
    """The elements below another, without comments and instructions."""
    return (child for child in parent if isinstance(child.tag, str))


def is_url(value: str | None) -> bool:
    """Whether this is an absolute http(s) address."""
    try:
        parts = urlsplit((value or "").strip())
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", value or "")
    except ValueError:
        return False


def quoted(value: str) -> str:
    """A value as messages show it: on one line, shortened."""
    line = " ".join(value.split())
    return f"“{line[:_SHOWN_CHARACTERS]}{'…' if len(line) > _SHOWN_CHARACTERS else ''}”"
