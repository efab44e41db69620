"""A zip archive of documents is one book: a chapter a file."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Iterator

import pytest

from services.chunker.documents import collection
from services.chunker.documents.document import ChapterStart, Document, Heading, Paragraph
from services.chunker.documents.reading import read_document
from shared.errors import BadSource, TooLarge
from tests.unit.chunker import made_documents
from tests.unit.chunker.made_pdfs import Pdf, Text

RUNNER = asyncio.Runner()
"""One loop for all tests here: the worker processes, which take a second to start, belong to the loop."""


@pytest.fixture(scope="module", autouse=True)
def _workers_end() -> Iterator[None]:
    with RUNNER:
        yield


def zipped(**files: str | bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def read(data: bytes, name: str = "book.zip") -> Document:
    return RUNNER.run(read_document(data, format=None, name=name, deadline_seconds=120))


def chapters(document: Document) -> list[tuple[str, int]]:
    return [(block.title, block.level) for block in document.blocks if isinstance(block, ChapterStart)]


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, (Heading, Paragraph))]


def test_each_file_is_a_chapter_in_natural_order() -> None:
    document = read(
        zipped(
            **{
                "10 - The End.txt": "The last words.",
                "2_the-middle.md": "# In the Middle\n\nSome words.\n\n## A section\n\nMore words.",
                "README.md": "# The Whole Book\n\nBy way of introduction.",
                "3 pages/b.html": "<html><body><h1>A Page</h1><p>Words of a page.</p></body></html>",
                "3 pages/a.pdf": Pdf().page(Text(72, 100, "Words of a PDF.")).bytes(),
                "3 pages/cover.png": "no picture",
                ".hidden.txt": "hidden",
                "__MACOSX/a.txt": "hidden",
            }
        )
    )
    assert chapters(document) == [("The Whole Book", 1), ("In the Middle", 1), ("a", 1), ("A Page", 1), ("The End", 1)]
    assert texts(document) == [
        "The Whole Book", "By way of introduction.", "In the Middle", "Some words.", "A section", "More words.",
        "a", "Words of a PDF.", "A Page", "Words of a page.", "The End", "The last words.",
    ]  # fmt: skip
    levels = [
        (block.text, block.level, block.starts_chapter) for block in document.blocks if isinstance(block, Heading)
    ]
    assert ("A section", 3, True) in levels
    assert ("In the Middle", 1, False) in levels
    assert document.title == "The Whole Book"
    assert {(omission.kind, omission.sample) for omission in document.omissions} == {("file", "3 pages/cover.png")}


def test_a_document_that_cannot_be_read_is_listed_with_its_reason() -> None:
    document = read(zipped(**{"1.txt": "Words.", "2.pdf": "no PDF", "3.epub": "no book", "4.txt": "More."}))
    assert texts(document) == ["1", "Words.", "4", "More."]
    unread = [(omission.sample, omission.reason) for omission in document.omissions if omission.kind == "document"]
    assert [name for name, _ in unread] == ["2.pdf", "3.epub"]
    assert all("broken" in reason for _, reason in unread)


def test_a_book_of_two_languages_marks_the_smaller_part() -> None:
    page = "<html lang='{0}'><body><h1>{1}</h1><p>{2}</p></body></html>"
    document = read(
        zipped(
            **{
                "1.html": page.format("de", "Eins", "Dies ist der lange deutsche Teil des Buches."),
                "2.html": page.format("fr", "Deux", "Le reste."),
            }
        )
    )
    assert document.language == "de"
    assert {block.text: block.language for block in document.blocks if isinstance(block, (Heading, Paragraph))} == {
        "Eins": None,
        "Dies ist der lange deutsche Teil des Buches.": None,
        "Deux": "fr",
        "Le reste.": "fr",
    }


def test_a_zipped_book_is_still_a_book_and_a_zip_in_a_zip_is_none() -> None:
    book = made_documents.epub({"a.xhtml": "<h1>One</h1><p>Text.</p>"})
    assert read(book, "book.zip").title == "A Book"
    with pytest.raises(BadSource, match="no document"):
        read(zipped(**{"inner.zip": zipped(**{"a.txt": "words"})}))


def test_too_many_documents_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "DOCUMENTS_LIMIT", 3)
    with pytest.raises(TooLarge, match="4 documents"):
        collection.members(zipped(**{f"{n}.txt": "words" for n in range(4)}))


def test_an_archive_is_given_up_after_a_few_documents_that_are_over_their_limits() -> None:
    asked: list[str] = []

    async def too_large(_: bytes, name: str) -> collection.Packed:
        asked.append(name)
        raise TooLarge("It is too large.")

    data = zipped(**{f"{n}.txt": "words" for n in range(20)})
    with pytest.raises(TooLarge):
        RUNNER.run(collection.read(data, too_large, lambda: 60.0))
    assert len(asked) == collection.EXPENSIVE_LIMIT


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("01 - The Beginning.md", "The Beginning"),
        ("a/02_the-end.txt", "the end"),
        ("1984.txt", "1984"),
        ("12 Monkeys.txt", "Monkeys"),
        ("3.txt", "3"),
        ("2001_a_space.txt", "a space"),
    ],
)
def test_a_file_names_its_chapter(path: str, title: str) -> None:
    assert collection.name_of(path) == title
