"""A web page: the article in it, without menus, footers and cookie banners. trafilatura picks it.

This is CPU-bound, and importing trafilatura takes a second, so it is called in a worker process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import trafilatura
from lxml import etree
from lxml import html as lxml_html

from services.chunker.documents.decoding import for_xml
from services.chunker.documents.document import Article
from services.chunker.documents.pruning import take_out
from services.chunker.speakable import SPEAKABLE
from shared.errors import BadSource

_NEVER_TEXT = (
    "script",
    "style",
    "template",
    "noscript",
    "svg",
    "iframe",
    "button",
    "select",
    "input",
    "textarea",
    "dialog",
)
_EMBEDDED = ("iframe", "video", "audio", "object", "embed")
_PARAGRAPHS = frozenset({"p", "li", "h1", "h2", "h3", "h4", "h5", "h6"})
_COMPARED_CHARACTERS = 200
"""How much of a paragraph is compared: the article's may have lost a footnote mark or a button further on."""
_FURNITURE = ("nav", "aside", "footer", "form", "menu")
_FURNITURE_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "alert", "dialog"})

SHORT_PAGE_CHARACTERS = 500
"""For shorter pages trafilatura takes all text; then everything except menus and footers is the article."""


def pick(page: str) -> Article:
    """Pick the article out of a page.

    Raises:
        BadSource: there is no text in the page.
    """
    page = for_xml(page)
    try:
        root = lxml_html.document_fromstring(
            page.encode("utf-8", "replace"), parser=lxml_html.HTMLParser(encoding="utf-8")
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise _no_text() from error
    language = root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang")
    title = _first(root, "//title/text()", "//meta[@property='og:title']/@content")
    author = _first(root, "//meta[@name='author']/@content")
    embedded = tuple(element.get("src") or element.get("data") or "" for element in root.iter(*_EMBEDDED))
    furniture = _strip(root)
    body = root.find("body")
    rest = "".join(str(text) for text in (body if body is not None else root).itertext())
    if not SPEAKABLE.search(rest):
        raise _no_text()
    if not furniture:
        return Article(_serialised(root), title, author, language, "", embedded=embedded)
    picked: Any = trafilatura.bare_extraction(page, include_comments=False, include_tables=True, with_metadata=True)
    if picked is None or len(picked.text or "") < SHORT_PAGE_CHARACTERS:
        return Article(_serialised(root), title, author, language, furniture, embedded=embedded)
    chosen = trafilatura.extract(
        page,
        output_format="html",
        include_comments=False,
        include_tables=True,
        include_formatting=True,
        include_links=True,
        include_images=True,
    )
    return Article(
        chosen or _serialised(root),
        picked.title or title,
        picked.author or author,
        picked.language or language,
        furniture,
        _passed_over(root, chosen) if chosen else (),
        embedded,
    )


def _passed_over(root: lxml_html.HtmlElement, chosen: str) -> tuple[str, ...]:
    """The paragraphs of the page, without menus and footers, that are not in the chosen article."""
    article = lxml_html.document_fromstring(for_xml(chosen))
    kept = {_key(text) for text in _paragraphs(article)}
    return tuple(text for text in _paragraphs(root) if SPEAKABLE.search(text) and _key(text) not in kept)


def _paragraphs(root: lxml_html.HtmlElement) -> Iterator[str]:
    """The beginning of each paragraph that is not inside another one; each word is looked at once."""
    inside: set[lxml_html.HtmlElement] = set()
    for element in root.iter():
        if element.getparent() in inside:
            inside.add(element)
        elif element.tag in _PARAGRAPHS:
            inside.add(element)
            yield " ".join(str(element.text_content()).split())[:_COMPARED_CHARACTERS]


def _key(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _strip(root: lxml_html.HtmlElement) -> str:
    """Remove everything that is not text, and menus and footers; returns the words of the menus and footers."""
    take_out(root.iter(*_NEVER_TEXT))
    words = []
    furniture = []
    headed = {above for heading in root.iter("h1", "h2") for above in heading.iterancestors("header")}
    taken: set[lxml_html.HtmlElement] = set()
    for element in list(root.iter()):
        if not isinstance(element.tag, str) or element.getparent() is None:
            continue
        if element.getparent() in taken:
            taken.add(element)  # its words have been counted
            continue
        is_furniture = (
            element.tag in _FURNITURE
            or (element.get("role") or "") in _FURNITURE_ROLES
            or element.get("hidden") is not None
            or (element.tag == "header" and element not in headed)
        )
        if is_furniture and not _is_note(element):
            words.append(" ".join(str(element.text_content()).split()) or element.tag)
            furniture.append(element)
            taken.add(element)
    take_out(furniture)
    return " ".join(words)


def _is_note(element: lxml_html.HtmlElement) -> bool:
    """Footnotes are often marked up as asides; pandoc leaves them out and reports it."""
    return "footnote" in f"{element.get('role')} {element.get('class')} {element.get('id')}"


def _first(root: lxml_html.HtmlElement, *paths: str) -> str | None:
    for path in paths:
        for found in root.xpath(path):
            if text := " ".join(str(found).split()):
                return text
    return None


def _serialised(root: lxml_html.HtmlElement) -> str:
    return str(lxml_html.tostring(root, encoding="unicode"))


def _no_text() -> BadSource:
    return BadSource(
        "There is no text in the page.",
        hint="Pages that are drawn by a script, or need a login, cannot be read: save the page from a browser.",
    )
