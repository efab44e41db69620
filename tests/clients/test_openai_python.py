"""The openai package, pointed at the gateway: speech of a text, its voices' models, and what it makes of errors."""

from __future__ import annotations

from pathlib import Path

import openai
import pytest
import soundfile

from tests.clients.conftest import Server

TEXT = " ".join(f"Sentence {number} says that all is well tonight." for number in range(60))


@pytest.fixture
def client(server: Server) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key, timeout=120)


def test_speech_of_a_text_streams_into_a_file(client: openai.OpenAI, tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=TEXT, response_format="wav"
    ) as response:
        response.stream_to_file(path)
    samples, rate = soundfile.read(path)
    assert len(samples) / rate > 60
    whole = client.audio.speech.create(model="tts-1", voice="alloy", input="Hello.", response_format="flac")
    assert whole.content[:4] == b"fLaC"


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert {"default", "espeak-ng"} <= {model.id for model in client.models.list()}


def test_errors_are_the_packages_own(server: Server, client: openai.OpenAI) -> None:
    with pytest.raises((openai.UnprocessableEntityError, openai.BadRequestError)):
        client.audio.speech.create(model="tts-1", voice="alloy", input="")
    with pytest.raises(openai.AuthenticationError, match="key"):
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong").models.list()
