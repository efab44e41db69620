"""The text of a page as segments: what stands between two borders of blocks, as a reader sees it.

Everything here walks the page once and without recursion, so that neither depth nor length of a page matters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from lxml import etree
from lxml.html import HtmlElement

_BLOCK_TAGS: Final = """
    address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption figure
    footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol option p pre search section summary
    table tbody td tfoot th thead tr ul
"""
BLOCKS: Final = frozenset(_BLOCK_TAGS.split())
HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


class _Letters(dict[int, str]):
    """Code point → its letters and digits without accents; one by one, since reordering marks is quadratic."""

    def __missing__(self, code: int) -> str:
        parts = unicodedata.normalize("NFKD", chr(code).casefold())
        self[code] = found = "".join(part for part in parts if part.isalnum())
        return found


_LETTERS: Final = _Letters()


def key(text: str) -> str:
    """Letters and digits alone, for comparing."""
    return text.translate(_LETTERS)


def words(element: HtmlElement) -> str:
    """The words of an element on one line; blocks and line breaks are apart."""
    parts: list[str] = []
    for event, one in etree.iterwalk(element, events=("start", "end", "comment", "pi")):
        if event == "start":
            parts += (" " if one.tag in BLOCKS else "", one.text or "")
        elif one is not element:
            parts += (" " if one.tag in BLOCKS else "", one.tail or "")
    return " ".join("".join(parts).split())


def sample(element: HtmlElement) -> str:
    """The same with a space between any two parts, for showing what is left out."""
    return " ".join(" ".join(map(str, element.itertext())).split())


@dataclass(slots=True)
class TextRun:
    """A piece of text without a border of a block in it.

    Attributes:
        block: the innermost block around it.
        slots: where its parts stand: an element, and whether it is its text or what follows it.
        linked_characters: how many of its characters are inside links.
    """

    block: HtmlElement
    slots: list[tuple[HtmlElement, Literal["text", "tail"]]] = field(default_factory=list)
    linked_characters: int = 0

    @property
    def text(self) -> str:
        """Its words on one line."""
        return " ".join("".join(getattr(element, slot) or "" for element, slot in self.slots).split())

    def blank(self) -> None:
        """Take its text out of the page."""
        for element, slot in self.slots:
            setattr(element, slot, None)


def segments(root: HtmlElement) -> Iterator[TextRun]:
    """The segments of a page, in order. Blocks may be removed while this runs only after the walk has left them."""
    blocks: list[HtmlElement] = [root]
    links = 0
    open_one = TextRun(root)

    def add(element: HtmlElement, slot: Literal["text", "tail"]) -> None:
        text = element.text if slot == "text" else element.tail
        if text:
            open_one.slots.append((element, slot))
            if links:
                open_one.linked_characters += len(text.strip())

    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event in {"comment", "pi"}:
            add(element, "tail")
            continue
        is_block = element.tag in BLOCKS
        if event == "start":
            if is_block:
                yield open_one
                blocks.append(element)
                open_one = TextRun(element)
            links += element.tag == "a"
            add(element, "text")
        else:
            links -= element.tag == "a"
            if is_block:
                yield open_one
                blocks.pop()
                open_one = TextRun(blocks[-1])
            if element is not root:
                add(element, "tail")
    yield open_one
