"""Writes a plan. What begins like a mark is escaped by a backslash, so any text can be in a plan."""

from __future__ import annotations

import re
from typing import Final

from shared.plans import marks
from shared.plans.model import (
    FIRST_WORDS,
    HEADER_END,
    NAMES,
    VERSION,
    Block,
    ChapterMark,
    Comment,
    Item,
    PlanLine,
    SpeechPlan,
)

_LIKE_A_MARK: Final = re.compile(r"#|\{|=|\+|\\|<!--|-->")


def write(plan: SpeechPlan) -> str:
    """The text of a plan."""
    header = [f"{name}: {one_line(plan.header[name])}" for name in NAMES if name in plan.header]
    parts = ["\n".join((f"{FIRST_WORDS}{VERSION}", *header, HEADER_END))]
    parts += ["\n".join(lines_of(item)) for item in plan.items]
    return "\n\n".join(parts) + "\n"


def lines_of(item: Item) -> list[str]:
    """The lines of a plan that say this."""
    match item:
        case Comment(label=label, lines=lines):
            return [f"<!-- {_label(label)}", *lines, "-->"]
        case ChapterMark():
            above = marks.write("" if item.is_spoken else "unspoken", {"language": item.language})
            return [*above, f"{'#' * item.level} {one_line(item.title)}", *_say(item.say)]
        case Block():
            values = {"speaker": item.speaker, "language": item.language}
            above = marks.write("heading" if item.is_heading else "", values)
            return [*above, *(written for line in item.lines for written in _line(line))]


def one_line(text: str) -> str:
    """A text without line breaks."""
    return " ".join(text.split())


def _line(line: PlanLine) -> list[str]:
    text = one_line(line.text)
    if line.goes_on:
        return [f"+ {text}", *_say(line.say)]
    return ["\\" + text if _LIKE_A_MARK.match(text) else text, *_say(line.say)]


def _say(say: str) -> list[str]:
    return [f"= {one_line(say)}"] if say else []


def _label(label: str) -> str:
    return one_line(label).replace("-->", "->")
