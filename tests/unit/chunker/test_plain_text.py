"""Plain text is read as a person sees it: what its lines look like says what they are."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from services.chunker.documents.document import Document, Heading, Paragraph
from services.chunker.documents.text.reading import read as read_text
from services.chunker.narration import matter
from shared.protocol.narration import Narration

FILLER = (
    "The line goes on for as long as a line may, and then it is broken to fit the\n"
    "width of a page; what follows belongs to the same sentence, and a reader does\n"
    "not stop at the end of a line but only at the end of the sentence.\n"
)


def read(text: str, **narration: Any) -> Document:
    return read_text(text, Narration(**narration))


def headings(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Heading)]


def texts(document: Document, role: str = "") -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Paragraph) and role in ("", block.role)]


def omitted(document: Document) -> dict[str, int]:
    return {omission.kind: omission.count for omission in document.omissions}


# ---------------------------------------------------------------- headings


def test_underlined_headings_are_headings_without_their_rules() -> None:
    document = read(
        f"================\nThe Whole Manual\n================\n\n{FILLER}\n"
        f"Installation\n============\n{FILLER}\nOn a disk\n---------\n\n{FILLER}"
    )
    assert [(b.text, b.level) for b in document.blocks if isinstance(b, Heading)] == [
        ("The Whole Manual", 1), ("Installation", 2), ("On a disk", 3),
    ]  # fmt: skip
    assert document.title == "The Whole Manual"
    assert not any("=" in text or "--" in text for text in texts(document))


def test_a_rule_under_the_last_line_of_a_paragraph_is_no_underline() -> None:
    document = read(f"{FILLER}it ends here\n------------\n\n{FILLER}")
    assert headings(document) == []


def test_numbered_sections_are_chapters() -> None:
    document = read(
        f"1. Introduction\n\n{FILLER}\n1.1. Why\n\n{FILLER}\n2 Methods\n\n{FILLER}\nA.2.3 Tables of it\n\n{FILLER}"
    )
    assert headings(document) == ["1. Introduction", "1.1. Why", "2 Methods", "A.2.3 Tables of it"]
    assert [b.level for b in document.blocks if isinstance(b, Heading)] == [1, 2, 1, 3]


def test_a_numbered_list_is_a_list() -> None:
    document = read(f"{FILLER}\n1. Apples\n\n2. Pears\n\n3. Plums\n\n{FILLER}")
    assert headings(document) == []
    assert texts(document, "item") == ["1. Apples", "2. Pears", "3. Plums"]


def test_questions_that_are_numbered_are_chapters_also_if_one_ends_with_a_full_stop() -> None:
    document = read(f" 1. What is it?\n\n    {FILLER}\n 2. It does not work.\n\n    {FILLER}\n 3. Why?\n\n    {FILLER}")
    assert headings(document) == ["1. What is it?", "2. It does not work.", "3. Why?"]


@pytest.mark.parametrize(
    "line",
    [
        "CHAPTER IV",
        "Chapter 1: The Boy",
        "Part One",
        "Kapitel 3",
        "Erstes Kapitel",
        "Chapitre premier",
        "Cap\u00edtulo II",
        "Capitolo 5. La fine",
        "Cap\u00edtulo 7",
        "Hoofdstuk 2",
        "\u0413\u043b\u0430\u0432\u0430 \u043f\u0435\u0440\u0432\u0430\u044f",
        "\u0413\u043b\u0430\u0432\u0430 2. \u041d\u0430\u0447\u0430\u043b\u043e",
        "Preface",
        "Vorwort",
        "Pr\u00e9face",
        "\u041f\u0440\u043e\u043b\u043e\u0433",
        "THE KING IN YELLOW",
    ],
)
def test_a_line_that_names_a_chapter_is_a_heading(line: str) -> None:
    assert headings(read(f"{FILLER}\n{line}\n\n{FILLER}")) == [line]


@pytest.mark.parametrize(
    "line",
    [
        "Part one of the story was told yesterday.",
        "He said nothing.",
        "Copyright 1999 by Somebody",
        "1984 was a year like others, as far as anyone could tell.",
        "chapter and verse",
    ],
)
def test_a_sentence_alone_on_a_line_is_no_heading(line: str) -> None:
    assert headings(read(f"{FILLER}\n{line}\n\n{FILLER}")) == []


def test_the_number_of_a_chapter_and_its_title_are_one_heading() -> None:
    document = read(
        f"{FILLER}\nCHAPTER I.\n\nDown the Rabbit-Hole\n\n{FILLER}\nCHAPTER II.\nThe Pool of Tears\n\n{FILLER}"
    )
    assert headings(document) == ["CHAPTER I. Down the Rabbit-Hole", "CHAPTER II. The Pool of Tears"]


def test_lines_further_left_than_the_text_are_headings() -> None:
    body = "\n".join("   " + line for line in FILLER.splitlines())
    assert headings(read(f"Abstract\n\n{body}\n\nStatus of It\n\n{body}\n")) == ["Abstract", "Status of It"]


def test_in_a_text_with_numbered_sections_an_abbreviation_alone_is_no_heading() -> None:
    document = read(f"1.1. One\n\n{FILLER}\nUSENET\n\n{FILLER}\n1.2. Two\n\n{FILLER}\n1.3. Three\n\n{FILLER}")
    assert headings(document) == ["1.1. One", "1.2. Two", "1.3. Three"]


def test_the_first_line_is_the_title() -> None:
    document = read(f"A Guide to the Mazes\n\n{FILLER}\n{FILLER}")
    assert document.title == "A Guide to the Mazes"
    assert read(f"{FILLER}\n{FILLER}").title is None
    assert read("One line, and no more").title is None


# ---------------------------------------------------------------- paragraphs, lists, quotations


def test_each_item_of_a_list_is_a_block_of_its_own() -> None:
    document = read(
        "There are three of them:\n 1. the first one, which is rather long and so goes on in the\n    next line;\n"
        " 2. the second;\n 3. the third.\nAnd this is\nafter the list.\n"
    )
    assert texts(document) == [
        "There are three of them:",
        "1. the first one, which is rather long and so goes on in the next line;",
        "2. the second;",
        "3. the third.",
        "And this is after the list.",
    ]


def test_bullets_are_not_spoken_and_nested_items_are_apart() -> None:
    document = read("* one\n  - inner\n* two\n\no  three\n\n\u2022 four\n")
    assert texts(document) == ["one", "inner", "two", "three", "four"]


def test_a_number_or_a_dash_at_the_beginning_of_a_wrapped_line_is_no_item() -> None:
    document = read(
        "It happened in a year that many of those who lived then still remember, in\n"
        "1984. The others remember nothing at all, or so they say when they are asked\n"
        "- and they are asked often, by people who have nothing better to do than that.\n"
    )
    assert len(texts(document)) == 1


def test_words_that_are_broken_at_the_end_of_a_line_are_whole() -> None:
    document = read(
        "This is an example of the recollec-\ntion that is broken and of the well-\n"
        "known case that is not, a well-known\ncase of this kind, and of the separa-\n"
        "tion of these, and of words that soft\u00ad\nened since, and of the self-\n"
        "explaining ones; the act of explaining\nis another matter for a single self.\n"
    )
    [text] = texts(document)
    for word in ("recollection", "well-known case that", "separation", "softened", "self-explaining"):
        assert word in text


def test_a_paragraph_a_line_stays_a_paragraph_a_line() -> None:
    lines = [f"This is paragraph {n}, and it is long, since no editor broke its lines. " * 4 for n in range(6)]
    assert texts(read("\n".join(lines))) == [line.strip() for line in lines]


def test_verse_is_kept_by_line() -> None:
    verse = (
        "Tyger Tyger, burning bright,\nIn the forests of the night;\nWhat immortal hand or eye,\n"
        "Could frame thy\nFearful symmetry?"
    )
    assert texts(read(f"{FILLER}\n{verse}\n\n{FILLER}"))[1:6] == verse.splitlines()


def test_a_quotation_of_a_mail_is_joined_by_its_depth() -> None:
    document = read("He wrote:\n\n> > the inner\n> > words\n> the outer\n> words\n>\n> more\n\nMy answer.\n")
    assert texts(document, "quote") == ["the inner words", "the outer words", "more"]
    assert omitted(read("> quoted\n\nText.", quotes=False)) == {"quote": 1}


# ---------------------------------------------------------------- what is left out

CONTENTS = f"""The Manual

