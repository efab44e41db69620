"""The written pieces add up to the block, and what is spoken of each is never empty and never over the limit."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.chunker.documents.document import Omissions
from services.chunker.speakable import SPEAKABLE, leave_out_decoration, normalise
from services.chunker.spoken_pieces import SpokenPiece, spoken_pieces
from services.chunker.wording.saying import Said, say


def normalised(text: str, language: str, heading: bool) -> Said:  # a `Saying`
    return say(text, language, heading=heading)


def pieces(text: str, limit: int = 400, omissions: Omissions | None = None) -> list[SpokenPiece]:
    return spoken_pieces(
        text,
        limit_characters=limit,
        target_characters=min(limit, 200),
        language="en",
        heading=False,
        saying=normalised,
        omissions=Omissions() if omissions is None else omissions,
    )


awkward = st.sampled_from(
    [
        "In 1984 it cost $1,299.99. ",
        "[1] ",
        "[2, 3]. ",
        "9" * 45,
        "d41d8cd98f00b204e9800998ecf8427e ",
        "\U0001f600",
        "Dr. No. ",
    ]
)


@given(
    text=st.lists(st.one_of(awkward, st.text(max_size=40)), max_size=8).map("".join),
    limit=st.sampled_from([40, 60, 400]),
)
@settings(max_examples=300, deadline=None)
@example(text="987654321 " * 30, limit=60)
@example(text="[1] Yes. [2]", limit=40)
def test_written_pieces_add_up_and_spoken_ones_are_within_the_limit(text: str, limit: int) -> None:
    block = leave_out_decoration(normalise(text))[0]
    if not block:
        return
    found = pieces(block, limit)
    for piece in found:
        assert SPEAKABLE.search(piece.text)
        assert len(piece.text) <= limit
    if found:
        assert "".join(piece.written for piece in found).replace(" ", "") == block.replace(" ", "")
    else:
        assert not SPEAKABLE.search(say(block, "en").text) or len(block) > limit


def test_a_piece_whose_spoken_form_is_over_the_limit_is_cut_smaller() -> None:
    block = "The numbers are 1,234,567 and 2,345,678 and 3,456,789 and 4,567,890 as well."
    found = pieces(block, 200)
    assert len(found) > 1
    assert " ".join(piece.written for piece in found) == block
    assert " ".join(piece.text for piece in found) == say(block, "en").text
    assert [piece.ends_sentence for piece in found][-1]


def test_what_cannot_be_cut_smaller_is_spoken_as_it_is_written() -> None:
    [piece] = pieces("9" * 40, 40)
    assert piece.text == piece.written == "9" * 40


def test_a_piece_with_nothing_to_say_becomes_a_part_of_its_neighbour() -> None:
    omissions = Omissions()
    long = "This sentence is long enough to stand alone as a piece of its own, is it not."
    hashes = " ".join(["d41d8cd98f00b204e9800998ecf8427e"] * 3)
    found = pieces(f"{long} {hashes}.", 100, omissions)
    assert [piece.text for piece in found] == [long]
    assert found[0].written == f"{long} {hashes}."
    assert [(each.kind, each.count) for each in omissions] == [("hash", 3)]


@pytest.mark.parametrize("text", ["d41d8cd98f00b204e9800998ecf8427e", "[1]"])
def test_a_block_with_nothing_to_say_is_an_omission(text: str) -> None:
    omissions = Omissions()
    assert pieces(text, omissions=omissions) == []
    assert len(list(omissions)) == 1
