"""What a job would speak: a few lines for people, the text, or one JSON document for programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.cli.columns import Column, rows, terminal_width
from services.cli.durations import length
from services.cli.estimates import Pace, cost, pace_reason, price_line
from shared.protocol.preview import Preview, PreviewChapter, PreviewChunk
from shared.text import one_line

_SAMPLE_SHOWN_CHARACTERS: Final = 50
_WIDE: Final = re.compile("[\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff60]")
_INSIDE_A_PARAGRAPH: Final = frozenset({"none", "sentence"})


@dataclass(frozen=True)
class Shown:
    """A preview, with what this command knows besides.

    Attributes:
        preview: what would be spoken.
        price: for a million characters; 0: none.
        pace: how fast episodes are made.
    """

    preview: Preview
    price: float
    pace: Pace

    @property
    def seconds_to_make(self) -> float:
        """How long making the episode will take."""
        return self.preview.estimated_seconds * self.pace.factor


def document(shown: Shown) -> dict[str, Any]:
    """The JSON form.

    `title`, `author`, `language`, `voice`; `seconds`, `characters` and `chunks` of all; `cost` (null: no price) and
    `seconds_to_make`; `chapters`, each with `number`, `title`, `level`, `seconds`, `characters` and `text`, whose
    paragraphs are separated by an empty line; `omissions`, each with `kind`, `reason`, `count` and `sample`; `repairs`
    (what was wrong with the document, and how it was read after all) and `warnings` (what would not be spoken as it
    should be, such as a voice of another language).
    """
    preview = shown.preview
    price = cost(preview.characters, shown.price)
    return {
        "title": preview.title,
        "author": preview.author,
        "language": preview.language,
        "voice": preview.voice,
        "seconds": preview.estimated_seconds,
        "characters": preview.characters,
        "chunks": preview.chunk_count,
        "cost": None if price is None else round(price, 4),
        "seconds_to_make": round(shown.seconds_to_make, 1),
        "chapters": [
            {
                "number": chapter.number,
                "title": chapter.title,
                "level": chapter.level,
                "seconds": chapter.estimated_seconds,
                "characters": chapter.characters,
                "text": "\n\n".join(paragraphs(chapter.chunks)),
            }
            for chapter in preview.chapters
        ],
        "omissions": [omission.model_dump(mode="json") for omission in preview.omissions],
        "repairs": list(preview.repairs),
        "warnings": list(preview.warnings),
    }


def lines(shown: Shown) -> list[str]:
    """The same for people, without the text."""
    preview, pace = shown.preview, shown.pace
    about = [
        ("author", preview.author),
        ("language", preview.language),
        ("voice", preview.voice),
        ("length", f"about {length(preview.estimated_seconds)}"),
        ("text", f"{preview.characters:,} characters in {preview.chunk_count:,} chunks"),
        ("cost", price_line(preview.characters, shown.price)),
        ("to make", f"about {length(shown.seconds_to_make)}, {pace_reason(pace)}"),
    ]
    return [
        one_line(preview.title),
        *(f"  {name:<9} {one_line(value)}" for name, value in about if value),
        *(f"  warning: {one_line(warning)}" for warning in preview.warnings),
        *_chapters(preview.chapters),
        *_sentences("repaired in the document:", preview.repairs),
        *_omissions(preview),
    ]


def text(preview: Preview) -> list[str]:
    """What is spoken, chapter by chapter."""
    shown: list[str] = []
    for chapter in preview.chapters:
        spoken = paragraphs(chapter.chunks)
        title = one_line(chapter.title)
        if spoken and one_line(spoken[0]) == title:
            spoken = spoken[1:]
        else:
            title = f"({title}, which is not spoken)"
        shown += ["", f"[{chapter.number}] {title}"]
        for paragraph in spoken:
            shown += ["", one_line(paragraph)]
    return shown


def paragraphs(chunks: Sequence[PreviewChunk]) -> list[str]:
    """The texts of chunks, put together to paragraphs."""
    found: list[str] = []
    is_open = False
    for chunk in chunks:
        if is_open:
            found[-1] = _joined(found[-1], chunk.text)
        else:
            found.append(chunk.text)
        is_open = chunk.pause_after in _INSIDE_A_PARAGRAPH
    return found


def _joined(before: str, after: str) -> str:
    """Two pieces of a paragraph: nothing separates ideographs."""
    return before + ("" if _WIDE.match(before[-1:]) and _WIDE.match(after[:1]) else " ") + after


def _chapters(chapters: Sequence[PreviewChapter]) -> list[str]:
    columns = [Column("CHAPTER", right=True), Column("LENGTH", right=True), Column("TITLE", rest=True)]
    highest = min((chapter.level for chapter in chapters), default=1)
    cells = [
        [
            str(chapter.number),
            length(chapter.estimated_seconds),
            "  " * min(chapter.level - highest, 4) + one_line(chapter.title),
        ]
        for chapter in chapters
    ]
    return ["", *rows(columns, cells, width=terminal_width())]


def _sentences(heading: str, sentences: Sequence[str]) -> list[str]:
    return ["", heading, *(f"  {one_line(sentence)}" for sentence in sentences)] if sentences else []


def _omissions(preview: Preview) -> list[str]:
    if not preview.omissions:
        return []
    shown = ["", "left out of the speech:"]
    for omission in preview.omissions:
        sample = one_line(omission.sample)
        if len(sample) > _SAMPLE_SHOWN_CHARACTERS:
            sample = sample[:_SAMPLE_SHOWN_CHARACTERS].rstrip() + "…"
        begins = f" (“{sample}”)" if sample else ""
        shown.append(f"  {omission.count} {one_line(f'{omission.kind}: {omission.reason}')}{begins}")
    return shown
