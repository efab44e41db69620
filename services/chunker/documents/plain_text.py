"""Joins lines that were broken only to fit: every format joins them the same way."""

from __future__ import annotations

import re

_WIDE = "\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff60"
_BREAK_BETWEEN_WIDE = re.compile(rf"(?<=[{_WIDE}])[^\S\n]*\n\s*(?=[{_WIDE}])")


def join_lines(text: str) -> str:
    """Join lines: a space for each line break, and nothing between ideographs, which are written without spaces."""
    return " ".join(_BREAK_BETWEEN_WIDE.sub("", text).split())
