"""Recognises pages of documentation by their generator.

A page of one of these is read whole: it is the chapter, not an article among teasers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lxml.html import HtmlElement

from services.chunker.documents.pages.selectors import Selectable

_GENERATORS_LIMIT = 10
_COMMENT_CHARACTERS = 500
_MADE_BY = re.compile(
    r"(?:generated|created|produced|translated)\s{1,3}(?:automatically\s{1,3})?(?:by|with|using)\s{1,3}([^<>]{0,60})",
    re.IGNORECASE,
)
_LINE_NUMBERS = (".linenos", ".lineno", ".linenodiv", ".line-numbers", ".gutter")


@dataclass(frozen=True, slots=True)
class Site:
    """A generator of pages. Selectors stand apart by white space.

    Attributes:
        name: for people.
        generator: pattern of what it calls itself in `<meta name="generator">`, in lower case.
        marks: any of these elements shows that the page is its work.
        content: where the text is; the first selector that finds something counts. Empty: the whole body.
        furniture: what is no text: navigation, search, banners.
        contents: tables of contents.
    """

    name: str
    generator: str = ""
    marks: str = ""
    content: str = ""
    furniture: str = ""
    contents: str = ""


def recognise(page: Selectable, known: Iterable[Site]) -> Site | None:
    """Which generator wrote the page; None if it is none of those known."""
    known = tuple(known)
    named = [
        (element.get("content") or "").strip().lower()
        for element in page.all(("meta[name=generator]", "meta[name=Generator]", "meta[name=GENERATOR]"))
    ][:_GENERATORS_LIMIT]
    named += [
        " ".join(made[1].lower().split())
        for text in page.comments
        if (made := _MADE_BY.search(text[:_COMMENT_CHARACTERS]))
    ]
    for site in known:
        if site.generator and any(re.search(rf"\b{site.generator}", name) for name in named):
            return site
    return next((site for site in known if page.first(site.marks.split()) is not None), None)


def line_numbers(page: Selectable) -> list[HtmlElement]:
    """The numbers beside the lines of a listing."""
    return list(page.all(_LINE_NUMBERS))
