"""The fields at the head of the guides that YARD shows, which are comments to it and headings or lists to pandoc.

# @title A Guide
# @markup textile
"""

from __future__ import annotations

import re
from typing import Final

_FIELDS: Final = re.compile(r"\A\s{0,100}(?:#[ \t]{0,9}@[a-z_]{1,30}\b[^\n]{0,500}(?:\n|\Z)){1,20}")
_TITLE: Final = re.compile(r"#[ \t]*@title[ \t]+(\S[^\n]*)")
_HEADING: Final = re.compile(r"\s{0,100}(?:#{1,6}[ \t]|h[1-6]\. |[^\n]{1,200}\n(?:={3,}|-{3,}))")


def with_title(text: str, mark: str) -> str:
    """The text without such fields. Their title becomes its first heading, unless it begins with one.

    Args:
        text: a guide.
        mark: what stands before a heading in its markup.
    """
    fields = _FIELDS.match(text)
    if fields is None:
        return text
    rest = text[fields.end() :]
    title = _TITLE.search(fields[0])
    if title is None or _HEADING.match(rest):
        return rest
    return f"{mark} {title[1].strip()}\n\n{rest}"
