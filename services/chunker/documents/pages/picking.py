"""A web page: the article or chapter in it, without menus, footers and notices, with its structure as it was.

A page of documentation (`sites.py`) is the chapter. In other pages trafilatura tells which words are the article; the
elements that hold them are kept (`choosing.py`). What is left out is listed with the reason.

This is CPU-bound, and importing trafilatura takes a second, so it is called in a worker process.
"""

from __future__ import annotations

from typing import Any, Final

import trafilatura
from lxml import html as lxml_html
from lxml.html import HtmlElement

from services.chunker.documents import tag_soup
from services.chunker.documents.decoding import for_xml
from services.chunker.documents.document import Article, Omissions
from services.chunker.documents.pages import (
    choosing,
    furniture,
    generators,
    metadata,
    names,
    navigation,
    sites,
    tidying,
)
from services.chunker.documents.pages.segments import BLOCKS, key, sample, segments, words
from services.chunker.documents.pages.selectors import Selectable
from services.chunker.documents.pruning import take_out
from services.chunker.speakable import SPEAKABLE
from shared.errors import BadSource

_EMBEDDED: Final = ("iframe", "video", "audio", "object", "embed")
_TEASERS: Final = "they lead to other pages"
_BESIDE: Final = "it is on the page, but no part of the article as far as can be told"
SHORT_PAGE_CHARACTERS: Final = 100
"""Of shorter articles trafilatura takes too much or too little; then everything except the furniture is the article."""


def pick(page: str) -> Article:
    """Pick the article out of a page.

    Raises:
        BadSource: there is no text in the page.
    """
    page = tag_soup.without_programs(for_xml(page))
    root = parsed(page)
    said = metadata.read(root)
    omissions = Omissions()
    embedded = [element.get("src") or element.get("data") or "" for element in root.iter(*_EMBEDDED)]
    take_out(furniture.never_text(root))
    body = root.find("body")
    body = root if body is None else body
    if not SPEAKABLE.search("".join(map(str, body.itertext()))):
        raise _no_text()
    found = Selectable(root)
    site = sites.recognise(found, generators.SITES)
    take_out([*furniture.permalinks(root), *sites.line_numbers(found)])
    for heading in list(furniture.site_names(body, said.title)):
        omissions.add("page furniture", names.FURNITURE, words(heading))
        take_out([heading])
    if site is not None:
        _take_site_furniture(found, site, omissions)
        body = _content(found, site, body, omissions)
    named = list(furniture.of_page(root))
    if named and site is None and (text := _chosen(page)):
        named = _choose(body, text, named, omissions)
    for one in named:
        omissions.add(one.kind, one.reason, one.words)
    take_out([one.element for one in named])
    _take_navigation(body, omissions)
    tidying.unwrap_layout(body)
    tidying.unmark_main(body)
    take_out(tidying.doubled_headings(body))
    tidying.mark_captions(body)
    tidying.join_captions(body)
    tidying.mark_languages(body)
    if embedded:
        omissions.add("embedded media", names.EMBEDDED, embedded[0], count=len(embedded))
    return Article(
        str(lxml_html.tostring(body, encoding="unicode", with_tail=False)),
        said.title,
        said.author,
        said.language or metadata.of_element(body),
        tuple(omissions),
        site=said.site,
        picture=said.picture,
    )


def parsed(page: str) -> HtmlElement:
    """A page as a tree.

    Raises:
        BadSource: there is no element in it.
    """
    root = tag_soup.parsed(page)
    if root is None:
        raise _no_text()
    return root


def _take_site_furniture(found: Selectable, site: sites.Site, omissions: Omissions) -> None:
    doomed: list[HtmlElement] = []
    for selectors, kind, reason in (
        (site.contents, "contents", navigation.CONTENTS),
        (site.furniture, "page furniture", names.FURNITURE),
    ):
        for element in found.all(selectors.split()):
            doomed.append(element)
            if text := sample(element):
                omissions.add(kind, reason, text)
    take_out(doomed)


def _choose(
    body: HtmlElement, text: str, named: list[furniture.Furniture], omissions: Omissions
) -> list[furniture.Furniture]:
    """Take out what is not chosen, and furniture; returns the furniture that is gone.

    Names mislead: a page may have its text in a form, or in a `<header>`. What is chosen there alone decides. The rest
    goes first: a menu or a list of teasers may repeat words of the article.
    """
    found, total = choosing.chosen_inside(body, text, [one.element for one in named])
    gone = [one for one, chosen in zip(named, found, strict=True) if not one.holds_the_article(chosen, total)]
    first = [one.element for one in gone if one.element.tag in BLOCKS or one.reason == names.HIDDEN]
    take_out(first)
    for _, passed_over in choosing.keep(body, text):
        if SPEAKABLE.search(passed_over):
            omissions.add("beside the article", _BESIDE, passed_over)
    return gone


def _content(found: Selectable, site: sites.Site, body: HtmlElement, omissions: Omissions) -> HtmlElement:
    """The part of the page that holds the text; the rest is furniture."""
    content = found.first(site.content.split())
    if content is None or not SPEAKABLE.search(words(content)) or body not in set(content.iterancestors()):
        return body
    around = [
        segment.text
        for segment in segments(body)
        if segment.block is not content and content not in segment.block.iterancestors() and key(segment.text)
    ]
    if around:
        omissions.add("page furniture", names.FURNITURE, " ".join(around)[:1000], count=1)
    return content


def _chosen(page: str) -> str:
    """The text of the article as trafilatura sees it; "" if it sees too little of one."""
    picked: Any = trafilatura.bare_extraction(page, include_comments=False, include_tables=True, with_metadata=False)
    text = str(picked.text or "") if picked is not None else ""
    return text if len(text) >= SHORT_PAGE_CHARACTERS else ""


def _take_navigation(body: HtmlElement, omissions: Omissions) -> None:
    """Take out tables of contents and lines of links, unless there is nothing else."""
    found = [(element, "contents", navigation.CONTENTS) for element in navigation.contents(body)]
    found += [(element, "page furniture", names.FURNITURE) for element in navigation.lines(body)]
    found += [(element, "teasers", _TEASERS) for element in navigation.teasers(body)]
    left = sum(len(key(str(text))) for text in body.itertext()) - sum(len(key(words(element))) for element, *_ in found)
    if not left:
        return
    for element, kind, reason in found:
        if text := sample(element):
            omissions.add(kind, reason, text)
    take_out([element for element, *_ in found])
    for run in list(navigation.loose(body)):
        omissions.add("page furniture", names.FURNITURE, run.text)
        run.blank()


def _no_text() -> BadSource:
    return BadSource(
        "There is no text in the page.",
        hint="Pages that are drawn by a script, or need a login, cannot be read: save the page from a browser.",
    )
