"""PDFs: what a reader sees on the pages becomes what a narrator reads."""

from __future__ import annotations

import pytest

from services.chunker.documents.document import ChapterStart, Document, Heading, Paragraph
from services.chunker.documents.pdf import reader
from shared.errors import BadSource
from shared.protocol.narration import Narration
from tests.unit.chunker.made_pdfs import LEFT, RIGHT, TOP, Pdf, Text, below, prose, written

FIRST = (
    "The lighthouse stood at the end of the long pier, and nobody in the town remembered who had built it or when the"
    " lamp had been lit for the first time. Its keeper was an old man who spoke little and slept less."
)
SECOND = (
    "In the winter of that year the sea rose higher than it had risen in the memory of the oldest sailor, and the pier"
    " was broken in two places. The keeper stayed where he was and kept the lamp burning for nine nights in a row."
)
THIRD = (
    "When the storm was over, the people went out in their boats to bring him bread and oil. They found the door open,"
    " the lamp alight, and a letter on the table that was addressed to all of them together and to no one at all."
)


def read(pdf: Pdf | bytes, **narration: bool) -> Document:
    return reader.read(pdf if isinstance(pdf, bytes) else pdf.bytes(), Narration(**narration))  # type: ignore[arg-type]  # kinds are all bool


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, (Heading, Paragraph))]


def headings(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Heading)]


def omitted(document: Document) -> dict[str, tuple[int, str]]:
    return {omission.kind: (omission.count, omission.sample) for omission in document.omissions}


def stack(*paragraphs: str, y: float = TOP, gap: float = 18.0, **how: float) -> list[Text]:
    """Paragraphs one below the other."""
    made: list[Text] = []
    for words in paragraphs:
        made += prose(words, y, **how)  # type: ignore[arg-type]  # places and sizes
        y = below(made, gap)
    return made


def test_lines_are_joined_to_paragraphs() -> None:
    assert texts(read(Pdf().page(*stack(FIRST, SECOND, THIRD)))) == [FIRST, SECOND, THIRD]


def test_paragraphs_that_only_an_indent_parts() -> None:
    made: list[Text] = []
    for words in (FIRST, SECOND, THIRD):
        made += prose(words, below(made) if made else TOP, indent=15)
    assert texts(read(Pdf().page(*made))) == [FIRST, SECOND, THIRD]


def test_columns_are_read_one_after_the_other_below_a_title_that_stands_above_both() -> None:
    left = stack(FIRST, SECOND, y=140, right=296.0)
    right = stack(THIRD, FIRST, y=140, x=316.0)
    pdf = Pdf().page(
        Text(150, 100, "The Lighthouse of the North", 16, "bold"),
        *[text for pair in zip(left, right, strict=False) for text in pair],
        *left[len(right) :],
        *right[len(left) :],
    )
    document = read(pdf)
    assert texts(document) == ["The Lighthouse of the North", FIRST, SECOND, THIRD, FIRST]
    assert document.title == "The Lighthouse of the North"


def test_columns_whose_lines_are_not_side_by_side_are_read_one_after_the_other() -> None:
    left = stack(FIRST, SECOND, THIRD, y=140, right=296.0)
    right = stack(THIRD, SECOND, FIRST, y=145, x=316.0)
    across = prose("What stands across both columns is read before them. " * 3, 100)
    too_long = Text(LEFT, below(left, 10.0), "a = (one_name_that_is_long, another_that_is_long)", 10, "mono")
    document = read(Pdf().page(*across, *sorted([*left, *right], key=lambda text: text.y), too_long))
    assert texts(document)[1:] == [FIRST, SECOND, THIRD, THIRD, SECOND, FIRST]
    assert omitted(document)["code"][0] == 1


def test_the_last_page_of_a_paper_has_its_columns_though_they_are_short() -> None:
    full = [*stack(FIRST, SECOND, THIRD, y=100, right=296.0), *stack(THIRD, SECOND, FIRST, y=105, x=316.0)]
    short = [*prose("Some words that end it.", 100, right=296.0), *prose("And some words of thanks.", 100, x=316.0)]
    document = read(Pdf().page(*full).page(*short))
    assert texts(document)[-2:] == ["Some words that end it.", "And some words of thanks."]


