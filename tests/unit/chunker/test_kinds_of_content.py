"""Every kind of content that a job can choose, in formats that have it: left out and listed, or read in its place."""

from __future__ import annotations

from typing import Any, Final

import pytest

from services.chunker.documents.document import Document, Heading, Paragraph
from services.chunker.documents.reading import read_document
from shared.protocol.messages import SourceFormat
from shared.protocol.narration import Kind, Narration
from tests.unit.chunker import made_documents

MARKDOWN: Final = """\
---
title: The Book
---

# One

Hello world.[^1] More of it.

[^1]: The words of a note.

```
first = line
second = line
```

| Left | Right |
|------|-------|
| one  | two   |
| three | four |

![A caption.](x.png)

> Quoted words.

[A link](https://example.org/there) at the end.

# Two

The last words.
"""
READ: Final[dict[Kind, str]] = {
    "code": "first = line|second = line",
    "tables": "Left: one; Right: two.|Left: three; Right: four.",
    "notes": "The words of a note.",
    "quotes": "Quoted words.",
    "captions": "A caption.",
}
OMITTED: Final[dict[Kind, str]] = {
    "code": "code",
    "tables": "table",
    "notes": "footnote",
    "quotes": "quote",
    "captions": "caption",
}
WITHOUT: Final[dict[str, set[Kind]]] = {
    "rtf": {"code", "quotes", "captions", "tables"},  # RTF has no such styles, or pandoc reads none
    "docx": {"captions", "code"},
    "odt": {"code", "captions"},
    "org": {"captions"},
    "fb2": {"captions", "notes", "tables", "code"},
    "markdown": {"captions"},
}
"""What a format cannot tell apart, or what pandoc does not write of it."""
FORMATS: Final[dict[str, str]] = {
    "markdown": "gfm",
    "html": "html",
    "epub": "epub",
    "docx": "docx",
    "odt": "odt",
    "rst": "rst",
}
CASES: Final = [(name, kind) for name in FORMATS for kind in READ if kind not in WITHOUT.get(name, set())]


async def read(name: str, narration: Narration) -> Document:
    data = made_documents.from_markdown(FORMATS[name], MARKDOWN, "--standalone")
    if name == "markdown":
        data = MARKDOWN.encode()
    kind: Any = name
    format_: SourceFormat = kind
    return await read_document(data, format=format_, name="", deadline_seconds=60, narration=narration)


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, (Heading, Paragraph))]


@pytest.mark.parametrize(("name", "kind"), CASES)
async def test_a_kind_is_read_or_listed(name: str, kind: Kind) -> None:
    words = READ[kind].split("|")
    choice: dict[str, Any] = {kind: True}
    spoken = texts(await read(name, Narration(**choice)))
    assert [text for text in spoken if text in words] == words
    assert "The last words." in spoken

    choice = {kind: False}
    without = await read(name, Narration(read="everything", alt_texts=False, **choice))
    assert not set(texts(without)) & set(words)
    assert OMITTED[kind] in {omission.kind for omission in without.omissions}


async def test_a_note_is_read_after_the_paragraph_that_refers_to_it() -> None:
    for name in ("markdown", "html", "epub", "docx"):
        spoken = texts(await read(name, Narration(notes=True)))
        begin = spoken.index("One")
        assert spoken[begin : begin + 3] == ["One", "Hello world. More of it.", "The words of a note."]
        assert spoken.count("The words of a note.") == 1


async def test_links_are_their_words_or_their_addresses_too() -> None:
    assert "A link at the end." in texts(await read("html", Narration()))
    assert "A link (https://example.org/there) at the end." in texts(await read("html", Narration(links="address")))


@pytest.mark.parametrize(("reads", "words"), [(True, "Look: a red ball here."), (False, "Look: here.")])
async def test_what_stands_for_a_picture(reads: bool, words: str) -> None:
    page = b"<p>Look: <img src='a.png' alt='a red ball'> here.</p>"
    for name, data in (("html", page), ("markdown", b"Look: ![a red ball](a.png) here.")):
        kind: Any = name
        narration = Narration(alt_texts=reads)
        made = await read_document(data, format=kind, name="", deadline_seconds=60, narration=narration)
        assert texts(made) == [words]
        assert [omission.kind for omission in made.omissions] == ([] if reads else ["image"])


async def test_code_in_a_block_for_colours_is_code() -> None:
    page = "<p>Text.</p><div class='highlight-python'><div class='highlight'><pre>x = 1</pre></div></div>"
    made = await read_document(made_documents.epub({"a.xhtml": page}), format="epub", name="", deadline_seconds=60)
    assert [(each.kind, each.sample) for each in made.omissions] == [("code", "x = 1")]


async def test_the_label_of_a_box_is_said_with_its_words() -> None:
    book = made_documents.epub(
        {"a.xhtml": "<p>Text.</p><div class='note'><h3 class='title'>Note</h3><p>Be careful.</p></div><p>More.</p>"}
    )
    made = await read_document(book, format="epub", name="", deadline_seconds=60)
    assert texts(made) == ["Text.", "Note: Be careful.", "More."]


async def test_the_title_of_a_table_that_is_not_read_is_a_caption_and_the_names_on_a_title_page_are_not_spoken() -> (
    None
):
    table = "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>"
    page = (
        "<div class='titlepage'><h1>Ships</h1><div class='author'><h3>Jane Doe</h3></div></div><p>Text.</p>"
        f"<div class='table'><p class='title'><b>Table 1. Masts</b></p><div class='table-contents'>{table}</div></div>"
        "<div class='example'><p><b>Example 1.</b></p><div class='example-contents'><p>Aye.</p></div></div>"
    )
    made = await read_document(made_documents.epub({"a.xhtml": page}), format="epub", name="", deadline_seconds=60)
    assert texts(made) == ["Ships", "Text.", "Example 1.", "Aye."]
    assert {(each.kind, each.sample) for each in made.omissions} == {
        ("title page", "Jane Doe"), ("table", "a b c d"), ("caption", "Table 1. Masts")
    }  # fmt: skip


async def test_lists_of_sections_and_rows_of_links_are_not_spoken() -> None:
    links = "".join(f"<li><a href='#s{n}'>{n}. Section</a></li>" for n in range(3))
    other = "<ul><li><a href='#x'>A link</a> and more</li></ul>"
    row = "<p><a href='a.html'>Prev</a> | <a href='b.html'>Up</a> | <a href='c.html'>Next</a></p>"
    pages = {
        "a.xhtml": f"{row}<h1>One</h1><ul>{links}</ul><p>Words.</p>{other}{row}",
        "b.xhtml": f"{row}<h1>Two</h1><p>More words.</p>",
    }
    made = await read_document(made_documents.epub(pages), format="epub", name="", deadline_seconds=60)
    assert texts(made) == ["One", "Words.", "A link and more", "Two", "More words."]
    assert {(each.kind, each.count) for each in made.omissions} == {("navigation", 3), ("contents", 1)}