{FILLER}
Table of Contents

1. Introduction . . . . . . . . . . . . . 1
   1.1. Why . . . . . . . . . . . . . . . 2
2. Methods  . . . . . . . . . . . . . . . 3

1. Introduction

{FILLER}
1.1. Why

{FILLER}
2. Methods

{FILLER}"""


def test_a_table_of_contents_is_left_out_and_the_headings_stay() -> None:
    document = read(CONTENTS)
    assert headings(document) == ["The Manual", "1. Introduction", "1.1. Why", "2. Methods"]
    assert omitted(document) == {"contents": 1}
    assert not any(". ." in text for text in texts(document))
    assert "contents" not in omitted(read(CONTENTS, front_matter=True))


@pytest.mark.parametrize(
    "title",
    [
        "Inhaltsverzeichnis",
        "Table des mati\u00e8res",
        "\u0421\u043e\u0434\u0435\u0440\u0436\u0430\u043d\u0438\u0435",
        "\u00cdndice",
    ],
)
def test_contents_without_page_numbers_end_where_the_first_entry_comes_again(title: str) -> None:
    document = read(
        f"{FILLER}\n{title}\n\n1. Eins\n2. Zwei\n3. Drei\n\nKapitel 1. Eins\n\n{FILLER}\nKapitel 2. Zwei\n\n{FILLER}"
    )
    assert headings(document) == ["Kapitel 1. Eins", "Kapitel 2. Zwei"]
    assert omitted(document) == {"contents": 1}


def page(number: int, text: str) -> str:
    foot = f"Goncalves                 Standards Track                   [Page {number}]"
    return f"{text}\n\n\n{foot}\n\f\nRFC 9999              A Title of It           September 2008\n\n\n"


def test_the_heads_and_feet_of_pages_are_left_out_and_a_sentence_goes_on_behind_them() -> None:
    at = FILLER.index("not stop")
    first, rest = FILLER[:at], FILLER[at:]
    document = read(page(1, f"{FILLER}\n{first}") + page(2, f"{rest}\n{FILLER}") + page(3, FILLER) + FILLER)
    everything = " ".join(texts(document))
    assert "Page" not in everything
    assert "RFC 9999" not in everything
    assert "a reader does not stop" in everything
    assert len(texts(document)) == 5
    assert omitted(document) == {"page furniture": 6}


def test_page_numbers_without_form_feeds_are_left_out() -> None:
    body = "".join(f"{FILLER}\n\nA Guide                                         {n}\n\n\n" for n in range(1, 6))
    assert omitted(read(body)) == {"page furniture": 5}
    assert "A Guide" not in " ".join(texts(read(body)))


INDENTED = textwrap.indent(FILLER, "   ")
RFC = f"""Network Working Group                                           J. Doe
Request for Comments: 9999                                    R. Roe, Jr
Category: Informational                                   September 2008


                      The Carriage of Small Things

