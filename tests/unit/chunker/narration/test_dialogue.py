from __future__ import annotations

import pytest

from services.chunker.documents.document import Block, Document, Heading, Paragraph
from services.chunker.narration import dialogue

SCRIPT = (
    "HOST: Welcome to the show.",
    "GUEST: Thank you, it is good to be here.",
    "HOST: Tell us what you do.",
    "GUEST: I look after a lighthouse.",
)


def document(*texts: str | Block) -> Document:
    return Document(blocks=tuple(Paragraph(text) if isinstance(text, str) else text for text in texts))


def said(found: Document) -> list[tuple[str | None, str]]:
    return [(block.speaker, block.text) for block in found.blocks if isinstance(block, Paragraph)]


def who(*texts: str | Block, mapped: tuple[str, ...] = ()) -> list[str | None]:
    return [speaker for speaker, _ in said(dialogue.with_speakers(document(*texts), mapped))]


def test_a_script_has_speakers_and_their_names_are_no_part_of_the_text() -> None:
    assert said(dialogue.with_speakers(document(*SCRIPT))) == [
        ("HOST", "Welcome to the show."),
        ("GUEST", "Thank you, it is good to be here."),
        ("HOST", "Tell us what you do."),
        ("GUEST", "I look after a lighthouse."),
    ]


def test_names_are_spelled_as_at_first_and_may_have_several_words_and_a_direction() -> None:
    lines = ("Dr. Ana de la Cruz: Yes.", "山田: はい。", "DR. ANA DE LA CRUZ (laughing): No.", "山田: いいえ。")
    assert who(*lines) == ["Dr. Ana de la Cruz", "山田"] * 2


@pytest.mark.parametrize(
    "texts",
    [
        ("Note: This is important.", "Text.", "Note: So is this.", "Warning: And this.", "Warning: And that."),
        ("Hinweis: Das ist so.", "Achtung: Das nicht.", "Hinweis: Doch.", "Achtung: Nein."),
        ("Host: string", "Port: number", "Host: optional", "Port: 8080 by default"),
        ("There is one thing: It rains.", "There is one thing: It pours.") * 2,
        ("Apple: A fruit.", "Bread: A food.", "Cherry: Another fruit.", "Date: A fruit as well."),
        SCRIPT[:3],
        (*SCRIPT, *["A paragraph of an article that goes on and on."] * 9, SCRIPT[0]),
        ("ONE: A monologue.", "ONE: That goes on.", "ONE: And on.", "ONE: And ends.", "TWO: A word.", "TWO: Two."),
        ("https://example.org: a page.", "12:30: Lunch.", "https://example.org: a page.", "12:30: Lunch."),
    ],
)
def test_what_only_looks_like_a_script_is_left_as_it_is(texts: tuple[str, ...]) -> None:
    before = document(*texts)
    assert dialogue.with_speakers(before) == before


def test_names_that_the_job_maps_are_speakers_in_any_case() -> None:
    assert who("Note: This is said by a note.", "And this too.", mapped=("NOTE",)) == ["Note", "Note"]
    assert who("HOST: One line.", mapped=("Guest",)) == [None]


def test_who_speaks_once_in_a_script_has_a_voice_too() -> None:
    assert who(*SCRIPT, "CALLER: Hello!", *SCRIPT) == [*["HOST", "GUEST"] * 2, "CALLER", *["HOST", "GUEST"] * 2]


def test_a_paragraph_without_a_name_goes_on_with_the_turn_and_one_in_brackets_is_the_narrators() -> None:
    found = who(*SCRIPT, "It is far away.", "(A pause.)", "Very far.", Heading("Part two", 1), "They went home.")
    assert found[4:] == ["GUEST", None, "GUEST", None]


def test_speakers_of_transcripts_stay_and_are_made_fit_for_a_manifest() -> None:
    found = who(
        Paragraph("Hi.", speaker="A:=B \x00"), Paragraph("Ho.", speaker="x" * 99), Paragraph("Hm.", speaker=":")
    )
    assert found == ["A B", "x" * 64, None]


def test_names_of_those_without_a_voice_of_their_own_are_spoken_when_their_turn_comes() -> None:
    found = dialogue.with_speakers(document(*SCRIPT, "It is far away."))
    named = dialogue.with_names(found, lambda name: name == "HOST")
    assert [text for _, text in said(named)] == [
        "Welcome to the show.",
        "GUEST: Thank you, it is good to be here.",
        "Tell us what you do.",
        "GUEST: I look after a lighthouse.",
        "It is far away.",
    ]
    assert dialogue.speakers(named) == ["HOST", "GUEST"]
    assert not dialogue.narrator_speaks(named)
    assert dialogue.narrator_speaks(document("Text."))
