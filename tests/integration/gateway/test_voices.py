"""Voices and models of several speech servers, one of which is down and one of which hangs."""

from __future__ import annotations

import io
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import openai
import pytest
import soundfile

from tests.integration.gateway.conftest import STACK_KEY, Gateway, environment, with_key
from tests.servers.services import Services
from tests.servers.speech_process import SpeechProcess, ToneSpeech


@pytest.fixture
async def servers(amqp_url: str, file_store_url: str, tmp_path: Path) -> AsyncIterator[tuple[Gateway, ToneSpeech]]:
    own = SpeechProcess(
        "services.speech.app", environment={"PODCAST_SPEECH_PORT": "0", "PODCAST_SPEECH_DEFAULT_ENGINE": "espeak-ng"}
    )
    with ToneSpeech() as tone, own:
        urls = f"{tone.url},{own.url},http://127.0.0.1:9"
        settings = {**environment(amqp_url, file_store_url), "PODCAST_SPEECH_URL": urls}
        with Services(settings, tmp_path / "logs") as services:
            (worker,) = services.start("gateway")
            await services.ready()
            async with with_key(worker.health_url) as client:
                yield Gateway(services, worker, client), tone


async def test_voices_and_models_of_all_servers(servers: tuple[Gateway, ToneSpeech]) -> None:
    gateway, tone = servers
    everything = (await gateway.client.get("/v1/voices")).raise_for_status().json()
    german = (await gateway.client.get("/v1/voices", params={"language": "de"})).json()["voices"]
    errors = {endpoint["url"]: endpoint["error"] for endpoint in everything["endpoints"]}

    assert errors[tone.url] is None
    assert "cannot be asked" in errors["http://127.0.0.1:9"]
    assert {voice["id"] for voice in everything["voices"]} > {"default", "de", "en-us"}
    assert "de" in {voice["id"] for voice in german}
    assert all(voice["language"].startswith("de") for voice in german)
    wrong = await gateway.client.get("/v1/voices", params={"language": "Deutsch!"})
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")

    listed = (await gateway.client.get("/v1/audio/voices")).json()["voices"]
    assert {"id": "de", "name": "de", "model": "espeak-ng", "language": "de", "default": False} in listed
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=STACK_KEY, max_retries=0) as client:
        assert [model.id async for model in client.models.list()][:2] == ["default", "tones"]
        assert (await client.models.retrieve("espeak-ng")).object == "model"
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-9")


async def test_a_voice_is_heard_before_it_is_chosen(servers: tuple[Gateway, ToneSpeech]) -> None:
    gateway, _ = servers
    wav = await gateway.client.post("/v1/voices/de/sample")
    mp3 = await gateway.client.post("/v1/voices/de/sample", json={"text": "Guten Tag.", "format": "mp3"})
    wrong = await gateway.client.post("/v1/voices/de/sample", json={"text": "x" * 501})
    async with with_key(gateway.url, await gateway.key("read")) as reader:
        refused = await reader.post("/v1/voices/de/sample")

    assert (wav.status_code, wav.headers["content-type"]) == (200, "audio/wav"), wav.text
    assert soundfile.info(io.BytesIO(wav.content)).duration > 1
    assert (mp3.status_code, mp3.headers["content-type"]) == (200, "audio/mpeg")
    assert soundfile.info(io.BytesIO(mp3.content)).duration > 0.5
    assert (wrong.status_code, refused.status_code) == (422, 403)


async def test_a_server_that_hangs_delays_the_answer_once_and_health_not_at_all(
    servers: tuple[Gateway, ToneSpeech],
) -> None:
    gateway, tone = servers
    tone.pause()
    try:
        began = time.monotonic()
        waiting = gateway.client.get("/v1/voices", timeout=30)
        answer = await waiting
        took_seconds = time.monotonic() - began
        assert answer.status_code == 200
        (error,) = [one["error"] for one in answer.json()["endpoints"] if one["url"] == tone.url]
        assert "longer than" in error or "cannot be asked" in error
        assert took_seconds < 13
        began = time.monotonic()
        assert (await gateway.client.get("/v1/voices")).json() == answer.json()
        assert time.monotonic() - began < 1
        async with httpx.AsyncClient(base_url=gateway.url) as client:
            assert (await client.get("/healthz")).status_code == 200
    finally:
        tone.resume()
