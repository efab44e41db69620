"""What the speech server accepts and refuses, before any engine is called."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.speech.catalogue import Engine
from services.speech.speech_request import INPUT_LIMIT_CHARACTERS, Refused, parse

ENGINES = {
    "piper": Engine("piper", {"joe": "/voices/joe.onnx"}, "joe", 0.25, 4.0),
    "espeak-ng": Engine("espeak-ng", {"en-us": "en-us", "de": "de"}, "en-us", 0.5, 4.0),
}


def ask(**fields: Any) -> Any:
    return parse(json.dumps({"input": "Text.", **fields}).encode(), ENGINES, "piper")


def refusal(**fields: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        ask(**fields)
    return caught.value


def test_only_the_text_is_needed() -> None:
    asked = ask()
    assert (asked.engine, asked.voice, asked.speed, asked.audio_format) == ("piper", "joe", 1.0, "mp3")


@pytest.mark.parametrize("model", ["default", "tts-1", "tts-1-hd", "gpt-4o-mini-tts", None])
def test_the_models_of_openai_mean_the_default_engine(model: str | None) -> None:
    assert ask(model=model).engine == "piper"


@pytest.mark.parametrize("voice", ["alloy", "nova", "default", None])
def test_the_voices_of_openai_mean_the_default_voice(voice: str | None) -> None:
    assert ask(voice=voice).voice == "joe"


def test_a_model_names_an_engine_and_a_voice_one_of_its_voices() -> None:
    asked = ask(model="espeak-ng", voice="de")
    assert (asked.engine, asked.voice_source) == ("espeak-ng", "de")


def test_fields_it_does_not_know_are_ignored() -> None:
    assert ask(stream=True, stream_format="sse", instructions="Cheerfully.").text == "Text."


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"input": None}, 400, "missing_required_parameter", "input"),
        ({"input": 7}, 400, "invalid_type", "input"),
        ({"input": " \n\t"}, 400, "empty_input", "input"),
        ({"input": "\x00"}, 400, "empty_input", "input"),
        ({"input": "x" * (INPUT_LIMIT_CHARACTERS + 1)}, 400, "string_above_max_length", "input"),
        ({"model": "davinci"}, 404, "model_not_found", "model"),
        ({"model": "kokoro"}, 404, "model_not_found", "model"),
        ({"model": ["piper"]}, 400, "invalid_type", "model"),
        ({"voice": "nobody"}, 400, "voice_not_found", "voice"),
        ({"voice": {"id": "joe"}}, 400, "invalid_type", "voice"),
        ({"voice": ""}, 400, "voice_not_found", "voice"),
        ({"speed": 0.1}, 400, "speed_out_of_range", "speed"),
        ({"speed": 4.1}, 400, "speed_out_of_range", "speed"),
        ({"speed": 0.3, "model": "espeak-ng"}, 400, "speed_out_of_range", "speed"),
        ({"speed": "fast"}, 400, "invalid_type", "speed"),
        ({"speed": True}, 400, "invalid_type", "speed"),
        ({"speed": float("nan")}, 400, "speed_out_of_range", "speed"),
        ({"speed": 10**400}, 400, "speed_out_of_range", "speed"),
        ({"response_format": "aac"}, 400, "unsupported_format", "response_format"),
    ],
)
def test_each_wrong_field_is_named(fields: dict[str, Any], status: int, code: str, param: str) -> None:
    refused = refusal(**fields)
    assert (refused.status, refused.code, refused.param) == (status, code, param)


def test_an_engine_that_is_not_set_up_says_how_to_set_it_up() -> None:
    assert "kokoro_setup" in refusal(model="kokoro").message


def test_a_voice_of_another_model_says_whose_it_is() -> None:
    assert "espeak-ng" in refusal(voice="de").message


def test_a_lone_surrogate_is_no_text_but_does_not_break_anything() -> None:
    assert ask(input="a\ud800b").text == "a?b"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 50_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        parse(body, ENGINES, "piper")
    assert (caught.value.status, caught.value.code) == (400, "invalid_json")


FIELDS = st.sampled_from(["input", "model", "voice", "speed", "response_format", "stream"])
VALUES = st.none() | st.booleans() | st.text() | st.integers() | st.floats() | st.lists(st.integers())


@given(st.dictionaries(FIELDS, VALUES))
def test_whatever_is_asked_is_parsed_or_refused(fields: dict[str, Any]) -> None:
    try:
        asked = parse(json.dumps(fields).encode(), ENGINES, "piper")
    except Refused:
        return
    assert asked.text.strip()
    assert asked.voice in ENGINES[asked.engine].voices
