"""Footnotes and endnotes that stand elsewhere than where they are referred to: found by their ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from services.chunker.documents.inlines import Node

KINDS = frozenset(
    {"footnotes", "footnote", "endnotes", "endnote", "rearnote", "rearnotes", "doc-footnote", "doc-endnotes"}
)


def kinds_of(attributes: list[Any]) -> set[str]:
    """What the attributes of a node say that it is."""
    _, classes, pairs = attributes
    stated = (part for key, value in pairs if key in {"role", "epub:type", "type"} for part in str(value).split())
    return {each.lower() for each in (*classes, *stated)}


def all_notes(blocks: list[Node]) -> dict[str, list[Node]]:
    """Id → note; each node is looked at once for each level of notes above it, of which there are two at most."""
    found: dict[str, list[Node]] = {}
    for container in _containers(blocks):
        items = list(_items(container["c"][1])) or [container["c"][1]]
        own = container["c"][0][0]
        for item in items:
            for name in _ids(item):
                found.setdefault(name, item)
            if own and len(items) == 1:
                found.setdefault(own, item)
    return found


def without(blocks: list[Node], has_read: Callable[[str], bool]) -> list[Node]:
    """The blocks of a container without those items of lists that were read where they are referred to."""
    left = []
    for node in blocks:
        if node["t"] in {"OrderedList", "BulletList"}:
            items = node["c"][1] if node["t"] == "OrderedList" else node["c"]
            kept = [item for item in items if not any(map(has_read, _ids(item)))]
            if kept:
                left.append({"t": "BulletList", "c": kept})
        else:
            left.append(node)
    return left


def _is_note(node: Node) -> bool:
    return node["t"] == "Div" and bool(kinds_of(node["c"][0]) & KINDS)


def _containers(blocks: list[Node]) -> Iterator[Node]:
    """The outermost nodes that are notes."""
    return filter(_is_note, _nodes(blocks, is_end=_is_note))


def _items(blocks: list[Node]) -> Iterator[list[Node]]:
    """The items of the lists in a container, or the notes inside it."""
    for node in blocks:
        if node["t"] in {"OrderedList", "BulletList"}:
            yield from node["c"][1] if node["t"] == "OrderedList" else node["c"]
        elif _is_note(node):
            yield [node]
        elif node["t"] == "Div":
            yield from _items(node["c"][1])


def _ids(node: Any) -> Iterator[str]:
    for each in _nodes(node):
        if each["t"] in {"Div", "Span", "Link"} and each["c"][0][0]:
            yield str(each["c"][0][0])


def _nodes(tree: Any, *, is_end: Callable[[Node], bool] = lambda _: False) -> Iterator[Node]:
    """Every node, in order; what is inside one that `is_end` holds for is passed over."""
    waiting = [tree]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting.extend(reversed(each))
        elif isinstance(each, dict):
            if "t" in each:
                yield each
            if "c" in each and not ("t" in each and is_end(each)):
                waiting.append(each["c"])
