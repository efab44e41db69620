"""What is said in each language, case by case."""

from __future__ import annotations

import pytest

from services.chunker.speakable import normalise
from services.chunker.wording.saying import say
from tests.unit.chunker.wording import cases

LANGUAGES = ("en", "de", "fr", "es")
EVERY = [
    pytest.param(language, case, id=f"{language}: {case.written}")
    for language in LANGUAGES
    for case in cases.read(language)
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_at_least_300_cases_and_none_twice(language: str) -> None:
    written = [(case.written, case.heading) for case in cases.read(language)]
    assert len(written) >= 300
    assert len(written) == len(set(written))


@pytest.mark.parametrize(("language", "case"), EVERY)
def test_it_is_said_as_the_table_says(language: str, case: cases.Case) -> None:
    assert say(normalise(case.written), language, heading=case.heading).text == case.said


@pytest.mark.parametrize(("language", "case"), EVERY)
def test_saying_it_twice_is_saying_it_once(language: str, case: cases.Case) -> None:
    once = say(normalise(case.written), language, heading=case.heading).text
    assert say(once, language, heading=case.heading).text == once
