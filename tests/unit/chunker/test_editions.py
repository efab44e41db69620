"""An edit is spoken anew where it is and nowhere else; a job begins with a short chunk, which moves no boundary."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chunker import manifests
from services.chunker.documents.document import Block, Document, Heading, Paragraph
from services.chunker.documents.packed import Packed
from services.chunker.sentences import cut
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobRequest, TextSource
from shared.protocol.narration import Narration
from shared.settings import Settings
from tests.end_to_end.texts import sentence

PARAGRAPHS = 150
SENTENCES = 4
"""Of a paragraph: more than one chunk."""
WORDS = ["the", "light", "that", "no", "one", "saw", "went", "round", "over", "water", "before", "217", "steps"]

paragraphs = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=30), min_size=1, max_size=6).map(
    lambda sentences: " ".join(" ".join(words).capitalize() + "." for words in sentences)
)
edits = st.sampled_from(["edit", "insert", "delete"])


def book() -> list[Block]:
    """Ten chapters."""
    blocks: list[Block] = []
    for number in range(PARAGRAPHS):
        if number % (PARAGRAPHS // 10) == 0:
            blocks.append(Heading(f"Chapter number {number}", 1))
        first = number * SENTENCES
        blocks.append(Paragraph(" ".join(sentence(first + offset) for offset in range(SENTENCES))))
    return blocks


def manifest(
    blocks: list[Block], *, is_exact: bool = False, chapters: str | None = None, normalise: bool = False
) -> Manifest:
    packed = Packed.of(Document(tuple(blocks), language="en", is_exact=is_exact))
    narration = Narration(chapters=chapters, normalise=normalise)
    job = JobRequest(source=TextSource(text="-"), language="en", narration=narration)
    made, _ = manifests.build(job, packed, Settings(), name="book")
    return Manifest.model_validate_json(made)


def spoken(blocks: list[Block]) -> list[str]:
    return [chunk.audio_key for chunk in manifest(blocks).chunks]


TITLE = Heading("A title", 1)
BOOK = book()
KEYS = spoken(BOOK)


def test_the_book_has_hundreds_of_chunks_of_several_a_paragraph() -> None:
    assert 300 <= len(KEYS) == len(set(KEYS))


@given(at=st.integers(0, len(BOOK) - 1), kind=edits, text=paragraphs)
@settings(max_examples=30, deadline=None)
def test_a_paragraph_edited_inserted_or_deleted_changes_its_own_chunks_alone(at: int, kind: str, text: str) -> None:
    added = [] if kind == "delete" else [Paragraph(text)]
    removed = [] if kind == "insert" else [BOOK[at]]
    new = spoken([*BOOK[:at], *added, *BOOK[at + len(removed) :]])
    own = {*spoken([TITLE, *added]), *spoken([TITLE, *removed])}
    if at <= 1:  # what a job begins with is cut once more: a neighbour
        own |= {*spoken(BOOK[: at + 2]), *spoken([*added, *BOOK[at + len(removed) :][:2]])}
    assert [key for key in new if key not in own] == [key for key in KEYS if key not in own]


def row(number: int) -> str:
    """A sentence of a length that all of them have: chunks that are only filled up never get back into step."""
    return f"Row {number:05d} of this table has the value {number * 7919 % 10**6:06d} in green."


def word(number: int) -> str:
    """Some of a transcript without punctuation."""
    pick = random.Random(number)  # noqa: S311 - not a secret
    return f"{pick.choice(WORDS)} {pick.choice(WORDS)} {number}"


@pytest.mark.parametrize("unit", [row, word])
@given(at=st.integers(0, 1_999), kind=edits, length=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_an_edit_in_a_paragraph_of_any_length_moves_only_boundaries_near_it(
    unit: Callable[[int], str], at: int, kind: str, length: int
) -> None:
    def chunks(numbers: list[int]) -> list[str]:
        text = " ".join(map(unit, numbers))
        return [piece.text for piece in cut(text, limit_characters=400, target_characters=200, language="en")]

    added = [] if kind == "delete" else list(range(50_000, 50_000 + length))
    after = list(range(2_000))
    after[at : at + (0 if kind == "insert" else length)] = added
    before, new = chunks(list(range(2_000))), chunks(after)
    changed = [chunk for chunk in new if chunk not in set(before)]
    assert len(new) > 70
    assert len(changed) <= 30


def test_the_first_chunk_is_its_first_sentence_and_no_other_boundary_moves() -> None:
    long = Paragraph(" ".join(sentence(number) for number in range(2)))
    alone, second = manifest([long]), manifest([Heading("Title", 1), long])
    assert [chunk.text for chunk in alone.chunks] == [sentence(0), sentence(1)]
    assert [chunk.pause_after for chunk in alone.chunks] == ["sentence", "none"]
    assert [chunk.text for chunk in second.chunks] == ["Title", long.text]


def test_a_first_sentence_that_is_long_is_cut_at_a_clause() -> None:
    clause = "and the light went round over the dark water for all of that night"
    made = manifest([Paragraph(f"It was late, {clause}, {clause}, {clause}, {clause}.")])
    assert made.chunks[0].text == f"It was late, {clause},"
    assert made.chunks[0].pause_after == "none"
    assert len(made.chunks) == 2


@pytest.mark.parametrize(
    "text",
    [
        "It was a bright cold day in April, and the clocks were striking thirteen.",  # short enough
        "This sentence has a good number of words, so it takes a while to speak, and a short one follows. It does.",
        "word " * 60,
    ],
)
def test_a_first_chunk_without_a_good_place_stays_whole(text: str) -> None:
    assert [chunk.text for chunk in manifest([Paragraph(text)]).chunks] == [text.strip()]


def test_chapters_begin_where_they_did_behind_a_first_chunk_that_was_cut() -> None:
    made = manifest([*BOOK[1:3], Heading("Two", 1), BOOK[4]])
    titles = [made.chunks[chapter.first_chunk].text for chapter in made.chapters]
    assert titles == [sentence(0), "Two"]
    assert [chunk.index for chunk in made.chunks] == list(range(len(made.chunks)))


def test_the_first_of_the_chosen_chapters_begins_with_a_short_chunk_too() -> None:
    blocks: list[Block] = [Heading("One", 1), Paragraph("A first."), BOOK[1]]
    assert manifest(blocks, chapters="1").chunks[0].text == "One"


def test_a_plan_is_cut_as_it_says() -> None:
    text = " ".join(sentence(number) for number in range(2))
    assert [chunk.text for chunk in manifest([Paragraph(text)], is_exact=True).chunks] == [text]


def test_a_first_chunk_is_said_as_the_whole_would_be() -> None:
    text = "Dr. Ames paid $1,299.99 for it on the 3rd of May, 1984, at 4.30 p.m. He had seen it in 1911, in the rain."
    first, second = manifest([Paragraph(text)], normalise=True).chunks
    assert first.written == text.partition(" He")[0]
    assert "1984" not in first.text
    assert second.text.startswith("He had seen it")


def test_a_job_at_the_limit_of_chunks_gets_no_more() -> None:
    document = Document((Paragraph(" ".join(sentence(number) for number in range(2))),), language="en")
    job = JobRequest(source=TextSource(text="-"), language="en")
    made, chunks = manifests.build(job, Packed.of(document), Settings(chunks_limit=1), name="book")
    assert (chunks, len(Manifest.model_validate_json(made).chunks)) == (1, 1)
