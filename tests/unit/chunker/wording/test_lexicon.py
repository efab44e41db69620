"""A lexicon's words are said as it says, wherever they stand as words; everything else is said as before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chunker.narrating import Wording
from services.chunker.speakable import normalise
from services.chunker.wording.lexicon import Lexicon
from services.chunker.wording.saying import say
from shared.protocol.narration import Narration, Pronunciation
from shared.settings import Settings

SETTINGS = Settings(speech_engine="x")


def entry(word: str, said: str = "", *, ipa: str = "", match_case: bool = True) -> Pronunciation:
    return Pronunciation(word=word, say=said, ipa=ipa, match_case=match_case)


def said(text: str, *entries: Pronunciation, language: str = "en", **fields: object) -> str:
    narration = Narration(lexicon=entries, normalise=fields.pop("normalise", True))  # type: ignore[arg-type]  # a bool
    return Wording.of(narration, Settings(speech_engine="x", **fields))(normalise(text), language, False).text  # type: ignore[arg-type]  # fields of the settings


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("kubectl runs.", "cube control runs."),
        ("Run kubectl!", "Run cube control!"),
        ("(kubectl)", "(cube control)"),
        ("kubectl's options", "cube control's options"),
        ("kubectl-like", "cube control-like"),
        ("kubectls and mykubectl", "kubectls and mykubectl"),
        ("kubectl_run", "kubectl run"),
        ("Kubectl", "Kubectl"),
        ("kubectl 3 times", "cube control three times"),
        ("kubectl kubectl", "cube control cube control"),
    ],
)
def test_a_word_is_matched_at_its_boundaries(text: str, spoken: str) -> None:
    assert said(text, entry("kubectl", "cube control")) == spoken


def test_case_counts_unless_the_entry_says_otherwise() -> None:
    assert said("SQL and sql", entry("SQL", "sequel")) == "sequel and sql"
    assert said("SQL and sql", entry("sql", "sequel", match_case=False)) == "sequel and sequel"


def test_boundaries_are_those_of_every_script() -> None:
    assert said("Über Überall", entry("Über", "Yber"), language="de") == "Yber Überall"
    assert said("Киев Киева", entry("Киев", "Кыйив"), language="ru") == "Кыйив Киева"
    assert said("na\u0308iv", entry("na", "x")) == "näiv", "a mark belongs to its letter"


def test_of_several_words_that_match_the_longest_counts() -> None:
    entries = (entry("New", "Noo"), entry("New York", "Noo Yawk"), entry("New York City", "the Big Apple"))
    assert said("New York City, New York, New Delhi", *entries) == "the Big Apple, Noo Yawk, Noo Delhi"


def test_a_lexicon_comes_before_the_rules_of_the_language() -> None:
    assert said("Dr. No, in 1984", entry("Dr.", "Drive"), entry("1984", "one nine eight four")) == (
        "Drive No, in one nine eight four"
    )
    assert said("C++ and .NET", entry("C++", "see plus plus"), entry(".NET", "dot net")) == "see plus plus and dot net"


def test_a_respelling_is_spoken_as_it_stands() -> None:
    assert said("Kubernetes, etc.", entry("Kubernetes", "koo-ber-NET-eez 8s")) == "koo-ber-NET-eez 8s, et cetera."


def test_a_lexicon_is_used_also_where_texts_are_not_normalised() -> None:
    assert said("Nginx in 1984", entry("Nginx", "engine X"), normalise=False) == "engine X in 1984"


def test_ipa_is_for_engines_that_take_it() -> None:
    word = entry("tomato", "tomayto", ipa="/təmætə/")
    assert said("a tomato", word) == "a tomayto"
    assert said("a tomato", word, engine_phonemes="misaki") == "a [tomato](/təmætə/)"


def test_a_word_with_ipa_alone_is_a_warning_where_the_engine_takes_none() -> None:
    narration = Narration(lexicon=(entry("tomato", ipa="təmætə"),))
    assert said("a tomato", *narration.lexicon) == "a tomato"
    [warning] = Wording.of(narration, SETTINGS).warnings
    assert "tomato" in warning
    assert Wording.of(narration, Settings(speech_engine="x", engine_phonemes="misaki")).warnings == ()


@given(text=st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_a_text_without_the_word_is_said_as_without_the_lexicon(text: str) -> None:
    written = normalise(text)
    lexicon = Lexicon([entry("zzyzx", "zye-zix")])
    if "zzyzx" not in written:
        assert lexicon.set_aside(written) == written
        assert Wording(normalised=True, lexicon=lexicon)(written, "en", False) == say(written, "en")


@given(words=st.lists(st.sampled_from(["a", "b", "ab", "b c", "c", "."]), max_size=10))
@settings(max_examples=200, deadline=None)
def test_what_was_set_aside_is_restored(words: list[str]) -> None:
    lexicon = Lexicon([entry(word, word.upper()) for word in ("a", "ab", "b c", "c")])
    text = " ".join(words)
    assert lexicon.restore(lexicon.set_aside(text)).lower() == text
