from __future__ import annotations

import pytest

from services.chunker.documents.document import Block, ChapterStart, Document, Heading, Paragraph
from services.chunker.narration.passages import InLanguages, in_languages

ENGLISH = "It was a bright cold day, and the clocks were striking thirteen while she slipped quickly through the doors."
ENGLISH_TOO = "The hallway smelt of boiled cabbage and old rag mats, and nobody had ever thought of opening a window."
GERMAN = (
    "Als er eines Morgens aus unruhigen Träumen erwachte, fand er sich in seinem Bett, und draußen regnete es noch."
)
FRENCH = (
    "Longtemps, elle s'est couchée de bonne heure, et parfois ses yeux se fermaient si vite qu'elle n'entendait rien."
)
SPANISH = (
    "En un lugar de cuyo nombre no quiero acordarme vivía hace mucho tiempo un hidalgo que leía demasiados libros."
)
RUSSIAN = "Все счастливые семьи похожи друг на друга, а каждая несчастливая семья несчастлива по-своему, сказала она."  # noqa: RUF001 - Cyrillic
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で泣いていた。"


def known(
    *blocks: Block | str, language: str | None = None, said: str | None = None, title: str | None = None
) -> InLanguages:
    made = tuple(Paragraph(block) if isinstance(block, str) else block for block in blocks)
    return in_languages(Document(blocks=made, language=language, title=title), said)


def marks(found: InLanguages) -> list[str | None]:
    return [block.language for block in found.document.blocks if isinstance(block, (Heading, Paragraph))]


@pytest.mark.parametrize(
    ("text", "language"),
    [(ENGLISH, "en"), (GERMAN, "de"), (FRENCH, "fr"), (SPANISH, "es"), (RUSSIAN, "ru"), (JAPANESE, "ja")],
)
def test_a_document_that_states_no_language_is_in_that_of_its_text(text: str, language: str) -> None:
    found = known(text)
    assert (found.language, marks(found), found.warnings) == (language, [None], ())


@pytest.mark.parametrize(
    "text", ["Hello world", "1234", "Guten Tag", "def main(argv): return argv", "Müller, Schmidt, Huber, Becker", "…"]
)
def test_a_text_that_is_no_sentence_is_in_the_default_language(text: str) -> None:
    assert known(text).language == "en"


def test_what_the_document_states_counts_with_its_region() -> None:
    assert known(GERMAN, language="de_AT").language == "de-AT"
    assert known("Servus.", language="de").language == "de"


def test_a_language_that_the_text_clearly_contradicts_does_not_count_and_that_is_said() -> None:
    found = known(GERMAN, GERMAN, language="en")
    assert found.language == "de"
    assert marks(found) == [None, None]
    assert "says that it is in English (en), but its text is in German (de)" in found.warnings[0]


def test_a_half_translated_book_is_in_the_language_of_its_title_and_not_in_the_stated_one_of_the_original() -> None:
    title = "Eine kurze Geschichte der Druckerei und ihrer Bücher"
    half = (GERMAN, GERMAN, GERMAN, ENGLISH)
    assert known(*half, language="en", title=title).language == "de"
    assert known(*half, language="en", title="A Brief History of Printing").language == "en"
    assert known(*half, language="en").language == "en"


def test_an_ideograph_counts_as_much_as_it_takes_to_say() -> None:
    japanese = "この文書は、加えた変更点を明確に記していれば自由に再配布、改変ができます。"
    found = known(japanese, japanese, ENGLISH, title="Debian 小史", language="en")
    assert found.language == "ja"


@pytest.mark.parametrize("stated", ["English", "x" * 40, "", "12"])
def test_what_is_no_language_tag_is_as_if_nothing_were_stated(stated: str) -> None:
    assert known(GERMAN, language=stated).language == "de"


def test_the_job_knows_better_than_document_and_text_and_hears_of_the_difference() -> None:
    found = known(GERMAN, GERMAN, language="de", said="fr")
    assert found.language == "fr"
    assert marks(found) == [None, None]  # all of it is spoken by one voice, as it was asked for
    assert "French (fr), but it seems to be in German (de)" in found.warnings[0]


def test_languages_that_a_short_text_does_not_tell_apart_are_no_contradiction() -> None:
    danish = (
        "Der var engang en prins, som ville have sig en prinsesse, men det skulle være en rigtig prinsesse, sagde han."
    )
    assert known(danish, danish, language="no").language == "no"


def test_a_passage_in_another_language_is_marked() -> None:
    found = known(ENGLISH, GERMAN, ENGLISH_TOO)
    assert (found.language, marks(found)) == ("en", [None, "de", None])


def test_a_short_line_between_two_passages_belongs_to_them() -> None:
    assert marks(known(ENGLISH, ENGLISH_TOO, ENGLISH, FRENCH, "Oui.", FRENCH, ENGLISH_TOO)) == [
        *(None, None, None),
        *("fr", "fr", "fr"),
        None,
    ]


def test_a_heading_right_before_a_passage_is_spoken_by_the_same_voice() -> None:
    blocks = (Heading("Chapter One", 1), ENGLISH, ENGLISH_TOO, Heading("Zweites Kapitel", 1), GERMAN)
    assert marks(known(*blocks)) == [None, None, None, "de", "de"]


def test_a_short_foreign_phrase_is_left_to_the_voice_of_the_document() -> None:
    assert marks(known(ENGLISH, "C'est la vie, dit-elle.", ENGLISH_TOO)) == [None, None, None]


def test_names_and_code_are_in_no_language() -> None:
    names = "Müller, Schmidt, Meier, Huber, Schneider, Hofmann, Bauer, Wagner, Becker, Schäfer, Koch, Richter, Klein"
    code = Paragraph("für jede zeile in der datei gib aus was in ihr steht und höre dann damit auf", role="code")
    assert marks(known(ENGLISH, names, code, ENGLISH_TOO)) == [None, None, None, None]


def test_a_paragraph_that_only_begins_with_a_quotation_is_not_in_its_language() -> None:
    mixed = f"{GERMAN} {GERMAN} {ENGLISH} {ENGLISH_TOO} {ENGLISH} {ENGLISH_TOO}"
    assert marks(known(ENGLISH, mixed, ENGLISH_TOO)) == [None, None, None]


def test_a_mark_of_the_source_counts_however_short_the_text_is() -> None:
    found = known(ENGLISH, Paragraph("Ja.", language="de_AT"), Paragraph("Yes.", language="en-GB"))
    assert marks(found) == [None, "de-AT", None]


def test_a_mark_that_the_text_clearly_contradicts_does_not_count() -> None:
    template = Paragraph(f"{ENGLISH} {ENGLISH_TOO}", language="de")
    assert marks(known(ENGLISH, template, ENGLISH_TOO)) == [None, None, None]


def test_blocks_that_are_not_spoken_stay_where_they_are() -> None:
    found = known(ChapterStart("Kapitel", 1), GERMAN)
    assert found.document.blocks == (ChapterStart("Kapitel", 1), Paragraph(GERMAN))


def test_a_heading_in_the_documents_language_stays_there_before_a_passage_that_nobody_has_translated() -> None:
    blocks = (SPANISH, SPANISH, Heading("1.1. El comienzo", 2), ENGLISH, SPANISH)
    assert marks(known(*blocks)) == [None, None, None, "en", None]


def test_a_short_line_in_the_documents_language_between_two_passages_stays_there() -> None:
    assert marks(known(SPANISH, SPANISH, SPANISH, ENGLISH, "Una nota para el lector.", ENGLISH_TOO)) == [
        *(None, None, None),
        "en",
        None,
        "en",
    ]
