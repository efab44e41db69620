"""DocBook and JATS before pandoc: entities that only a DTD declares are said by their names; pictures have no words."""

from __future__ import annotations

import html.entities
import re
from typing import Final

_REFERENCE: Final = re.compile(r"&([A-Za-z_][\w.-]{0,63});")
_DECLARED: Final = re.compile(r"""<!ENTITY\s{1,9}([A-Za-z_][\w.-]{0,63})\s{1,9}["']""")
_ON_A_PICTURE: Final = re.compile(r"<screeninfo\s{0,9}>[^<]{0,500}</screeninfo\s{0,9}>")
_HEAD_CHARACTERS: Final = 100_000
_OF_XML: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})
_SILENT: Final = ("mail", "language")
"""Names of addresses and of settings."""
_APART: Final = re.compile(r"[._-]+")


def spelled_out(text: str) -> str:
    """A text in which every entity that it does not declare itself is replaced, by what it stands for or by its name.

    Args:
        text: XML with its DOCTYPE.
    """
    head = text[:_HEAD_CHARACTERS]
    own = set(_DECLARED.findall(head)) if "<!ENTITY" in head else set[str]()

    def said(reference: re.Match[str]) -> str:
        name = reference[1]
        if name in _OF_XML or name in own:
            return reference[0]
        known = html.entities.html5.get(f"{name};", "")
        if known and known not in "<>&":
            return known
        return "" if name.rpartition(".")[2] in _SILENT else _APART.sub(" ", name)

    return _REFERENCE.sub(said, _ON_A_PICTURE.sub("", text))