def test_the_words_in_a_picture_are_left_out_and_the_heading_above_it_is_not() -> None:
    labels = [Text(LEFT + 40 * at, 220 + 15 * at, words, 8) for at, words in enumerate(("0 32 64", "Fill", "Seconds"))]
    pdf = Pdf().page(
        *prose(FIRST, 100),
        Text(LEFT, 190, "The Winter", 10, "bold"),
        *labels,
        Text(LEFT, 280, "Figure 2a: How high the sea rose", 10),
        *prose(SECOND, 320),
    )
    document = read(pdf)
    assert texts(document) == [FIRST, "The Winter", SECOND]
    assert omitted(document)["figure"] == (3, "0 32 64")


def test_a_footnote_whose_mark_is_drawn_apart_is_one() -> None:
    pdf = Pdf().page(*prose(FIRST, 100), Text(LEFT, 700, "1", 8), Text(LEFT + 4, 704, "Sailors call it the sea.", 9))
    document = read(pdf)
    assert texts(document) == [FIRST]
    assert omitted(document)["footnote"][0] == 1


def test_a_paragraph_goes_on_in_the_next_column_and_on_the_next_page() -> None:
    words = f"{FIRST} {SECOND} {THIRD}"
    lines = prose(words, TOP, right=296.0)
    ys = sorted({text.y for text in lines})
    third = len(ys) // 3
    parts = [
        [text for text in lines if low <= ys.index(text.y) < high]
        for low, high in ((0, third), (third, 2 * third), (2 * third, len(ys)))
    ]

    def moved(part: list[Text], x: float) -> list[Text]:
        top = min(text.y for text in part)
        return [Text(text.x - LEFT + x, text.y - top + TOP, text.words, text.size, text.font) for text in part]

    pdf = Pdf().page(*moved(parts[0], LEFT), *moved(parts[1], 316.0)).page(*moved(parts[2], LEFT))
    assert texts(read(pdf)) == [words]


def test_running_heads_feet_and_page_numbers_are_left_out() -> None:
    pdf = Pdf()
    for number, words in enumerate((FIRST, SECOND, THIRD, FIRST), 17):
        pdf.page(
            Text(LEFT, 40, "The Lighthouse" if number % 2 else f"Chapter {number}", 8),
            *stack(words),
            Text(300, 760, str(number)),
        )
    document = read(pdf)
    assert texts(document) == [FIRST, SECOND, THIRD, FIRST]
    assert omitted(document)["page furniture"][0] == 8


def test_the_title_with_a_page_number_is_a_running_head_on_one_page_only() -> None:
    pdf = (
        Pdf(info={"Title": "The Lighthouse"})
        .page(*stack(FIRST))
        .page(Text(LEFT, 40, "2 The Lighthouse", 8), *stack(SECOND))
    )
    document = read(pdf)
    assert texts(document) == [FIRST, SECOND]
    assert omitted(document)["page furniture"] == (1, "2 The Lighthouse")


@pytest.mark.parametrize(
    ("ends", "begins", "joined"),
    [
        ("the light-", "house keeper of the town.", "lighthouse"),
        ("a well-", "known keeper of the town.", "well-known"),
        ("the XHTML-", "Based pages of the town.", "XHTML-Based"),
    ],
)
def test_hyphens_at_line_ends_are_joined(ends: str, begins: str, joined: str) -> None:
    pdf = Pdf().page(
        *stack("A well-known man. " + FIRST),
        Text(LEFT, 300, "He was for many long years and in every kind of weather " + ends),
        Text(LEFT, 312, begins),
    )
    assert joined in texts(read(pdf))[-1]


