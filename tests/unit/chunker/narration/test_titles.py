"""A chapter's number and its title are one heading, and no title is said twice in a row."""

from __future__ import annotations

import pytest

from services.chunker.documents.document import ChapterStart, Document, Heading, Paragraph
from services.chunker.narration.titles import joined


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("Chapter 1", "The Title", ["Chapter 1. The Title"]),
        ("Kapitel IV", "Der Titel", ["Kapitel IV. Der Titel"]),
        ("Chapitre premier", "Le titre", ["Chapitre premier. Le titre"]),
        ("\u7b2c\u4e00\u7ae0", "\u984c", ["\u7b2c\u4e00\u7ae0. \u984c"]),
        ("IV.", "The Title", ["IV. The Title"]),
        ("3", "The Title", ["3. The Title"]),
        ("The Title", "THE TITLE", ["The Title"]),
        ("1. The Title", "The Title", ["1. The Title"]),
        ("Part One", "Chapter 1", ["Part One", "Chapter 1"]),
        ("The Book", "The Chapter", ["The Book", "The Chapter"]),
    ],
)
def test_two_headings_in_a_row(first: str, second: str, said: list[str]) -> None:
    blocks = (ChapterStart("A title", 1), Heading(first, 1), Heading(second, 2), Paragraph("Text."))
    made = joined(Document(blocks))
    assert [block.text for block in made.blocks if isinstance(block, Heading)] == said
    assert made.blocks[-1] == Paragraph("Text.")


def test_headings_with_text_between_stay_apart() -> None:
    blocks = (Heading("Chapter 1", 1), Paragraph("Text."), Heading("The Title", 1))
    assert joined(Document(blocks)).blocks == blocks


def test_a_chapter_does_not_lose_its_beginning() -> None:
    made = joined(Document((Heading("Chapter 1", 2), Heading("The Title", 2), Paragraph("Text."))))
    assert made.blocks[0] == Heading("Chapter 1. The Title", 2, starts_chapter=True)