Status of This Memo

   This memo provides information.  Distribution of it is unlimited.

Copyright Notice

   The publisher has the rights of this one.

Abstract

{INDENTED}
1.  Introduction

{INDENTED}
2.  Intellectual Property Law

{INDENTED}
Acknowledgement

   Funding for the RFC Editor function is currently provided by somebody.

3.  Acknowledgements

   The baker helped.

Authors' Addresses

   Jane Doe
   12 Long Street

   EMail: jane@example.org

Full Copyright Statement

   This document is provided as it is.
"""


def test_an_rfc_is_read_without_what_its_publisher_puts_around_it() -> None:
    document = matter.without_matter(read(RFC), Narration())
    assert headings(document) == [
        "The Carriage of Small Things",
        "Abstract",
        "1. Introduction",
        "2. Intellectual Property Law",
        "3. Acknowledgements",
    ]
    assert texts(document)[-1] == "The baker helped."
    assert omitted(document) == {"header": 1, "copyright page": 4, "addresses": 1}
    everything = matter.without_matter(read(RFC), Narration(read="everything"))
    assert "12 Long Street" in texts(everything)


def test_where_no_word_is_broken_a_hyphen_at_the_end_of_a_line_stays() -> None:
    broken = "Whoever carries one of these may well be glad of the packet-\nseparation that is done.\n"
    assert "packet-separation" in " ".join(texts(read(broken + f"\n{FILLER}" * 60)))
    assert "packetseparation" in " ".join(texts(read(broken + f"\n{FILLER}")))


GUTENBERG = f"""The Project Gutenberg eBook of A Tale, by Jane Doe

