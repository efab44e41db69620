"""What is on a page: pieces of text in one style, with their place. Measured in points from the upper left corner."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """What a font looks like, as far as it tells what a text is."""

    bold: bool = False
    italic: bool = False
    mono: bool = False
    math: bool = False


@dataclass(slots=True)
class GlyphRun:
    """Characters that follow one another on one baseline in one style.

    Attributes:
        text: may begin with a space, if one precedes it on its line.
        x0: left end.
        x1: right end.
        y: its baseline.
        size: of the font.
        style: of the font.
    """

    text: str
    x0: float
    x1: float
    y: float
    size: float
    style: Style


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is shown.

    Attributes:
        width: in points.
        height: in points.
        pieces: in the order in which the file draws them.
        turned: text that runs in another direction, as on the margin.
        pictures: how many pictures it has.
    """

    width: float
    height: float
    pieces: list[GlyphRun]
    turned: str = ""
    pictures: int = 0


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline.

    Attributes:
        title: its words.
        level: 1 is the highest.
        page: number of the page that it leads to, from 0.
        y: where on the page; None: at its top.
    """

    title: str
    level: int
    page: int
    y: float | None


@dataclass(frozen=True, slots=True)
class About:
    """What the file says about itself; each may be empty."""

    title: str = ""
    author: str = ""
    language: str = ""
