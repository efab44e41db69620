"""Whatever is written, something bounded is said, the same each time, and no plain word is lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.chunker.speakable import normalise
from services.chunker.wording.saying import say
from tests.unit.chunker.wording import cases
from tests.unit.chunker.wording.test_cases import LANGUAGES

EVERY_LANGUAGE = (*LANGUAGES, "en-GB", "fr-CH", "es-MX", "it", "zh-Hans")
GROWTH_LIMIT = 30
"""A character is said with at most so many: `%` as a word of its own, a digit as `eight`, a sign as a phrase."""

fragments = st.sampled_from([case.written for language in LANGUAGES for case in cases.read(language)])
signs = st.text(alphabet="0123456789.,:;/-\u2013()[]{}#@_%$\u20ac\u00b2\u00bd+=<>*`' IVXLCabcABC\u00b0", max_size=40)
texts = st.one_of(st.text(max_size=80), signs, st.lists(st.one_of(fragments, signs), max_size=4).map(" ".join))


@given(text=texts, language=st.sampled_from(EVERY_LANGUAGE), heading=st.booleans())
@settings(max_examples=600, deadline=None)
@example(text="9" * 400, language="en", heading=False)
def test_whatever_is_written_something_bounded_is_said(text: str, language: str, heading: bool) -> None:
    written = normalise(text)
    said = say(written, language, heading=heading)
    assert len(said.text) <= GROWTH_LIMIT * len(written)
    assert said == say(written, language, heading=heading)
    assert said.text == " ".join(said.text.split())


@pytest.mark.parametrize("language", LANGUAGES)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_said_is_said_the_same_again(language: str, data: st.DataObject) -> None:
    written = st.sampled_from([case.written for case in cases.read(language) if not case.heading])
    parts = data.draw(st.lists(written, max_size=4))
    once = say(normalise("; ".join(parts)), language).text
    assert say(once, language).text == once


PLAIN = {
    "en": "the quick brown fox jumps over a lazy dog while nobody listens to its song about rivers",
    "de": "der schnelle braune fuchs springt über einen faulen hund während niemand seinem lied zuhört",
    "fr": "le rapide renard brun saute par dessus un chien paresseux pendant que personne ne chante",
    "es": "el rápido zorro marrón salta sobre un perro perezoso mientras nadie escucha su canción de ríos y montañas",
    "it": "la rapida volpe marrone salta sopra un cane pigro mentre nessuno ascolta la sua canzone di fiumi e montagne",
}


@pytest.mark.parametrize("language", PLAIN)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_no_plain_word_is_lost(language: str, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(PLAIN[language].split()), min_size=1, max_size=12))
    marks = data.draw(
        st.lists(
            st.sampled_from([" ", ", ", ": ", " \u2013 ", " 12 ", " [3] ", "; ", " (a) "]), min_size=12, max_size=12
        )
    )
    text = "".join(f"{word}{mark}" for word, mark in zip(words, marks, strict=False))
    said = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", say(normalise(text), language).text)
    waiting = iter(said)
    assert all(word in waiting for word in words), (text, said)
