"""Chapters are chosen by the numbers that a preview of the whole document shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chunker.chapter_choice import chosen
from services.chunker.documents.document import Heading, Paragraph
from services.chunker.splitting import Split
from shared.errors import BadSource
from shared.protocol.messages import JobRequest, TextSource
from shared.protocol.narration import Narration
from shared.protocol.preview import Preview
from tests.unit.chunker.test_previews import Previewer
from tests.unit.chunker.test_splitting import split

BOOK = "\n\n".join(f"# Part {name}\n\nThis is what part {name} says, and no other part." for name in "ABCDE")


def a_book(titles: str = "ABCDE") -> Split:
    return split(*(block for title in titles for block in (Heading(title, 1), Paragraph(f"What {title} says."))))


@pytest.mark.parametrize(
    ("ranges", "titles", "numbers"),
    [
        ("1", "A", (1,)),
        ("2-4", "BCD", (2, 3, 4)),
        ("4-", "DE", (4, 5)),
        ("5,1-2,2", "ABE", (1, 2, 5)),
        ("1-5", "ABCDE", (1, 2, 3, 4, 5)),
    ],
)
def test_only_the_chosen_chapters_are_spoken_in_the_documents_order(
    ranges: str, titles: str, numbers: tuple[int, ...]
) -> None:
    found = chosen(a_book(), ranges)
    assert found.numbers == numbers
    assert [chapter.title for chapter in found.chapters] == list(titles)
    assert [chunk.text for chunk in found.chunks] == [
        text for title in titles for text in (title, f"What {title} says.")
    ]
    assert [chunk.chapter for chunk in found.chunks] == [index for index in range(len(titles)) for _ in range(2)]
    assert [chapter.first_chunk for chapter in found.chapters] == list(range(0, 2 * len(titles), 2))
    assert [chunk.pause_after for chunk in found.chunks[1::2]] == ["chapter"] * (len(titles) - 1) + ["none"]
    left_out = {omission.kind: omission.count for omission in found.omissions}
    assert left_out.get("chapter", 0) == 5 - len(titles)


def test_without_a_choice_nothing_changes() -> None:
    book = a_book()
    assert chosen(book, None) is book


@pytest.mark.parametrize(
    ("ranges", "names"),
    [("6", "no chapter 6"), ("2-7", "no chapter 7"), ("9-", "no chapter 9"), ("4-2", "4-2 go backwards")],
)
def test_a_chapter_that_is_not_there_is_refused_with_the_list(ranges: str, names: str) -> None:
    with pytest.raises(BadSource, match=names) as refused:
        chosen(a_book(), ranges)
    if "no chapter" in names:
        assert refused.value.hint == "The document has 5 chapters: 1 A; 2 B; 3 C; 4 D; 5 E."


def test_the_list_of_a_long_book_is_cut() -> None:
    with pytest.raises(BadSource) as refused:
        chosen(split(*(block for _ in range(300) for block in (Heading("T" * 500, 1), Paragraph("Words.")))), "301")
    assert len(refused.value.hint) < 2_000
    assert refused.value.hint.endswith("and 280 more, which `podcast preview` shows.")


@pytest.mark.anyio
@pytest.mark.usefixtures("one_loop")
async def test_a_preview_and_a_job_choose_alike_and_the_audio_is_the_same(tmp_path: Path) -> None:
    harness = Previewer(tmp_path)
    source = TextSource(text=BOOK, format="markdown")
    narration = Narration(chapters="2,4-")

    preview = await harness.make(harness.draft(source, narration=narration).request)
    whole = await harness.chunk(JobRequest(job_id="whole", source=source))
    part = await harness.chunk(JobRequest(job_id="part", source=source, narration=narration))

    assert isinstance(preview, Preview)
    assert [(chapter.number, chapter.title) for chapter in preview.chapters] == [
        (2, "Part B"),
        (4, "Part D"),
        (5, "Part E"),
    ]
    assert [chunk.text for chapter in preview.chapters for chunk in chapter.chunks] == [
        chunk.text for chunk in part.chunks
    ]
    assert {chunk.audio_key for chunk in part.chunks} < {chunk.audio_key for chunk in whole.chunks}
