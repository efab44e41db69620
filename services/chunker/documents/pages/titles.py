"""The title of a page: without the name of its site, and no notice, file name or word of a template in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from services.chunker.documents.pages.segments import HEADINGS, key, words

_SEPARATORS: Final = re.compile(
    r"\s+[|\u2013\u2014\u2015\u00b7\u2022\u00bb\u00ab\u2039\u203a/\u2022~]\s+|\s+-{1,3}\s+|\s*(?:::|\|\|)\s*|\s?\u2014\s?"
)
"""Between the title of a page and the name of its site."""
_SIGNS: Final = re.compile(r"[\u00b6\u00a7\U0001f517\u221e#\uf0c1\s]+$|^[#\u00b6\u00a7\s]+")
"""Signs that link a heading to itself."""
_SITE_WORDS: Final = re.compile(
    r"\b(?:documentation|docs|manual|handbook|wiki|blog|reference|weblog|magazine|news|online)\b", re.IGNORECASE
)
_NO_TITLES: Final = re.compile(
    r"(?:untitled(?: document)?|home(?: ?page)?|index|start(?:seite)?|welcome|document|no title|page|accueil|inicio|"
    r"(?:new|neue) page|\d+|.{0,80}\.(?:html?|php|aspx?|docx?|txt|md|pdf))",
    re.IGNORECASE,
)
"""What stands where a title should be: the word of a template, or a file's name."""
_NOTICES: Final = re.compile(
    r"\b(?:cookies?|consent|privacy|datenschutz|gdpr|rgpd|javascript|newsletter|legal notice|copyright"
    r"|all rights reserved|permission is (?:hereby )?granted|subscribe|log ?in|sign in)\b",
    re.IGNORECASE,
)
_IN_PARENTHESES: Final = re.compile(r" \([^()]{1,80}\)$")
_LENGTH_LIMIT: Final = 1_000
_HEADINGS_LIMIT: Final = 50
_SITE_NAME_CHARACTERS: Final = 40


def clean(title: str) -> str:
    """A title without the signs that link a heading to itself."""
    return _SIGNS.sub("", " ".join(title.split())).strip()


def of_page(root: HtmlElement, metas: dict[str, str], linked: list[dict[str, Any]]) -> str | None:
    """The title of a page: what it shows as its heading, if it also calls itself so, else what it calls itself.

    Args:
        root: of the page.
        metas: its `<meta>` elements, name → content.
        linked: what it describes in JSON-LD.
    """
    element = next(iter(root.iter("title")), None)
    of_window = clean(words(element)[:_LENGTH_LIMIT]) if element is not None else ""
    headings = [clean(words(heading)[:_LENGTH_LIMIT]) for heading in _first(root.iter("h1"))]
    headings = [text for text in headings if key(text) and not _NOTICES.search(text)]
    shared = clean(metas.get("og:title") or metas.get("twitter:title") or metas.get("dc.title") or "")
    described = next(
        (clean(one["headline"][:_LENGTH_LIMIT]) for one in linked if isinstance(one.get("headline"), str)), ""
    )
    named = {key(name) for name in _site_names(root, metas)}
    announced = [text for text in (of_window, shared, described) if key(text)]
    others = {key(text) for text in announced if text != of_window}
    first = [clean(words(heading)[:_LENGTH_LIMIT]) for heading in _first(root.iter(*HEADINGS))]
    for heading in (*headings, *(text for text in first[:1] if not _NOTICES.search(text))):
        for text in announced:  # what the page shows as its title and also calls itself
            parts = set(map(key, _parts(text)))
            is_part = key(heading) in parts and key(heading) not in named and not parts & others - {key(heading)}
            if key(heading) and (is_part or key(heading) == key(text)):
                return heading
    candidates = [_without_site(text, named) for text in (shared, described, of_window)]
    good = [text for text in candidates if key(text) and not _NO_TITLES.fullmatch(text) and key(text) not in named]
    for text in good:
        if not _NOTICES.search(text) or not headings:
            return text
    subheadings = [clean(words(heading)[:_LENGTH_LIMIT]) for heading in _first(root.iter("h2", "h3"))]
    rest = [*headings, *(text for text in subheadings if not _NOTICES.search(text)), *good, *announced]
    return next((text for text in rest if key(text)), None)


def _first(elements: Iterator[HtmlElement]) -> Iterator[HtmlElement]:
    for _, element in zip(range(_HEADINGS_LIMIT), elements, strict=False):
        yield element


def _parts(text: str) -> list[str]:
    """What may be the title in it: parts between signs, what is around a colon, what stands before parentheses."""
    parts = [part.strip() for part in _SEPARATORS.split(text) if part.strip()]
    return [*parts, text.partition(": ")[2], text.rpartition(": ")[0], _IN_PARENTHESES.sub("", text)]


def _site_names(root: HtmlElement, metas: dict[str, str]) -> Iterator[str]:
    for name in (
        "og:site_name",
        "application-name",
        "apple-mobile-web-app-title",
        "twitter:site",
        "publisher",
        "dc.publisher",
    ):
        if name in metas:
            yield metas[name].lstrip("@")
    hosts = [metas.get("og:url", "")]
    hosts += [
        link.get("href") or "" for link in _first(root.iter("link")) if (link.get("rel") or "").lower() == "canonical"
    ]
    for address in hosts:
        try:
            host = urlsplit(address).hostname or ""
        except ValueError:
            continue
        bare = host.removeprefix("www.")
        yield bare
        yield bare.rpartition(".")[0]


def _without_site(text: str, named: set[str]) -> str:
    """The title without the site's name, at either end: what is named so elsewhere, or what reads like one."""
    parts = list(_SEPARATORS.finditer(text))
    if not parts:
        return text
    before, after = text[: parts[-1].start()], text[parts[-1].end() :]
    first, others = text[: parts[0].start()], text[parts[0].end() :]
    if key(after) in named:
        return _without_site(before, named)
    if key(first) in named:
        return others
    by_bar = any(sign in parts[-1].group() for sign in "|\u00bb\u00ab\u00b7:\u2022")
    if key(before) and (by_bar or _SITE_WORDS.search(after)) and len(after) <= max(len(before), _SITE_NAME_CHARACTERS):
        return _without_site(before, named)
    return text
