"""Removes elements from an lxml tree in one pass: `drop_tree` would copy all preceding text again for each one."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree


def take_out(elements: Iterable[etree._Element]) -> None:
    """Remove elements from their tree. The text after each one stays, its content goes. The root cannot be removed."""
    doomed = set(elements)
    parents = {parent for element in doomed if (parent := element.getparent()) is not None}
    for parent in parents:
        before: etree._Element | None = None
        texts = [parent.text or ""]
        for child in list(parent):
            if child in doomed:
                texts.append(child.tail or "")
                child.tail = None
                parent.remove(child)
            else:
                _set(parent, before, texts)
                before, texts = child, [child.tail or ""]
        _set(parent, before, texts)


def _set(parent: etree._Element, before: etree._Element | None, texts: list[str]) -> None:
    if len(texts) == 1:
        return  # nothing was removed here
    text = "".join(texts) or None
    if before is None:
        parent.text = text
    else:
        before.tail = text
