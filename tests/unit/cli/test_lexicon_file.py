"""A lexicon's file: one word a line, and an error that names the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli import lexicon_file
from shared.errors import BadInput
from shared.protocol.narration import Pronunciation


def read(tmp_path: Path, content: str | bytes) -> tuple[Pronunciation, ...]:
    path = tmp_path / "words.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return lexicon_file.read(path)


def test_words_comments_headings_and_flags(tmp_path: Path) -> None:
    content = (
        "word\tsay\tipa\tflags\n# names\n\nkubectl\tcube control\nNginx\tengine X\t\tany-case\r\ntomato\t\ttəmætə\n"
    )
    assert read(tmp_path, content) == (
        Pronunciation(word="kubectl", say="cube control"),
        Pronunciation(word="Nginx", say="engine X", match_case=False),
        Pronunciation(word="tomato", ipa="təmætə"),
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a\tb\nkubectl\n", "line 2: kubectl has neither a respelling nor IPA."),
        ("\tb\n", "line 1: there is no word."),
        ("a\tb\tc\td\te\n", "line 1: there are 5 columns."),
        ("a\tb\t\tloud\n", "line 1: loud is no flag."),
        ("a\tb\n\na\tc\n", "line 3: a is there twice."),
        (f"a\t{'b' * 201}\n", "line 1: say: String should have at most 200 characters."),
        ("a\tb\x07\n", "line 1: say: String should match pattern"),
        (b"a\t\xff\n", "is not UTF-8."),
        ("".join(f"w{n}\tx\n" for n in range(1_001)), "has 1,001 words; 1,000 are the limit."),
        (b"#" * 1_000_001, "is larger than 1 MB."),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(tmp_path, content)
    assert said in refused.value.message
    assert refused.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        lexicon_file.read(tmp_path / "none.tsv")
    assert "No such file" in refused.value.message