def test_headings_are_found_by_size_and_weight_and_have_levels() -> None:
    pdf = Pdf().page(
        Text(LEFT, 80, "The Storm", 18),
        *prose(FIRST, 120),
        Text(LEFT, 170, "1.1 The ninth night", 10, "bold"),
        *prose(SECOND, 190),
        Text(LEFT, 260, "After the Storm", 18),
        *prose(THIRD, 290),
    )
    document = read(pdf)
    found = [(block.text, block.level) for block in document.blocks if isinstance(block, Heading)]
    assert found == [("The Storm", 1), ("1.1 The ninth night", 2), ("After the Storm", 1)]


def test_the_outline_names_the_chapters() -> None:
    pdf = Pdf(outline=[("Night", 0, 60), ("Morning", 1, 60)])
    pdf.page(Text(LEFT, 80, "1  Night", 14), *stack(FIRST, y=120)).page(
        Text(LEFT, 80, "2  Morning", 14), *stack(SECOND, y=120)
    )
    starts = [block.title for block in read(pdf).blocks if isinstance(block, ChapterStart)]
    assert starts == ["1 Night", "2 Morning"]


def test_footnotes_are_left_out_or_read() -> None:
    pdf = Pdf().page(
        *stack(FIRST),
        Text(LEFT, 200, "Nobody knew his name."),
        Text(LEFT + 21 * 5, 196, "1", 6),
        Text(LEFT + 21 * 5 + 6, 200, "They called him keeper."),
        Text(LEFT, 700, "1", 5),
        Text(LEFT + 5, 703, "His name was in the letter.", 8),
    )
    document = read(pdf)
    assert texts(document)[-1] == "Nobody knew his name. They called him keeper."
    assert omitted(document)["footnote"] == (1, "His name was in the letter.")
    assert omitted(document)["footnote mark"][0] == 1
    assert texts(read(pdf, notes=True))[-1] == "His name was in the letter."


def test_exponents_stay() -> None:
    pdf = Pdf().page(
        *stack(FIRST),
        Text(LEFT, 200, "There were 10"),
        Text(LEFT + 13 * 5, 196, "6", 6),
        Text(LEFT + 70, 200, " waves in a night of the winter."),
    )
    assert texts(read(pdf))[-1].startswith("There were 10\u2076 waves")


def test_tables_captions_code_and_contents_are_left_out() -> None:
    rows = [
        Text(LEFT + 150 * column, 400 + 14 * row, f"{'abc'[column]}{row} cell")
        for row in range(4)
        for column in range(3)
    ]
    contents = [Text(LEFT, 600 + 12 * row, f"{row} A chapter of it {'. ' * 20} {row * 10}") for row in range(1, 5)]
    pdf = Pdf().page(
        *stack(FIRST),
        Text(LEFT, 200, "x = load(path)", 10, "mono"),
        Text(LEFT + 20, 212, "return x", 10, "mono"),
        *prose(SECOND, 250),
        Text(LEFT, 380, "Table 1: Waves and nights"),
        *rows,
        *contents,
    )
    document = read(pdf)
    assert texts(document) == [FIRST, SECOND]
    assert {kind: count for kind, (count, _) in omitted(document).items()} == {
        "code": 1,
        "caption": 1,
        "table": 1,
        "contents": 1,
    }
    everything = texts(read(pdf, code=True, tables=True, captions=True))
    assert everything[1:3] == ["x = load(path)", "return x"]
    assert "Table 1: Waves and nights" in everything
    assert "a0 cell; b0 cell; c0 cell" in everything


@pytest.mark.parametrize(
    ("stated", "title"),
    [
        ("The Stated Title", "The Stated Title"),
        ("Microsoft Word - draft7.doc", "The Keeper of the Light"),
        ("untitled", "The Keeper of the Light"),
        ("thesis.dvi", "The Keeper of the Light"),
        ("", "The Keeper of the Light"),
    ],
)
def test_a_title_that_is_rubbish_is_replaced_by_the_largest_text(stated: str, title: str) -> None:
    pdf = Pdf(info={"Title": stated, "Author": "A. Writer"}, language="de-CH")
    pdf.page(Text(LEFT, 90, "The Keeper of the", 20), Text(LEFT, 114, "Light", 20), *stack(FIRST, SECOND, y=180))
    document = read(pdf)
    assert (document.title, document.author, document.language) == (title, "A. Writer", "de-CH")


