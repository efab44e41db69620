"""Front and back matter is recognised by markup, by titles in many languages and by its words; forewords are read."""

from __future__ import annotations

import pytest

from services.chunker.documents.document import Block, ChapterStart, Document, Heading, Paragraph, Section
from services.chunker.narration.matter import without_matter
from shared.protocol.narration import Narration

PROSE = "It was a bright cold day in April, and the clocks were striking thirteen. " * 40
GPL = (
    "GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007",
    "Everyone is permitted to copy and distribute verbatim copies of this license document.",
    "The licenses for most software and other practical works are designed to take away your freedom.",
)


def part(title: str, *texts: str, level: int = 1) -> list[Block]:
    return [Heading(title, level), *map(Paragraph, texts)]


def narrated(*blocks: Block, narration: Narration | None = None) -> tuple[list[str], dict[str, int]]:
    document = without_matter(Document(tuple(blocks)), narration or Narration())
    spoken = [block.text[:30] for block in document.blocks if isinstance(block, (Heading, Paragraph))]
    assert not any(isinstance(block, Section) for block in document.blocks)
    return spoken, {omission.kind: omission.count for omission in document.omissions}


def book(front: list[Block] | None = None, back: list[Block] | None = None) -> list[Block]:
    return [*(front or []), *part("One", PROSE), *part("Two", PROSE), *(back or [])]


TEXT = ["One", PROSE[:30], "Two", PROSE[:30]]

FRONT = {
    "contents": (
        "Contents|Table of Contents|Inhaltsverzeichnis|Table des mati\u00e8res|Sommaire|\u00cdndice general"
        "|Indice|Sum\u00e1rio|Inhoudsopgave|Spis tre\u015bci"
        "|\u0421\u043e\u0434\u0435\u0440\u0436\u0430\u043d\u0438\u0435|Inneh\u00e5ll|\u76ee\u6b21"
        "|\u76ee\u5f55"
    ),
    "copyright page": ("Copyright|Impressum|Mentions l\u00e9gales|Aviso legal|\u5965\u4ed8|\u7248\u6743\u9875"),
    "title page": ("Title Page|Titelblatt|Page de titre|Portada|Frontespizio"),
    "list of figures": ("List of Figures|Abbildungsverzeichnis|Liste des figures"),
}
BACK = {
    "index": ("Index|Stichwortverzeichnis|\u00cdndice anal\u00edtico|Indice analitico|Skorowidz|\u7d22\u5f15"),
    "bibliography": ("Bibliography|References|Anhang B. Literatur|Bibliograf\u00eda|\u53c2\u8003\u6587\u732e"),
    "licence": ("License|Lizenz|Licencia|\u041b\u0438\u0446\u0435\u043d\u0437\u0438\u044f|9. License"),
    "colophon": ("Colophon|Colof\u00f3n"),
}


@pytest.mark.parametrize(
    ("name", "title"), [(name, title) for name, titles in FRONT.items() for title in titles.split("|")]
)
def test_front_matter_is_known_by_its_title(name: str, title: str) -> None:
    blocks = book(front=part(title, "One thing", "Another thing"))
    assert narrated(*blocks) == (TEXT, {name: 1})
    assert narrated(*blocks, narration=Narration(front_matter=True))[0] == [title, "One thing", "Another thing", *TEXT]


@pytest.mark.parametrize(
    ("name", "title"), [(name, title) for name, titles in BACK.items() for title in titles.split("|")]
)
def test_back_matter_is_known_by_its_title(name: str, title: str) -> None:
    blocks = book(back=part(title, "One thing", "Another thing"))
    assert narrated(*blocks) == (TEXT, {name: 1})
    assert narrated(*blocks, narration=Narration(read="everything")) == (
        [*TEXT, title, "One thing", "Another thing"],
        {},
    )


@pytest.mark.parametrize(
    "title", ["Preface", "Foreword", "Vorwort", "Dedication", "Introduction", "Afterword", "Epilogue"]
)
def test_what_a_narrator_reads_is_read(title: str) -> None:
    spoken, omitted = narrated(*book(front=part(title, "To my mother."), back=part(title, "The end.")))
    assert (spoken, omitted) == ([title, "To my mother.", *TEXT, title, "The end."], {})


def test_a_chapter_that_only_has_such_a_title_is_read() -> None:
    long = [f"A paragraph about databases, number {n}. {PROSE}" for n in range(5)]
    spoken, omitted = narrated(*part("One", PROSE), *part("Index", *long), *part("Two", PROSE))
    assert "Index" in spoken
    assert omitted == {}


def test_parts_below_go_with_it_and_the_next_chapter_does_not() -> None:
    blocks: list[Block] = [
        ChapterStart("License", 1),
        Heading("License", 1, starts_chapter=False),
        Paragraph("Freedom."),
    ]
    below: list[Block] = [
        ChapterStart("Preamble", 2),
        Heading("Preamble", 2, starts_chapter=False),
        Paragraph("More freedom."),
    ]
    last: list[Block] = [
        ChapterStart("Afterword", 1),
        Heading("Afterword", 1, starts_chapter=False),
        Paragraph("The end."),
    ]
    spoken, omitted = narrated(*book(), *blocks, *below, *last)
    assert (spoken, omitted) == ([*TEXT, "Afterword", "The end."], {"licence": 1})


def test_what_the_markup_says_counts_whatever_the_title() -> None:
    marked: list[Block] = [
        Section("copyright page"),
        Paragraph("Made by hand."),
        ChapterStart("Odd", 1),
        Paragraph("So."),
        Section(""),
    ]
    assert narrated(*marked, *book()) == (TEXT, {"copyright page": 1})


def test_a_licence_is_known_by_its_words_wherever_it_stands() -> None:
    spoken, omitted = narrated(*part("One", PROSE), *part("Freedom", *GPL), *part("Two", PROSE))
    assert (spoken, omitted) == (TEXT, {"licence": 1})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Copyright \u00a9 2002 by A. Writer", "copyright page"),
        ("\u00a9 2020 Verlag. Alle Rechte vorbehalten.", "copyright page"),
        ("ISBN 978-3-16-148410-0", "copyright page"),
        ("Permission is hereby granted, free of charge, to any person obtaining a copy of this software", "licence"),
        (
            "This manual is free software; you may redistribute it and/or modify it under the terms of the GNU",
            "licence",
        ),
    ],
)
def test_notices_at_the_ends_are_left_out_and_those_in_the_text_are_read(text: str, name: str) -> None:
    assert narrated(Paragraph(text), *book(), Paragraph(text)) == (TEXT, {name: 2})
    assert text[:30] in narrated(Paragraph(PROSE * 3), Paragraph(text), Paragraph(PROSE * 3))[0]


def test_a_document_that_is_a_licence_is_read() -> None:
    spoken, omitted = narrated(*part("GNU GENERAL PUBLIC LICENSE", *GPL))
    assert (len(spoken), omitted) == (4, {})
