"""What a page says of itself: title, author, language, site, picture. Titles without the name of the site."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from lxml.html import HtmlElement

from services.chunker.documents.pages import titles
from services.chunker.documents.pages.segments import key, words

_LENGTH_LIMIT: Final = 1_000
_MARKED_LIMIT: Final = 10
_JSON_LIMIT_CHARACTERS: Final = 200_000
_AUTHORS: Final = "author article:author dc.creator dcterms.creator parsely-author sailthru.author byl"
_SITES: Final = "og:site_name application-name dc.publisher dcterms.publisher"
_SITE_LIMIT_CHARACTERS: Final = 100
_PICTURES: Final = "og:image:secure_url og:image og:image:url twitter:image twitter:image:src"
_BY: Final = re.compile(r"^(?:by|von|par|por|di|door|af|av|autor|author|text)\s*:?\s+", re.IGNORECASE)
_AUTHOR_LIMIT_CHARACTERS: Final = 120


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a page says of itself; None where it says nothing."""

    title: str | None
    author: str | None
    language: str | None
    site: str | None = None
    picture: str = ""


def read(root: HtmlElement) -> Metadata:
    """Read it; before anything is taken out of the page."""
    metas: dict[str, str] = {}
    for meta in root.iter("meta"):
        name = (
            meta.get("property") or meta.get("name") or meta.get("itemprop") or meta.get("http-equiv") or ""
        ).lower()
        content = " ".join((meta.get("content") or "")[:_LENGTH_LIMIT].split())
        if name and content:
            metas.setdefault(name, content)
    linked = list(_linked_data(root))
    return Metadata(
        titles.of_page(root, metas, linked),
        _author(root, metas, linked),
        _language(root, metas),
        _site(metas, linked),
        _picture(metas, linked),
    )


def _site(metas: dict[str, str], linked: list[dict[str, Any]]) -> str | None:
    """The name of the site, as it is written for people; nothing is guessed from its address."""
    for name in _SITES.split():
        if found := _named(metas.get(name, "")):
            return found
    publishers = (one.get(role) for one in linked for role in ("publisher", "isPartOf"))
    names = (each.get("name") for each in publishers if isinstance(each, dict))
    return next(filter(None, (_named(name) for name in names if isinstance(name, str))), None)


def _named(text: str) -> str | None:
    name = " ".join(text[:_LENGTH_LIMIT].split())
    return name if key(name) and len(name) <= _SITE_LIMIT_CHARACTERS and "://" not in name and "{" not in name else None


def _picture(metas: dict[str, str], linked: list[dict[str, Any]]) -> str:
    """The address of the picture that stands for the page where it is shared."""
    for name in _PICTURES.split():
        if name in metas:
            return metas[name]
    for one in linked:
        images = one.get("image")
        for image in images[:1] if isinstance(images, list) else [images]:
            address = image.get("url") if isinstance(image, dict) else image
            if isinstance(address, str) and address.strip():
                return address.strip()[:_LENGTH_LIMIT]
    return ""


def _linked_data(root: HtmlElement) -> Iterator[dict[str, Any]]:
    """The articles that the page describes in JSON-LD."""
    for script in root.iter("script"):
        if "ld+json" not in (script.get("type") or "") or len(script.text or "") > _JSON_LIMIT_CHARACTERS:
            continue
        try:
            found = json.loads(script.text or "")
        except (ValueError, RecursionError):
            continue
        graph = found.get("@graph") if isinstance(found, dict) else None
        for one in graph if isinstance(graph, list) else found if isinstance(found, list) else [found]:
            if isinstance(one, dict) and re.search("Article|Posting|WebPage", str(one.get("@type"))[:200]):
                yield one


def _author(root: HtmlElement, metas: dict[str, str], linked: list[dict[str, Any]]) -> str | None:
    for name in _AUTHORS.split():
        if found := _person(metas.get(name, "")):
            return found
    for one in linked:
        people = one.get("author")
        listed = people if isinstance(people, list) else [people]
        names = [each.get("name") if isinstance(each, dict) else each for each in listed[:10]]
        if found := ", ".join(filter(None, (_person(name) for name in names if isinstance(name, str)))):
            return found
    marked = (
        element
        for element in root.iter("a", "span", "address")
        if "author" in {element.get("rel"), element.get("itemprop")}
    )
    return next(filter(None, (_person(words(element)) for element in itertools.islice(marked, _MARKED_LIMIT))), None)


def _person(text: str) -> str | None:
    name = _BY.sub("", " ".join(text.split()))
    if not key(name) or len(name) > _AUTHOR_LIMIT_CHARACTERS or "://" in name or "@" in name or "{" in name:
        return None
    return name


def _language(root: HtmlElement, metas: dict[str, str]) -> str | None:
    body = next(iter(root.iter("body")), None)
    for element in (root, body):
        if element is not None and (found := of_element(element)):
            return found
    for name in ("content-language", "language", "dc.language", "dcterms.language", "og:locale"):
        if tag := re.match(r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?(?=$|[,;\s])", metas.get(name, "")):
            return tag.group().replace("_", "-")
    return None


def of_element(element: HtmlElement) -> str | None:
    """The language that an element declares."""
    declared = (
        element.get("lang") or element.get("xml:lang") or element.get("{http://www.w3.org/XML/1998/namespace}lang")
    )
    return (declared or "").strip() or None
