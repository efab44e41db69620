"""Which lines are no running text: contents, footnotes, tables, captions, formulas."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

from services.chunker.documents.pdf.lines import TextLine
from services.chunker.documents.pdf.measures import Measures
from services.chunker.documents.pdf.passages import Kind

_LEADER = re.compile(
    r"(?:[.\u2026\u00b7_]\s?){4,}\s*(?:\d{1,4}|[ivxlcdm]{1,8}|[A-Z]-\d{1,3})?\s*$|(?:[.\u2026\u00b7]\s?){8,}",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{1,4}|[ivxlcdm]{1,7}|[A-Z]-\d{1,3}", re.IGNORECASE)
_CONTENTS_TITLE = re.compile(
    r"(?:table of |brief )?contents|list of (?:tables|figures)|inhalt|inhaltsverzeichnis|table des mati\u00e8res"
    r"|sommaire|\u00edndice(?: general)?|indice|sommario|sum\u00e1rio|inhoud|inhoudsopgave|spis tre\u015bci"
    r"|\u0441\u043e\u0434\u0435\u0440\u0436\u0430\u043d\u0438\u0435"
    r"|\u043e\u0433\u043b\u0430\u0432\u043b\u0435\u043d\u0438\u0435|inneh\u00e5ll|\u76ee\u6b21|\u76ee\u5f55",
    re.IGNORECASE,
)
_CAPTION = re.compile(
    r"(?:fig(?:ure|\.)|table|tab\.|abb(?:ildung|\.)|tabelle|tableau|figura|cuadro|quadro|tabla|tabela|tabella|listing|algorithm|rysunek"
    r"|\u0440\u0438\u0441\.|\u0442\u0430\u0431\u043b\u0438\u0446\u0430|\u56f3|\u8868|\u56fe)\s*(?:[A-Z]|\d+[a-z]?|[IVXL]+)(?:[.-]\d+[a-z]?)*\s*(?:[.:\u2014\u2013|]|$)",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"fig|abb|rysunek|\u0440\u0438\u0441|\u56f3|\u56fe", re.IGNORECASE)
_NOTE_MARK = re.compile(r"(?:\[?\d{1,3}[\].)]?|[*\u2020\u2021\u00a7]{1,3})\s*\S")
_MARK_ALONE = re.compile(r"\d{1,3}|[*\u2020\u2021\u00a7]{1,3}")
_DRAWN = re.compile(r"(?:[-_=|+\u2500-\u257f]\s*){8}")
_SMALL: Final = 0.93
_MOSTLY: Final = 0.6
_MATHEMATICAL: Final = 0.4
_ALIGNED_POINTS: Final = 4.0
_FORMULA = re.compile(r"[^\W\d_]{4,}")


def kinds(pages: list[list[TextLine]], measures: Measures) -> dict[int, Kind]:
    """What lines are, by the `id` of the line; running text is not in it."""
    found: dict[int, Kind] = {}
    _contents([line for page in pages for line in page], found)
    for page in pages:  # entries of several lines on a page of contents
        if sum(found.get(id(line)) == "contents" for line in page) >= _MOSTLY * max(1, len(page)):
            found.update({id(line): "contents" for line in page})
    for page in pages:
        columns: dict[int, list[TextLine]] = defaultdict(list)
        for line in page:
            columns[line.column].append(line)
        for column in columns.values():
            _footnotes(column, measures, found)
            _tables(column, found)
    for page in pages:
        for line in page:
            if id(line) not in found and _DRAWN.search(line.text):
                found[id(line)] = "table"
            if id(line) not in found and line.math >= _MATHEMATICAL and not _is_prose(line, measures):
                found[id(line)] = "math"
    return found


def _is_prose(line: TextLine, measures: Measures) -> bool:
    """A line of text with many formulas has words between them, and fills its column."""
    return len(_FORMULA.findall(line.text)) >= 3 and line.x0 - line.left < 2 * measures.size


def is_caption(text: str) -> bool:
    """Whether a paragraph that begins like this belongs to a figure, a table or a listing."""
    return _CAPTION.match(text) is not None


def is_figure(text: str) -> bool:
    """Whether a caption is one of a picture, which may have words in it."""
    return _FIGURE.match(text) is not None


def _contents(lines: list[TextLine], found: dict[int, Kind]) -> None:
    hits = [
        bool(_LEADER.search(line.text)) or (len(line.cells) > 1 and _NUMBER.fullmatch(line.cells[-1][2]) is not None)
        for line in lines
    ]
    index = 0
    while index < len(lines):
        if not hits[index]:
            index += 1
            continue
        start = end = index
        count = leaders = 0
        while index < len(lines) and index - end <= 3:
            if hits[index]:
                end = index
                count += 1
                leaders += bool(_LEADER.search(lines[index].text))
            index += 1
        titled = next(
            (
                at
                for at in range(start - 1, max(-1, start - 8), -1)
                if _CONTENTS_TITLE.fullmatch(lines[at].text.strip(" .:"))
            ),
            None,
        )
        if leaders >= 3 or (titled is not None and count >= 3):
            for line in lines[start if titled is None else titled : end + 1]:
                found[id(line)] = "contents"
        index = end + 1


def _footnotes(column: list[TextLine], measures: Measures, found: dict[int, Kind]) -> None:
    """Small lines at the foot of a column, from the first that begins with a mark."""
    start = len(column)
    while start > 0 and column[start - 1].size <= _SMALL * measures.size and not column[start - 1].mono:
        start -= 1
    while start < len(column) and not (
        column[start].raised_start
        or _NOTE_MARK.match(column[start].text)
        or (_MARK_ALONE.fullmatch(column[start].text) and start + 1 < len(column))
    ):
        start += 1
    if start == 0 and len(column) > 3:
        return
    for line in column[start:]:
        found.setdefault(id(line), "footnote")


def _tables(column: list[TextLine], found: dict[int, Kind]) -> None:
    """Rows with cells that begin at the same places, and the lines between them that go on with a cell."""
    index = 0
    while index < len(column):
        if not _has_cells(column[index], found):
            index += 1
            continue
        start = end = index
        rows = [column[index]]
        index += 1
        while index < len(column) and index - end <= 4:
            if _has_cells(column[index], found) and _align(rows, column[index]):
                rows.append(column[index])
                end = index
            elif not _goes_on(rows, column[index]):
                break
            index += 1
        wide = sum(len(row.cells) >= 3 for row in rows)
        if len(rows) >= 3 or (len(rows) >= 2 and wide >= 2):
            while end + 1 < len(column) and id(column[end + 1]) not in found and _in_later_cell(rows, column[end + 1]):
                end += 1
            for line in column[start : end + 1]:
                found.setdefault(id(line), "table")
        index = end + 1


def _has_cells(line: TextLine, found: dict[int, Kind]) -> bool:
    return len(line.cells) > 1 and not line.is_list_mark and id(line) not in found


def _align(rows: list[TextLine], line: TextLine) -> bool:
    places = [cell[0] for row in rows[-8:] for cell in row.cells[1:]] + [
        cell[1] for row in rows[-8:] for cell in row.cells[1:]
    ]
    return any(abs(place - at) <= _ALIGNED_POINTS for cell in line.cells[1:] for at in cell[:2] for place in places)


def _goes_on(rows: list[TextLine], line: TextLine) -> bool:
    """Whether a line with one cell may be the rest of a cell above it."""
    if len(line.cells) > 1:
        return False
    places = [cell[0] for row in rows[-8:] for cell in row.cells]
    narrow = line.x1 - line.x0 < 0.75 * max(1.0, line.right - line.left)
    return narrow and any(abs(place - line.x0) <= _ALIGNED_POINTS for place in places)


def _in_later_cell(rows: list[TextLine], line: TextLine) -> bool:
    places = [cell[0] for row in rows[-8:] for cell in row.cells[1:]]
    return len(line.cells) == 1 and any(abs(place - line.x0) <= _ALIGNED_POINTS for place in places)
