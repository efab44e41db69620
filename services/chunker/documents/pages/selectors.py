"""Finds elements by tag, class, id and attribute in one walk over a page, however many selectors there are.

A selector is `tag.class#id[name=value]`; every part is optional, at least one is there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from lxml import etree
from lxml.html import HtmlElement

_COMMENTS_LIMIT = 20
_PART = re.compile(r"([.#]?)([\w-]+)|\[([\w:-]+)=([^\]]+)\]")


class _Selector(NamedTuple):
    tag: str
    classes: frozenset[str]
    name: str
    attributes: tuple[tuple[str, str], ...]


@cache
def _parsed(selector: str) -> _Selector:
    tag, name = "", ""
    classes: set[str] = set()
    attributes: list[tuple[str, str]] = []
    for mark, word, attribute, value in _PART.findall(selector):
        if attribute:
            attributes.append((attribute, value))
        elif mark == ".":
            classes.add(word)
        elif mark == "#":
            name = word
        else:
            tag = word
    return _Selector(tag, frozenset(classes), name, tuple(attributes))


def classes_of(element: HtmlElement) -> list[str]:
    """The classes of an element."""
    return (element.get("class") or "").split()


class Selectable:
    """A page whose elements can be found.

    Args:
        root: of the page; elements that are removed later are still found.

    Attributes:
        comments: the first ones of the page.
    """

    def __init__(self, root: HtmlElement) -> None:
        self.comments: list[str] = []
        self._by: defaultdict[str, list[HtmlElement]] = defaultdict(list)
        for element in root.iter():
            if not isinstance(element.tag, str):
                if element.tag is etree.Comment and len(self.comments) < _COMMENTS_LIMIT:
                    self.comments.append(element.text or "")
                continue
            self._by[element.tag].append(element)
            for word in set(classes_of(element)):
                self._by["." + word].append(element)
            for key in ("id", "role", "itemprop"):
                if value := element.get(key):
                    self._by[("#" if key == "id" else f"{key}=") + value].append(element)

    def all(self, selectors: Iterable[str]) -> Iterator[HtmlElement]:
        """Every element that one of the selectors finds, by selector and then in the page's order."""
        for selector in selectors:
            wanted = _parsed(selector)
            for element in self._candidates(wanted):
                if _matches(element, wanted):
                    yield element

    def first(self, selectors: Iterable[str]) -> HtmlElement | None:
        """The first element that the first selector with any finds."""
        return next(self.all(selectors), None)

    def _candidates(self, wanted: _Selector) -> list[HtmlElement]:
        if wanted.name:
            return self._by.get("#" + wanted.name, [])
        if wanted.classes:
            return self._by.get("." + min(wanted.classes), [])
        for key, value in wanted.attributes:
            if key in {"role", "itemprop"}:
                return self._by.get(f"{key}={value}", [])
        return self._by.get(wanted.tag, [])


def _matches(element: HtmlElement, wanted: _Selector) -> bool:
    return (
        (not wanted.tag or element.tag == wanted.tag)
        and (not wanted.name or element.get("id") == wanted.name)
        and (not wanted.classes or wanted.classes <= set(classes_of(element)))
        and all(element.get(key) == value for key, value in wanted.attributes)
    )
