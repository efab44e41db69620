"""Title and author of an OpenDocument text, of which pandoc reads neither.

The file's own description comes first. A file that names no title shows one on its first page: in the style for titles,
or in the largest letters.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.chunker.documents import archives
from services.chunker.speakable import SPEAKABLE

_META_BYTES: Final = 200_000
_CONTENT_BYTES: Final = 4_000_000
"""Of `content.xml` and `styles.xml`: styles, and the first page behind them."""
_PAGE_CHARACTERS: Final = 60_000
_PARAGRAPHS_LIMIT: Final = 20
_PARAGRAPH_CHARACTERS: Final = 300
"""A longer one is running text: a title page has ended before it."""
_TITLE_CHARACTERS: Final = 250
_LARGER: Final = 1.25
"""The letters of a title are at least so many times as large as those of the text."""
_USUAL_POINTS: Final = 12.0
_PARENTS_LIMIT: Final = 10

_FIELD: Final = re.compile(r"<(dc:title|meta:initial-creator|dc:creator)\b[^<>]{0,200}>([^<>]{1,1000})<")
_STYLE: Final = re.compile(r"<style:style\b([^<>]{1,1000}[^/<>])>(.{0,3000}?)</style:style>", re.DOTALL)
_STYLE_ALONE: Final = re.compile(r"<style:style\b([^<>]{1,1000})/>")
_USUAL: Final = re.compile(
    r'<style:default-style style:family="paragraph">.{0,2000}?fo:font-size="(\d{1,3}(?:\.\d{1,3})?)pt"', re.DOTALL
)
_NAME: Final = re.compile(r'\bstyle:name="([^"]{1,200})"')
_PARENT: Final = re.compile(r'\bparent-style-name="([^"]{1,200})"')
_SIZE: Final = re.compile(r'\bfo:font-size="(\d{1,3}(?:\.\d{1,3})?)pt"')
_TITLE_STYLE: Final = re.compile(r"(?:title|titel|titre|t\u00edtulo|titolo)", re.IGNORECASE)
_PART: Final = re.compile(
    r"(?P<empty><text:p\b[^<>]{0,500}/>)"
    r"|<text:p\b(?P<named>[^<>]{0,500})>(?P<inside>.{0,4000}?)</text:p>"
    r"|<(?:text:(?:p|h|list|table-of-content|numbered-paragraph)|table:table)\b",
    re.DOTALL,
)
"""The last alternative is where a first page ends: anything but a short paragraph."""
_STYLE_NAME: Final = re.compile(r'\btext:style-name="([^"]{1,200})"')
_SPACE: Final = re.compile(r"<text:(?:s|tab|line-break)\b[^<>]{0,100}/>")
_NOT_WORDS: Final = re.compile(r"<(office:annotation|text:note|draw:frame)\b.{0,3000}?</\1>", re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")


@dataclass(frozen=True, slots=True)
class TitleAndAuthor:
    """What a file calls itself.

    Attributes:
        title: None if neither the file nor its first page has one.
        author: who created it, by the file's description; None if that names nobody.
    """

    title: str | None = None
    author: str | None = None


def named(data: bytes) -> TitleAndAuthor:
    """Title and author.

    Args:
        data: the archive; its unpacked size has been checked.
    """
    fields = {
        name: text
        for name, found in _FIELD.findall(_text(archives.head(data, "meta.xml", _META_BYTES)))
        if (text := " ".join(html.unescape(found).split()))
    }
    title = fields.get("dc:title") or _of_first_page(data)
    return TitleAndAuthor(title, fields.get("meta:initial-creator") or fields.get("dc:creator"))


def _text(part: bytes) -> str:
    return part.decode("utf-8", "replace")


def _of_first_page(data: bytes) -> str | None:
    content = _text(archives.head(data, "content.xml", _CONTENT_BYTES))
    begin = content.find("<office:text")
    if begin < 0:
        return None
    styles = _Styles(_text(archives.head(data, "styles.xml", _CONTENT_BYTES)), content[:begin])
    lines = _lines(content[begin : begin + _PAGE_CHARACTERS], styles)
    called = [line for line in lines if line.is_title]
    if called:
        return _joined(lines, called[0], lambda line: line.is_title)
    largest = max((line.points for line in lines), default=0.0)
    if largest < _LARGER * styles.usual_points:
        return None
    first = next(line for line in lines if line.points == largest)
    return _joined(lines, first, lambda line: line.points == largest)


@dataclass(frozen=True, slots=True)
class _Line:
    """A paragraph of the first page: its words, the size of its letters, whether its style is one for titles."""

    words: str
    points: float
    is_title: bool


def _joined(lines: list[_Line], first: _Line, belongs: Callable[[_Line], bool]) -> str | None:
    """The title that begins with `first`: one that is set in several lines goes on in those that follow."""
    words: list[str] = []
    for line in lines[lines.index(first) :]:
        if not belongs(line):
            break
        words.append(line.words)
    title = " ".join(words)
    return title if len(title) <= _TITLE_CHARACTERS else None


def _lines(page: str, styles: _Styles) -> list[_Line]:
    """The paragraphs with words before the first heading, list or table; none behind one that is long."""
    lines: list[_Line] = []
    for part in _PART.finditer(page):
        if part["empty"]:
            continue
        inside = part["inside"]
        if inside is None or len(lines) == _PARAGRAPHS_LIMIT:
            break
        shown = _NOT_WORDS.sub("", inside)
        words = " ".join(html.unescape(_TAG.sub("", _SPACE.sub(" ", shown))).split())
        if len(words) > _PARAGRAPH_CHARACTERS:
            break
        if not SPEAKABLE.search(words):
            continue
        style = _found(_STYLE_NAME, part["named"])
        points = max([styles.points(style), *(styles.points(each, 0.0) for each in _STYLE_NAME.findall(shown))])
        lines.append(_Line(words, points, styles.is_title(style)))
    return lines


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


class _Styles:
    """The styles of a document.

    Args:
        parts: of its files, those that define styles.

    Attributes:
        usual_points: the size of letters where no style says another.
    """

    def __init__(self, *parts: str) -> None:
        self._parents: dict[str, str] = {}
        self._sizes: dict[str, float] = {}
        usual = ""
        for part in parts:
            usual = usual or _found(_USUAL, part)
            for attributes, inside in [*_STYLE.findall(part), *((alone, "") for alone in _STYLE_ALONE.findall(part))]:
                name = _found(_NAME, attributes)
                self._parents.setdefault(name, _found(_PARENT, attributes))
                if size := _found(_SIZE, inside):
                    self._sizes.setdefault(name, float(size))
        self.usual_points = float(usual) if usual else _USUAL_POINTS

    def _line_of(self, name: str) -> list[str]:
        """A style, and those that it is made of."""
        line: list[str] = []
        while name and len(line) < _PARENTS_LIMIT:
            line.append(name)
            name = self._parents.get(name, "")
        return line

    def points(self, name: str, usual: float | None = None) -> float:
        """The size of its letters; `usual` where it has none of its own."""
        sizes = (self._sizes[each] for each in self._line_of(name) if each in self._sizes)
        return next(sizes, self.usual_points if usual is None else usual)

    def is_title(self, name: str) -> bool:
        """Whether it is one for titles."""
        return any(_TITLE_STYLE.fullmatch(each) for each in self._line_of(name))
