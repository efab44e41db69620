"""Code in ordinary paragraphs is code; prose with a bracket or a semicolon in it is not."""

from __future__ import annotations

import pytest

from services.chunker.documents import code_lines
from services.chunker.documents.document import Document, Heading, Paragraph
from shared.protocol.narration import Narration

CODE = (
    "void main()",
    "{",
    "Context context;",
    "int found = context.init();",
    "// TODO: check it",
    "print(found,",
    "2);",
    "}",
)
PROSE = (
    "The ferry (the white one) leaves at noon; it is never late.",
    "There are three kinds of it:",
    "the small one (red);",
    "the large one (blue);",
    "the one that nobody has seen.",
)


def document(*texts: str) -> Document:
    return Document((Heading("Example", 1), *map(Paragraph, texts), Paragraph("And so on.")))


def test_lines_of_code_are_left_out_together_or_read_as_code() -> None:
    made = code_lines.without_code(document("So:", *CODE), Narration())
    assert [block.text for block in made.blocks if isinstance(block, Paragraph)] == ["So:", "And so on."]
    assert [(omission.kind, omission.count) for omission in made.omissions] == [("code", 1)]
    read = code_lines.without_code(document("So:", *CODE), Narration(code=True))
    assert [block.text for block in read.blocks if isinstance(block, Paragraph) and block.role == "code"] == list(CODE)


@pytest.mark.parametrize("texts", [PROSE, ("{", "}"), ("a = 1;", "b = 2;")])
def test_prose_and_a_line_or_two_stay(texts: tuple[str, ...]) -> None:
    assert code_lines.without_code(document(*texts), Narration()) == document(*texts)


def test_what_somebody_says_and_items_of_lists_stay() -> None:
    said = Document(tuple(Paragraph(f"a{n} = (1);", "item") for n in range(9)))
    assert code_lines.without_code(said, Narration()) == said
