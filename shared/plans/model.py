"""What a plan consists of. Parsing a plan and writing it gives the same text, if it was written here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

FIRST_WORDS: Final = "--- podcast plan "
"""A file that begins with this is a plan, whatever its name is; the version follows."""
VERSION: Final = 1
HEADER_END: Final = "---"
EXPLANATIONS: Final = ("How to edit this", "Left out of the speech")
"""Labels of the comments at the beginning, which have no text of the document."""
LEVELS_LIMIT: Final = 32
"""Deepest level of a chapter."""
NAMES: Final = ("title", "author", "language", "voice")
"""What the header may say."""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line: what one call to a speech server speaks.

    Attributes:
        text: as it is written; captions show it.
        say: as it is spoken; empty: as the rules say it.
        goes_on: the line continues the sentence of the line before it, so there is no pause between them.
    """

    text: str
    say: str = ""
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or a heading inside a chapter: lines without an empty one in between.

    Attributes:
        lines: at least one.
        is_heading: a longer pause follows.
        speaker: who says it.
        language: BCP 47 tag; None: that of the plan.
    """

    lines: tuple[PlanLine, ...]
    is_heading: bool = False
    speaker: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class ChapterMark:
    """A chapter begins here.

    Attributes:
        title: in one line.
        level: 1 is the highest.
        is_spoken: whether the title is also spoken.
        say: how it is spoken; empty: as the rules say it.
        language: BCP 47 tag; None: that of the plan.
    """

    title: str
    level: int = 1
    is_spoken: bool = True
    say: str = ""
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """What is not spoken: lines of a plan between `<!-- label` and `-->`. Without these two lines they are spoken.

    Attributes:
        label: in one line.
        lines: as they stand in the file.
    """

    label: str
    lines: tuple[str, ...] = ()


Item = ChapterMark | Block | Comment


@dataclass(frozen=True, slots=True)
class SpeechPlan:
    """A plan.

    Attributes:
        items: in order.
        header: name → value; see `NAMES`.
    """

    items: tuple[Item, ...]
    header: dict[str, str] = field(default_factory=dict)


def is_plan(start: bytes) -> bool:
    """Whether a file that begins with these bytes is a plan."""
    return start.removeprefix(b"\xef\xbb\xbf").startswith(FIRST_WORDS.encode())
