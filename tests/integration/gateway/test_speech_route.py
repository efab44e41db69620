"""`POST /v1/audio/speech` with real services behind it: every word is heard in every format, and no chunk twice."""

from __future__ import annotations

import asyncio
import io
import wave
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import openai
import pytest

from shared.protocol.manifest import Manifest
from shared.store import keys
from tests.integration.gateway.conftest import STACK_KEY, Gateway, environment, with_key
from tests.servers import tones
from tests.servers.services import Services
from tests.servers.speech_process import ToneSpeech

FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")


class Line(Gateway):
    """A gateway with all services and the tone server behind it."""

    tone: ToneSpeech


@pytest.fixture
async def line(amqp_url: str, file_store_url: str, tmp_path: Path) -> AsyncIterator[Line]:
    with ToneSpeech() as tone, Services(settings(amqp_url, file_store_url, tone.url), tmp_path / "logs") as services:
        (worker,) = services.start("gateway")
        services.start()
        await services.ready()
        async with with_key(worker.health_url) as client:
            found = Line(services, worker, client)
            found.tone = tone
            yield found


def settings(amqp_url: str, store_url: str, speech_url: str) -> dict[str, str]:
    return {
        **environment(amqp_url, store_url),
        "PODCAST_SPEECH_URL": speech_url,
        "PODCAST_GATEWAY_SPEECH_STREAMS": "3",
        "PODCAST_GATEWAY_SPEECH_PATIENCE_SECONDS": "60",
        "PODCAST_CHUNK_TARGET_CHARACTERS": "60",
        "PODCAST_PAUSE_SENTENCE_MS": "200",
    }


def text(name: str, sentences: int) -> str:
    """Sentences of which each becomes a chunk."""
    return " ".join(f"Sentence {number} of {name} says that all is well tonight." for number in range(sentences))


async def chunks_of(line: Line, job_id: str) -> list[str]:
    manifest = Manifest.model_validate_json(await line.store.get(keys.manifest(job_id)))
    return [chunk.text for chunk in manifest.chunks]


def playable(audio: bytes, name: str, path: Path) -> Path:
    """The stream as a file; bare PCM gets the header that it lacks."""
    if name == "pcm":
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(24_000)
            file.writeframes(audio)
        audio = buffer.getvalue()
    path.write_bytes(audio)
    return path


async def test_the_openai_client_hears_every_word_in_every_format_and_no_chunk_is_spoken_twice(
    line: Line, tmp_path: Path
) -> None:
    said = text("the harbour", 6)
    async with openai.AsyncOpenAI(base_url=f"{line.url}/v1", api_key=STACK_KEY, max_retries=0) as client:
        for name in FORMATS:
            async with client.audio.speech.with_streaming_response.create(
                input=said, model="tts-1", voice="alloy", response_format=name
            ) as response:
                job_id = response.headers["x-podcast-job"]
                audio = await response.read()
            expected = await chunks_of(line, job_id)
            assert len(expected) == 6
            heard = await asyncio.to_thread(tones.hear_texts, playable(audio, name, tmp_path / f"heard.{name}"))
            assert heard == expected, name
        created = await client.audio.speech.create(input=said, model="tts-1", voice="alloy")
        assert created.content == (await client.audio.speech.create(input=said, model="tts-1", voice="alloy")).content

    assert Counter(line.tone.texts()) == Counter(expected)
