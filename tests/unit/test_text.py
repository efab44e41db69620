"""Strangers' text is displayed as plain text only."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text import json_text, one_line, printable
from tests.hostile_text import CORPUS, commands_in


@pytest.mark.parametrize("name", CORPUS)
def test_nothing_of_the_corpus_commands_a_terminal(name: str) -> None:
    text = CORPUS[name]
    assert commands_in(text, allowed=""), "the corpus is hostile"
    assert commands_in(printable(text), allowed="") == []
    assert commands_in(one_line(text), allowed="") == []
    assert commands_in(printable(text, keep_newlines=True)) == []
    assert commands_in(json_text({text: [text]})) == []
    assert json.loads(json_text({text: [text]})) == {text: [text]}


@given(st.text(st.characters()))
def test_any_text_is_only_text_and_json_keeps_it(text: str) -> None:
    assert commands_in(printable(text), allowed="") == []
    assert "\n" not in one_line(text)
    assert json.loads(json_text(text)) == text


@pytest.mark.parametrize("text", ["Größe", "日本語", "می‌خواهم", "👩‍👩‍👧", "हिन्दी", "a\\b", "é"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert printable(text) == text
    assert json_text(text, indent=None) == json.dumps(text, ensure_ascii=False)


def test_escapes_show_what_was_there() -> None:
    assert printable("a\x1b[2J\x9b\u202e\ud83d\n\t") == r"a\x1b[2J\x9b\u202e\ud83d\n\t"
    assert printable("a\r\nb\tc\rd", keep_newlines=True) == "a\nb\tc\\rd"
    assert one_line(" a\n\tb\x1b ") == r"a b\x1b"