Title: A Tale of Something

Author: Jane Doe

Language: German

*** START OF THE PROJECT GUTENBERG EBOOK A TALE ***

CHAPTER I.

{FILLER}
*** END OF THE PROJECT GUTENBERG EBOOK A TALE ***

Updated editions will replace the previous one.
"""


def test_the_licence_around_a_free_book_is_left_out_and_its_fields_are_used() -> None:
    document = read(GUTENBERG)
    assert (document.title, document.author, document.language) == ("A Tale of Something", "Jane Doe", "de")
    assert headings(document) == ["CHAPTER I."]
    assert omitted(document) == {"licence": 2}
    assert "Updated editions" in " ".join(texts(read(GUTENBERG, back_matter=True)))


def test_a_header_of_fields_gives_title_and_author() -> None:
    document = read(f"PEP: 8\nTitle: Style Guide\n  for Code\nAuthor: A. Writer\nStatus: Active\n\n{FILLER}\n{FILLER}")
    assert (document.title, document.author) == ("Style Guide for Code", "A. Writer")
    assert omitted(document) == {"header": 1}


def test_code_tables_and_drawings_are_left_out_each_with_its_kind() -> None:
    document = read(
        f"{FILLER}\n    for (i = 0; i < n; i++) {{\n        total += a[i];\n    }}\n\n{FILLER}\n"
        "    $ apt-get install this\n    $ make\n\n"
        "   name       size      colour\n   --------------------------\n"
        "   apple      small     red\n   pear       large     green\n\n"
        f"{FILLER}\n   +------+     +-----+\n   |      |---->|     |\n   +------+     +-----+\n\n"
        f"   Figure 1: How it goes\n\n{FILLER}"
    )
    assert len(texts(document)) == 4
    assert omitted(document) == {"code": 2, "table": 1, "figure": 1, "caption": 1}


def test_code_and_tables_are_read_if_the_job_wants_them() -> None:
    table = "   name      size     colour\n   apple     small    red\n   pear      large    green\n"
    text = f"{FILLER}\n    total = a + b;\n    return total;\n\n{table}\n{FILLER}"
    document = read(text, code=True, tables=True)
    assert texts(document, "code") == ["total = a + b;", "return total;"]
    assert "apple; small; red" in texts(document)


def test_prose_that_is_indented_or_justified_is_prose() -> None:
    justified = (
        "     Recently,  you  have  begun to find yourself unfulfilled and\n"
        "distant in your daily occupation.  Strange dreams of prospecting,\n"
        "stealing,  crusading,  and  combat have haunted you in your sleep\n"
        "for many months, but you aren't sure of the reason.   You  wonder\n"
        "whether you have had them all your life.\n"
    )
    document = read(f"{justified}\n{justified}")
    assert len(texts(document)) == 2
    assert omitted(document) == {}