def test_lists_keep_their_items_apart_and_lose_their_bullets() -> None:
    pdf = Pdf().page(
        *stack(FIRST),
        Text(LEFT + 10, 200, "\u2022"), *prose(SECOND, 200, x=LEFT + 22),
        Text(LEFT + 10, 250, "\u2022"), Text(LEFT + 22, 250, "a short one"),
        Text(LEFT + 10, 262, "\u2022"), Text(LEFT + 22, 262, "another short one"),
    )  # fmt: skip
    items = [block.text for block in read(pdf).blocks if isinstance(block, Paragraph) and block.role == "item"]
    assert items == [SECOND, "a short one", "another short one"]


def test_text_is_read_in_the_order_of_the_page_not_of_the_file() -> None:
    lines = stack(FIRST, SECOND)
    assert texts(read(Pdf().page(*reversed(lines)))) == [FIRST, SECOND]


def scan() -> bytes:
    """A page with a picture and no text."""
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 5 0 R /Resources << /XObject << /I 4 0 R >> >> >>"
    )
    picture = b"<< /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length 1 >>"
    return written(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page,
            picture + b"\nstream\n\x80\nendstream",
            b"<< /Length 22 >>\nstream\nq 9 0 0 9 0 0 cm /I Do Q\nendstream",
        ],
        1,
    )


def test_a_scan_says_that_it_is_one_and_what_to_do() -> None:
    with pytest.raises(BadSource, match="is a scan") as caught:
        read(scan())
    assert "OCR" in caught.value.hint


def test_an_encrypted_file_says_so() -> None:
    made = Pdf().page(*stack(FIRST)).bytes()
    encrypt = (
        b"/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O (%s) /U (%s) >> /ID [(0123456789abcdef) (0)]"
        % (b"o" * 32, b"u" * 32)
    )
    with pytest.raises(BadSource, match="encrypted"):
        read(made.replace(b"/Info", encrypt + b" /Info"))


def test_what_is_no_pdf_is_refused() -> None:
    with pytest.raises(BadSource, match="broken"):
        read(b"%PDF-1.7\nand then nothing of the kind")


def test_right_edges_are_where_the_tests_think() -> None:
    assert max(text.x + len(text.words) * text.size / 2 for text in stack(FIRST)) == pytest.approx(RIGHT)


def test_accents_that_are_drawn_over_letters_join_with_them() -> None:
    pdf = Pdf().page(
        *stack(FIRST), Text(LEFT, 200, "Sch"), Text(LEFT + 15, 200, "\u00a8"), Text(LEFT + 15, 200, "one Zeiten")
    )
    assert texts(read(pdf))[-1] == "Sch\u00f6ne Zeiten"


def test_bold_words_before_an_indented_text_are_a_term_and_a_bold_sentence_is_no_heading() -> None:
    pdf = Pdf().page(
        *stack(FIRST),
        Text(LEFT, 200, "Keeper", 10, "bold"),
        *prose(SECOND, 212, x=LEFT + 20),
        Text(LEFT, 300, "The lamp must never go out, not even in the worst of nights, and", 10, "bold"),
        Text(LEFT, 312, "whoever lets it go out is no keeper."),
    )
    assert headings(read(pdf)) == []


def test_a_file_of_another_kind_by_the_same_name_is_an_error_that_says_so() -> None:
    with pytest.raises(BadSource, match="broken"):
        read(b"These are words.")


def test_a_heading_before_a_paragraph_whose_first_line_is_indented_is_one() -> None:
    pdf = Pdf().page(Text(LEFT, 100, "The Winter", 10, "bold"), *prose(FIRST, 120, indent=15), *prose(SECOND, 240))
    assert headings(read(pdf)) == ["The Winter"]
