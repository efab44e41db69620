"""Nothing is lost, nothing is said twice, and no sentence is cut unnecessarily."""

import re
import time
import unicodedata

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.chunker import splitting
from services.chunker.documents.document import Block, ChapterStart, Document, Heading, Paragraph
from services.chunker.speakable import SPEAKABLE, normalise
from shared.errors import BadSource, TooLarge

SPACE = " "


def split(*blocks: Block, limit: int = 400, target: int = 200, language: str = "en") -> splitting.Split:
    return splitting.split(
        Document(blocks=blocks),
        limit_characters=limit,
        target_characters=target,
        language=language,
        title="The Title",
        chunks_limit=1_000_000,
    )


def texts(*blocks: Block, limit: int = 400, target: int = 200, language: str = "en") -> list[str]:
    return [chunk.text for chunk in split(*blocks, limit=limit, target=target, language=language).chunks]


def assert_adds_up(paragraphs: list[str], chunks: list[str]) -> None:
    """Check that the chunks in order are the paragraphs, character for character, except for the space at a cut."""
    waiting = iter(chunks)
    for paragraph in paragraphs:
        rest = splitting.spoken(paragraph)
        while rest:
            chunk = next(waiting)
            assert rest.startswith(chunk)
            rest = rest[len(chunk) :].removeprefix(SPACE)
    assert list(waiting) == []


awkward = st.sampled_from(
    [
        "Dr. Smith paid $3.50 at 3 p.m. in the U.S. for it.",
        "See https://example.org/a/b?c=d&e=f#g, please.",
        "word " * 30,
        "x" * 300,
        "\u6f22\u5b57\u304b\u306a\u3002" * 40,
        "\u6f22" * 200,
        "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643. \u0643\u064a\u0641 \u062d\u0627\u0644\u0643\u061f " * 5,
        "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e04\u0e23\u0e31\u0e1a" * 20,
        "\u0928\u092e\u0938\u094d\u0924\u0947\u0964 " * 20,
        "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 12,
        "e\u0301\u0323" * 60,
        "\u1100" * 90,
        "...",
        "* * *",
        "." * 50,
        "\u201cNo.\u201d \u201cYes!\u201d \u2014 ",
        "a, b; c: d \u2014 e " * 12,
        "\u200b\u00ad\ufeff",
        "\U000e0067",
    ]
)
paragraphs_of_anything = st.lists(
    st.lists(st.one_of(st.text(max_size=60), awkward), max_size=6).map("".join), min_size=1, max_size=4
)


@given(
    paragraphs=paragraphs_of_anything, limit=st.sampled_from([40, 41, 60, 400]), target=st.sampled_from([1, 40, 200])
)
@settings(max_examples=300, deadline=None)
@example(paragraphs=["x" * 100_000], limit=40, target=40)
@example(paragraphs=["word " * 20_000], limit=400, target=200)
@example(paragraphs=["a" + "\u0301" * 500 + "b"], limit=40, target=40)
@example(paragraphs=["\U0001f600" * 16 + "a" + "\U0001f600" * 16 + "b" + "." * 16], limit=40, target=40)
def test_the_chunks_in_order_are_exactly_the_normalised_text(paragraphs: list[str], limit: int, target: int) -> None:
    blocks = [Paragraph(text) for text in paragraphs]
    if not any(map(splitting.spoken, paragraphs)):
        with pytest.raises(BadSource):
            split(*blocks, limit=limit, target=target)
        return
    chunks = texts(*blocks, limit=limit, target=target)
    assert_adds_up(paragraphs, chunks)
    for chunk in chunks:
        assert len(chunk) <= limit
        assert SPEAKABLE.search(chunk), "a speech engine would have nothing to say"
        assert chunk == chunk.strip()
        assert not unicodedata.category(chunk[0]).startswith("M") or any(
            splitting.spoken(text).startswith(chunk[0]) for text in paragraphs
        ), "a mark was cut off its letter"


@given(paragraphs=paragraphs_of_anything)
@settings(max_examples=200, deadline=None)
def test_what_is_left_out_has_no_letter_and_no_digit(paragraphs: list[str]) -> None:
    for text in paragraphs:
        kept, whole = splitting.spoken(text), normalise(text)
        assert [c for c in kept if c.isalnum()] == [c for c in whole if c.isalnum()]
        if kept and re.search(r"[\W_]{17}", whole) is None:
            assert kept == whole, "only a long run of decoration may go"


