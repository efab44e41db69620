"""Texts of word processors: what of a file is its title, its author and code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from services.chunker.documents import odt_titles
from services.chunker.documents.document import Document, Heading, Paragraph
from services.chunker.documents.reading import read_document
from tests.unit.chunker import made_documents
from tests.unit.chunker.made_documents import odt

RUNNER = asyncio.Runner()
"""One loop for all tests here: the worker processes, which take a second to start, belong to the loop."""


@pytest.fixture(scope="module", autouse=True)
def _workers_end() -> Iterator[None]:
    with RUNNER:
        yield


def read(data: bytes, name: str) -> Document:
    return RUNNER.run(read_document(data, format=None, name=name, deadline_seconds=60))


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, (Heading, Paragraph))]


def omitted(document: Document) -> dict[str, int]:
    return {omission.kind: omission.count for omission in document.omissions}


def test_code_in_an_opendocument_text_is_known_by_its_style_or_what_that_is_made_of() -> None:
    document = read(
        odt(
            '<text:p>Words.</text:p><text:p text:style-name="Preformatted_20_Text">x = 1;</text:p>'
            '<text:p text:style-name="P1">y = 2;</text:p><text:p text:style-name="P2">More words.</text:p>',
            '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Preformatted_20_Text"/>'
            '<style:style style:name="P2" style:family="paragraph" style:parent-style-name="Text_20_body"/>',
        ),
        "a.odt",
    )
    assert texts(document) == ["Words.", "More words."]
    assert omitted(document) == {"code": 2}


def test_code_in_a_word_document_is_known_by_its_style() -> None:
    markdown = 'Words.\n\n::: {custom-style="HTML Preformatted"}\nx = 1;\n:::\n\nMore words.\n'
    document = read(made_documents.from_markdown("docx", markdown), "a.docx")
    assert texts(document) == ["Words.", "More words."]
    assert omitted(document) == {"code": 1}


# ---------------------------------------------------------------- titles

STYLES = (
    '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Standard">'
    '<style:text-properties fo:font-size="18pt"/></style:style>'
    '<style:style style:name="P2" style:family="paragraph" style:parent-style-name="P1"/>'
    '<style:style style:name="P3" style:family="paragraph" style:parent-style-name="Title"/>'
    '<style:style style:name="P4" style:family="paragraph" style:parent-style-name="Standard">'
    '<style:text-properties fo:font-size="14pt"/></style:style>'
    '<style:style style:name="T1" style:family="text"><style:text-properties fo:font-size="20pt"/></style:style>'
)


def paragraph(style: str, words: str) -> str:
    return f'<text:p text:style-name="{style}">{words}</text:p>'


REST = paragraph("Standard", "The text begins.") + '<text:h text:outline-level="1">Ferries</text:h>'


@pytest.mark.parametrize(
    ("page", "title"),
    [
        (
            paragraph("P1", "A manual") + "<text:p/>" + paragraph("P2", "for ferries") + paragraph("P4", "2026"),
            "A manual for ferries",
        ),
        (paragraph("P1", "The company") + paragraph("P3", "The &lt;manual&gt;"), "The <manual>"),
        (paragraph("Standard", '<text:span text:style-name="T1">Set by hand</text:span>'), "Set by hand"),
    ],
    ids=["largest letters, in two lines", "style for titles", "letters of a span"],
)
def test_a_file_that_names_no_title_has_the_one_of_its_first_page(page: str, title: str) -> None:
    assert read(odt(page + REST, STYLES), "a.odt").title == title


@pytest.mark.parametrize(
    "page", ["", paragraph("Standard", "By hand."), paragraph("P1", "word " * 70)], ids=["nothing", "small", "a text"]
)
def test_a_first_page_without_a_title_names_none(page: str) -> None:
    assert read(odt(page + REST, STYLES), "a.odt").title is None


def test_what_a_file_calls_itself_comes_first() -> None:
    meta = (
        "<dc:title>The  title &amp; more</dc:title><dc:creator>An editor</dc:creator>"
        "<meta:initial-creator>Jane Doe</meta:initial-creator>"
    )
    document = read(odt(paragraph("P1", "Another") + REST, STYLES, meta=meta), "a.odt")
    assert (document.title, document.author) == ("The title & more", "Jane Doe")


def test_styles_made_of_each_other_and_unclosed_paragraphs_end() -> None:
    circle = "".join(f'<style:style style:name="{a}" style:parent-style-name="{b}"/>' for a, b in ("AB", "BA"))
    assert odt_titles.named(odt(paragraph("A", "Words.") + "<text:p>" * 100_000, circle)) == odt_titles.TitleAndAuthor()
