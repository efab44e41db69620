from __future__ import annotations

import pytest

from services.cli.voice_options import parsed
from shared.errors import BadInput
from shared.protocol.narration import Narration


def test_a_voice_alone_is_that_of_the_document() -> None:
    assert parsed(("af_heart",)).main == "af_heart"
    assert parsed(()).main is None


def test_small_letters_name_a_language_and_anything_else_a_speaker() -> None:
    found = parsed(("de=eva", "pt_BR=ana", "HOST=karl", "Ann=joe", "DE=x", "ann=joe", "Dr. Smith=y"))
    assert found.languages == {"de": "eva", "pt-BR": "ana"}
    assert found.speakers == {"HOST": "karl", "Ann": "joe", "DE": "x", "ann": "joe", "Dr. Smith": "y"}
    narration = found.added_to(Narration(code=True))
    assert (narration.code, narration.voices, narration.speakers) == (True, found.languages, found.speakers)


@pytest.mark.parametrize("values", [("",), ("de=",), ("=eva",), ("a", "b"), ("de=a", "de=b"), ("HOST=a", "HOST=b")])
def test_what_says_nothing_or_two_things_is_refused(values: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="--voice"):
        parsed(values)


@pytest.mark.parametrize("value", [f"HOST={'x' * 101}", f"{'x' * 65}=joe", "A: B=joe"])
def test_a_name_that_no_job_can_have_is_refused(value: str) -> None:
    with pytest.raises(BadInput, match="cannot be used"):
        parsed((value,)).added_to(Narration())