@given(text=st.one_of(st.text(max_size=200), st.lists(awkward, max_size=4).map("".join)))
@settings(max_examples=300, deadline=None)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert once == " ".join(once.split())
    assert unicodedata.is_normalized("NFC", once)


@given(
    cluster=st.sampled_from(
        ["\U0001f469\u200d\U0001f467a", "e\u0323\u0302", "\u0915\u094d\u0937\u093f", "\u6f22\ufe00"]
    )
)
@settings(deadline=None)
def test_a_word_over_the_limit_is_cut_between_grapheme_clusters(cluster: str) -> None:
    text = normalise(cluster * 100)
    clusters = regex.findall(r"\X", text)
    cut = [piece for chunk in texts(Paragraph(text), limit=41) for piece in regex.findall(r"\X", chunk)]
    assert cut == clusters


def test_sentences_stay_whole_and_share_a_chunk_up_to_the_target() -> None:
    one, two, three = (f"Sentence number {n} is here and it has some words in it." for n in ("one", "two", "three"))
    assert texts(Paragraph(f"{one} {two} {three}"), target=120) == [f"{one} {two}", three]
    assert texts(Paragraph(f"{one} {two} {three}"), target=1) == [one, two, three]


def test_abbreviations_decimals_and_addresses_end_no_sentence() -> None:
    sentences = [
        "Dr. Smith met Mrs. Jones at 3 p.m. in the garden.",
        "It cost $3.50, i.e. 1.5 times as much as before.",
        "All of it stands on https://example.org/a.b?c=d. for all to read.",
    ]
    assert texts(Paragraph(" ".join(sentences)), target=1) == sentences


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("No. This sentence has enough words.", ["No. This sentence has enough words."]),
        ("This sentence has enough words. No.", ["This sentence has enough words. No."]),
        ("Yes. No. Yes. No.", ["Yes. No. Yes. No."]),
        ("\u201cNo!\u201d", ["\u201cNo!\u201d"]),
    ],
)
def test_a_sentence_of_fewer_than_five_words_joins_a_neighbour(paragraph: str, expected: list[str]) -> None:
    assert texts(Paragraph(paragraph), target=1) == expected


def test_a_short_sentence_stays_alone_rather_than_break_the_limit() -> None:
    full = "Forty characters it has, this one, truly"
    assert len(full) == 40
    assert texts(Paragraph(f"{full[:-1]}. Yes. {full[:-1]}."), limit=40) == [f"{full[:-1]}.", "Yes.", f"{full[:-1]}."]


def test_paragraphs_are_never_merged() -> None:
    assert texts(Paragraph("No."), Paragraph("Yes.")) == ["No.", "Yes."]


def test_a_sentence_over_the_limit_is_cut_at_a_clause() -> None:
    clauses = "one two three four five six, seven eight nine ten eleven twelve, thirteen fourteen fifteen sixteen."
    assert texts(Paragraph(clauses), limit=60) == [
        "one two three four five six,",
        "seven eight nine ten eleven twelve,",
        "thirteen fourteen fifteen sixteen.",
    ]


def test_without_clauses_it_is_cut_at_a_space_and_never_inside_a_word() -> None:
    words = [f"word{n}" for n in range(100)]
    chunks = texts(Paragraph(" ".join(words)), limit=50)
    assert [word for chunk in chunks for word in chunk.split()] == words


def test_a_number_with_a_comma_is_no_clause() -> None:
    number = "1,234,567 " * 10
    assert all(word == "1,234,567" for chunk in texts(Paragraph(number), limit=45) for word in chunk.split())


def test_a_long_address_is_cut_at_its_punctuation() -> None:
    address = "https://example.org/" + "/".join(f"part{n}" for n in range(30))
    assert all(chunk.endswith(("/", "part29")) for chunk in texts(Paragraph(address), limit=60))


def test_japanese_is_cut_at_its_own_punctuation() -> None:
    sentence = "\u3053\u308c\u306f\u672c\u3067\u3059\u304c\u3001" * 20
    assert all(chunk.endswith("\u3001") for chunk in texts(Paragraph(sentence), limit=50, language="ja"))


