"""What of a page is never text of it: scripts, menus, footers, notices, buttons, navigation; each with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from services.chunker.documents.pages.names import FURNITURE, HIDDEN, KINDS
from services.chunker.documents.pages.segments import HEADINGS, key, sample, words
from services.chunker.documents.pages.selectors import classes_of

_NEVER_TEXT: Final = """
    script style template svg iframe button select input textarea dialog object embed canvas datalist rt rp
"""
NEVER_TEXT: Final = tuple(_NEVER_TEXT.split())
_TAGS: Final = frozenset({"nav", "aside", "footer", "menu"})
_SHOWN: Final = ("p", "div", "li", "td", "span", "article", "section", "h1", "h2")
_NEVER_FURNITURE: Final = frozenset({"html", "head", "body", "main", "article", "h1"})
"""Themes put the names of all that a page has on these."""
_ROLES: Final = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "alert", "dialog"})
_LARGEST_SHARE: Final = 0.4
"""More of a page's words than this is not furniture, whatever it is called."""

_MISNAMED_CHARACTERS: Final = 300
"""If an extractor chooses more words than this in a menu or header, it is neither."""

_HIDDEN: Final = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.IGNORECASE)
_HIDDEN_SHARE: Final = 0.5
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_PERMALINK_NAMES: Final = """
    headerlink anchor anchorjs-link header-anchor hash-link permalink copiable-link octicon-link copiable-anchor
    heading-anchor headinglink section-link anchor-link headline-hash doc-anchor mw-selflink-fragment
"""
_PERMALINKS: Final = frozenset(_PERMALINK_NAMES.split())
_PERMALINK_WORDS: Final = frozenset({"", "link", "permalink", "permanentlink", "linktothisheading", "anchor"})
_SIGN_CHARACTERS: Final = 12
_PARTS_LIMIT: Final = 2
"""A sign has no structure."""
_NAMED_LENGTH_LIMIT: Final = 200
_NAMES_LIMIT: Final = 30


def never_text(root: HtmlElement) -> list[HtmlElement]:
    """Scripts, buttons and the like. `<noscript>` is text if a good part of the page is in it."""
    scripted = list(root.iter("noscript"))
    total = len(key("".join(shown.text or "" for shown in root.iter(*_SHOWN)))) if scripted else 0
    spared = {element for element in scripted if len(key(words(element))) > max(_MISNAMED_CHARACTERS, total // 4)}
    return [*root.iter(*NEVER_TEXT), *(element for element in scripted if element not in spared)]


def named(element: HtmlElement) -> tuple[str, str] | None:
    """What an element is by its tag, role, class or id: kind and reason; None if it may be text."""
    if element.tag in _TAGS or (element.get("role") or "") in _ROLES:
        return None if _is_note(element) else ("page furniture", FURNITURE)
    if _HIDDEN.search((element.get("style") or "")[:_NAMED_LENGTH_LIMIT]):
        return "page furniture", HIDDEN
    if element.get("hidden") is not None or element.get("aria-modal") == "true":
        return "page furniture", FURNITURE
    called = [*classes_of(element)[:_NAMES_LIMIT], element.get("id") or "", element.get("data-testid") or ""]
    for name in called:
        short = _CAMEL.sub("-", name[:_NAMED_LENGTH_LIMIT]).lower().replace("_", "-")
        if not short:
            continue
        for kind, reason, pattern in KINDS:
            if pattern.search(short):
                return None if _is_note(element) else (kind, reason)
    return None


def _is_note(element: HtmlElement) -> bool:
    """Footnotes are often marked up as asides; pandoc leaves them out and reports it."""
    return "footnote" in f"{element.get('role')} {element.get('class')} {element.get('id')}"


@dataclass(frozen=True, slots=True)
class Furniture:
    """An element that is furniture by its name.

    Attributes:
        element: the outermost one.
        kind: of what is left out.
        reason: why.
        words: its words.
    """

    element: HtmlElement
    kind: str
    reason: str
    words: str

    def holds_the_article(self, chosen: int, total: int) -> bool:
        """Whether so many of the `total` characters chosen are in it, and nowhere else, that its name must be wrong.

        What is hidden may be shown by a click: it goes unless most of it is chosen.
        """
        if self.reason == HIDDEN:
            return chosen > _HIDDEN_SHARE * len(key(self.words))
        return chosen > _LARGEST_SHARE * total or (
            chosen > _MISNAMED_CHARACTERS and self.kind in {"page furniture", "share buttons"}
        )


def of_page(root: HtmlElement) -> Iterator[Furniture]:
    """What is furniture in a page.

    A `<header>` with a heading is the head of an article or of a section; a form around everything is how some servers
    make pages.
    """
    headed = {above for heading in root.iter(*HEADINGS) for above in heading.iterancestors("header")}
    total = len(key(words(root)))
    taken: set[HtmlElement] = set()
    for element in list(root.iter("*")):
        parent = element.getparent()
        if parent is None:
            continue
        if parent in taken:
            taken.add(element)  # its words have been counted
            continue
        found = None if element.tag in _NEVER_FURNITURE else named(element)
        if found is None and (element.tag == "form" or (element.tag == "header" and element not in headed)):
            found = ("page furniture", FURNITURE)
        if found is None:
            continue
        text = sample(element)
        if element.tag not in _TAGS and len(key(text)) > _LARGEST_SHARE * total:
            continue
        taken.add(element)
        yield Furniture(element, *found, text or str(element.tag))


def permalinks(root: HtmlElement) -> Iterator[HtmlElement]:
    """The signs beside headings that link to the heading itself."""
    for link in root.iter("a"):
        is_named = bool(_PERMALINKS & set(classes_of(link)))
        if (not is_named and not (link.get("href") or "").startswith("#")) or len(link) > _PARTS_LIMIT:
            continue
        shown = words(link)
        text = key(shown)
        if (is_named and len(text) < _SIGN_CHARACTERS and not _is_whole_heading(link, text)) or (
            shown and text in _PERMALINK_WORDS and not link.get("id")
        ):
            yield link


def site_names(root: HtmlElement, title: str | None) -> Iterator[HtmlElement]:
    """Headings that are nothing but a link to the home of the site, and not the title of the page."""
    for link in root.iter("a"):
        heading = link.getparent()
        if heading is None or heading.tag not in HEADINGS or not _is_home(link.get("href") or ""):
            continue
        text = key(words(heading))
        if text and text == key(words(link)) and text != key(title or ""):
            yield heading


def _is_home(address: str) -> bool:
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return False
    is_absolute = bool(parts.hostname) or address.strip() == "/"
    return is_absolute and parts.path in {"", "/"} and not parts.query and not parts.fragment


def _is_whole_heading(link: HtmlElement, text: str) -> bool:
    """Some pages put the whole heading inside the link to it."""
    parent = link.getparent()
    return bool(text) and parent is not None and parent.tag in HEADINGS and key(words(parent)) == text