def test_pauses_name_the_boundary_behind_a_chunk() -> None:
    long = "one two three four five six, seven eight nine ten eleven twelve"
    result = split(
        Heading("One", 1),
        Paragraph(f"{long}. Another sentence of five words."),
        Paragraph("The last of the chapter."),
        Heading("Two", 1),
        Paragraph("The end of it all."),
        limit=45,
        target=1,
    )
    assert [(chunk.text, chunk.pause_after) for chunk in result.chunks] == [
        ("One", "heading"),
        ("one two three four five six,", "none"),
        ("seven eight nine ten eleven twelve.", "sentence"),
        ("Another sentence of five words.", "paragraph"),
        ("The last of the chapter.", "chapter"),
        ("Two", "heading"),
        ("The end of it all.", "none"),
    ]


def test_chapters_carry_their_headings_and_what_is_before_them_the_title() -> None:
    result = split(
        Paragraph("Before."), Heading("One", 1), Paragraph("Text."), Heading("Deeper", 2), Paragraph("More.")
    )
    assert [(c.title, c.level, c.first_chunk) for c in result.chapters] == [
        ("The Title", 1, 0),
        ("One", 1, 1),
        ("Deeper", 2, 3),
    ]
    assert [chunk.chapter for chunk in result.chunks] == [0, 1, 1, 2, 2]


def test_a_chapter_of_the_table_of_contents_is_not_spoken_and_an_empty_one_is_no_chapter() -> None:
    result = split(ChapterStart("Cover", 1), ChapterStart("One", 1), Paragraph("Text."), ChapterStart("Index", 1))
    assert [chapter.title for chapter in result.chapters] == ["One"]
    assert [chunk.text for chunk in result.chunks] == ["Text."]


def test_a_scene_break_is_left_out_and_listed() -> None:
    result = split(Paragraph("One."), Paragraph("* * *"), Paragraph("Two."), Paragraph("* * *"))
    assert [chunk.text for chunk in result.chunks] == ["One.", "Two."]
    assert [(o.kind, o.count, o.sample) for o in result.omissions] == [("scene break", 2, "* * *")]


def test_dot_leaders_are_left_out_and_listed() -> None:
    result = split(Paragraph("Chapter One " + "." * 40 + " 17"))
    assert [chunk.text for chunk in result.chunks] == ["Chapter One 17"]
    assert [(o.kind, o.count) for o in result.omissions] == [("decoration", 1)]


def test_more_chunks_than_the_limit_are_refused_with_a_reason() -> None:
    with pytest.raises(TooLarge, match="more than 3 chunks"):
        splitting.split(
            Document(blocks=tuple(Paragraph("Text.") for _ in range(4))),
            limit_characters=400,
            target_characters=200,
            language="en",
            title="T",
            chunks_limit=3,
        )


@pytest.mark.parametrize(
    "piece",
    ["word ", "A. ", "a, ", "\u6f22", "x", "a\U0001f600", "http://a.b/c-d?e=f&", "This is one of many sentences. "],
)
def test_the_time_grows_with_the_length_and_no_faster(piece: str) -> None:
    def seconds(characters: int) -> float:
        started = time.process_time()
        split(Paragraph(piece * (characters // len(piece))))
        return time.process_time() - started

    seconds(20_000)  # warm up: some things are compiled once
    small = min(seconds(50_000) for _ in range(2))
    assert seconds(400_000) < 8 * 4 * small + 0.2, "eight times the text took more than 32 times as long"


def test_between_speakers_there_is_a_turn_and_within_one_a_short_pause() -> None:
    blocks = (
        Paragraph("Welcome.", speaker="HOST"),
        Paragraph("To the show.", speaker="HOST"),
        Paragraph("Thanks.", speaker="GUEST"),
        Paragraph("They shook hands."),
        Paragraph("And went."),
        Heading("Two", 1),
        Paragraph("Bye.", speaker="HOST"),
    )
    found = splitting.split(
        Document(blocks=blocks),
        limit_characters=400,
        target_characters=200,
        language="en",
        title="T",
        chunks_limit=99,
    )
    assert [(chunk.speaker, chunk.pause_after, chunk.ends_turn) for chunk in found.chunks] == [
        ("HOST", "sentence", False),
        ("HOST", "paragraph", True),
        ("GUEST", "paragraph", True),
        (None, "paragraph", False),
        (None, "chapter", False),
        (None, "heading", False),
        ("HOST", "none", False),
    ]
