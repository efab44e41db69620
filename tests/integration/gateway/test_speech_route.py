"""`POST /v1/audio/speech` with real services behind it: every word is heard in every format, and no chunk twice."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import openai
import psutil
import pytest

from shared.audio.loudness import LoudnessMeter, decibels, true_peak
from shared.store import keys
from tests.integration.gateway.conftest import STACK_KEY, with_key
from tests.integration.gateway.speaking import (
    FORMATS,
    STALL_SECONDS,
    STREAMS,
    STREAMS_OF_A_KEY,
    SpeakingGateway,
    asked,
    heard,
    speaking,
    text,
)
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services
from tests.servers.speech_process import ToneSpeech
from tests.waiting import until

SPEECH = "/v1/audio/speech"


@pytest.fixture(scope="module")
def stack(rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, ToneSpeech]]:
    folder = tmp_path_factory.mktemp("speech-route")
    url = rabbitmq.vhost()
    with speaking(url, (folder / "store").as_uri(), folder) as found:
        yield found
    rabbitmq.drop_vhost(url)


@pytest.fixture
async def line(stack: tuple[Services, ToneSpeech]) -> AsyncIterator[SpeakingGateway]:
    services, tone = stack
    (worker,) = services.of("gateway")
    tone.behave()
    tone.delay(0)
    tone.forget()
    async with with_key(worker.health_url) as client:
        yield SpeakingGateway(services, worker, client, tone)


def sdk(line: SpeakingGateway) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{line.url}/v1", api_key=STACK_KEY, max_retries=0)


async def test_the_openai_client_hears_every_word_in_every_format_and_no_chunk_is_spoken_twice(
    line: SpeakingGateway, tmp_path: Path
) -> None:
    said = text("the harbour", 6)
    expected: list[str] = []
    async with sdk(line) as client:
        for name in FORMATS:
            async with client.audio.speech.with_streaming_response.create(
                input=said, model="tts-1", voice="alloy", response_format=name
            ) as response:
                audio = await response.read()
                expected = await line.chunks(response.headers["x-podcast-job"])
            assert len(expected) == 6
            assert await heard(audio, name, tmp_path) == expected, name
        created = await client.audio.speech.create(input=said, model="tts-1", voice="alloy")
        again = await client.audio.speech.create(input=said, model="tts-1", voice={"id": "alloy"})
        assert created.content == again.content

    assert Counter(line.tone.texts()) == Counter(expected)


async def test_the_same_text_asked_while_it_is_spoken_joins_the_job(line: SpeakingGateway) -> None:
    line.tone.delay(0.3)
    answers = await asyncio.gather(
        *(line.client.post(SPEECH, json=asked("the choir", 5)) for _ in range(STREAMS_OF_A_KEY))
    )

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["x-podcast-job"] for answer in answers}) == 1
    assert len({answer.content for answer in answers}) == 1
    assert len(line.tone.texts()) == 5


async def test_another_key_gets_a_job_of_its_own_and_the_same_audio(line: SpeakingGateway) -> None:
    mine = await line.client.post(SPEECH, json=asked("the twins", 3))
    async with with_key(line.url, await line.key("submit")) as other:
        theirs = await other.post(SPEECH, json=asked("the twins", 3))

    assert mine.headers["x-podcast-job"] != theirs.headers["x-podcast-job"]
    assert mine.content == theirs.content
    assert len(line.tone.texts()) == 3


async def test_the_first_chunk_is_sent_while_the_second_is_not_spoken_yet(line: SpeakingGateway) -> None:
    line.tone.misbehave("hang", containing="Sentence 1 ")
    async with line.client.stream("POST", SPEECH, json=asked("patience", 3, response_format="wav")) as response:
        received = 0
        async for piece in response.aiter_raw():
            received += len(piece)
            if received > 2 * 24_000:  # more than a second of it
                break
        assert response.status_code == 200
        assert all(call["answered"] for call in line.tone.calls() if "Sentence 0 " in call["text"])
        assert not any(call["answered"] for call in line.tone.calls() if "Sentence 1 " in call["text"])


async def test_a_job_is_streamed_while_it_is_spoken_and_again_afterwards(line: SpeakingGateway, tmp_path: Path) -> None:
    async def submitted(name: str) -> str:
        body = {"text": text(name, 3), "source_format": "text"}
        return str((await line.client.post("/v1/jobs", json=body)).json()["job_id"])

    line.tone.misbehave("hang", containing="Sentence 1 of the quay")
    job_id = await submitted("the quay")
    async with line.client.stream("GET", f"/v1/jobs/{job_id}/stream", params={"format": "wav"}) as response:
        received = 0
        async for piece in response.aiter_raw():
            received += len(piece)
            if received > 2 * 24_000:  # more than a second of it
                break
        assert (response.status_code, response.headers["content-type"]) == (200, "audio/wav")
        assert not any(call["answered"] for call in line.tone.calls() if "Sentence 1 " in call["text"])
    job_id = await submitted("the pier")

    answers = [await line.client.get(f"/v1/jobs/{job_id}/stream") for _ in range(2)]

    assert answers[0].content == answers[1].content
    assert answers[0].headers["content-type"] == "audio/mpeg"
    assert await heard(answers[0].content, "mp3", tmp_path) == await line.chunks(job_id)
    await until(lambda: _has_no_stream(line), "no stream is left")
    unknown = await line.client.get("/v1/jobs/no-such-job/stream")
    assert (unknown.status_code, unknown.json()["status"]) == (404, 404)
    async with with_key(line.url, await line.key("submit")) as other:
        assert (await other.get(f"/v1/jobs/{job_id}/stream")).status_code == 403


async def _has_no_stream(line: SpeakingGateway) -> bool:
    return await line.streams() == 0


async def test_a_job_that_cannot_be_spoken_is_no_stream(line: SpeakingGateway) -> None:
    body = {"text": "***", "source_format": "text"}
    job_id = (await line.client.post("/v1/jobs", json=body)).json()["job_id"]
    answer = await line.client.get(f"/v1/jobs/{job_id}/stream")
    assert (answer.status_code, "nothing to speak" in answer.text) == (422, True), answer.text


async def test_events_carry_the_same_audio_and_the_usage(line: SpeakingGateway) -> None:
    request = asked("the radio", 3)
    plain = await line.client.post(SPEECH, json=request)
    async with line.client.stream("POST", SPEECH, json={**request, "stream_format": "sse"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        rows = [row async for row in response.aiter_lines() if row.startswith("data: ")]

    events = [json.loads(row.removeprefix("data: ")) for row in rows]
    audio = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
    assert audio == plain.content
    usage = events[-1]["usage"]
    assert events[-1]["type"] == "speech.audio.done"
    assert usage["input_tokens"] == len(request["input"])
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["output_tokens"] == pytest.approx(len(plain.content) / 8_000, abs=1.5)


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav"])
async def test_plain_players_play_the_stream(line: SpeakingGateway, name: str) -> None:
    body = json.dumps(asked("the players", 2, response_format=name))
    curl = ["curl", "-sS", "-N", "--fail", f"{line.url}{SPEECH}", "-H", f"Authorization: Bearer {STACK_KEY}"]
    fetch = [*curl, "-H", "Content-Type: application/json", "-d", body]

    def played(*player: str, to_the_end: bool = False) -> str:
        with subprocess.Popen(fetch, stdout=subprocess.PIPE) as source:
            done = subprocess.run(
                player,
                stdin=source.stdout,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=True,
                timeout=60,
                env={**os.environ, "SDL_AUDIODRIVER": "dummy"},
            )
        assert source.returncode == 0 or not to_the_end
        return done.stdout

    decode = partial(played, "ffmpeg", "-v", "error", "-i", "-", "-f", "null", "-", to_the_end=True)
    assert await asyncio.to_thread(decode) == ""
    probe = ("ffprobe", "-v", "error", "-show_entries", "stream=sample_rate,channels", "-of", "csv=p=0", "-")
    rate = "48000" if name == "opus" else "24000"
    assert (await asyncio.to_thread(played, *probe)).strip() == f"{rate},1"
    if name == "mp3":  # ffplay takes as long as the audio
        await asyncio.to_thread(played, "ffplay", "-v", "error", "-nodisp", "-autoexit", "-t", "1", "-")


async def test_the_stream_is_as_loud_as_an_episode_and_does_not_clip(line: SpeakingGateway) -> None:
    answer = await line.client.post(SPEECH, json=asked("the scales", 4, response_format="pcm"))
    samples = np.frombuffer(answer.content, "<i2").astype(np.float32) / 32_768
    meter = LoudnessMeter(24_000)
    meter.push(samples)

    assert meter.integrated() == pytest.approx(-19, abs=1)
    assert decibels(true_peak(samples, 24_000)) <= -0.9


# ---------------------------------------------------------------- what goes wrong


async def take_all(response: httpx.Response, received: bytearray) -> None:
    async for piece in response.aiter_raw():
        received += piece


async def broken(line: SpeakingGateway, request: dict[str, Any]) -> tuple[bytes, str]:
    """Ask for a stream that breaks off; what came of it, and the job's id."""
    received = bytearray()
    async with line.client.stream("POST", SPEECH, json=request) as response:
        assert response.status_code == 200, await response.aread()
        with pytest.raises(httpx.RemoteProtocolError):
            await take_all(response, received)
    return bytes(received), response.headers["x-podcast-job"]


async def test_a_client_that_goes_away_leaves_nothing_behind_and_loses_nothing(
    line: SpeakingGateway, tmp_path: Path
) -> None:
    line.tone.delay(0.2)
    before = line.holds()
    request = asked("the train", 12)
    async with line.client.stream("POST", SPEECH, json=request) as response:
        assert line.holds()[0] == before[0] + 1, "an encoder should be running"
        assert await line.streams() == 1
        job_id = response.headers["x-podcast-job"]
    await until(lambda: line.holds()[0] == before[0], "the encoder is gone", seconds=5)
    await until(lambda: line.holds()[1] <= before[1] + 1, "its descriptors are closed", seconds=5)
    assert await line.streams() == 0

    assert (await line.services.ended(job_id)).state == "completed"
    again = await line.client.post(SPEECH, json=request)
    assert again.headers["x-podcast-job"] == job_id
    assert await heard(again.content, "mp3", tmp_path) == await line.chunks(job_id)
    assert len(line.tone.texts()) == 12


async def test_a_client_that_goes_away_before_the_first_byte_leaves_nothing_behind(line: SpeakingGateway) -> None:
    line.tone.delay(3)
    before = line.holds()[0]
    asking = asyncio.create_task(line.client.post(SPEECH, json=asked("the hermit", 2)))

    async def begun() -> bool:
        return await line.streams() == 1 and any("the hermit" in said for said in line.tone.texts())

    await until(begun, "it is being spoken")
    asking.cancel()

    async def none() -> bool:
        return await line.streams() == 0

    await until(none, "the stream is gone", seconds=2)
    assert line.holds()[0] == before


async def test_a_killed_gateway_loses_nothing(line: SpeakingGateway, tmp_path: Path) -> None:
    line.tone.delay(0.3)
    request = asked("the lighthouse", 12)
    async with line.client.stream("POST", SPEECH, json=request) as response:
        job_id = response.headers["x-podcast-job"]
        children = psutil.Process(line.worker.process.pid).children()
        line.services.strike(line.worker, signal.SIGKILL)
        with pytest.raises(httpx.HTTPError):
            await take_all(response, bytearray())
    assert children, "an encoder should have been running"
    await until(lambda: not any(child.is_running() for child in children), "the encoder died with it", seconds=10)
    line.services.restart(line.worker)
    await until(lambda: asyncio.to_thread(line.worker.is_ready), "the gateway is back")

    again = await line.client.post(SPEECH, json=request)
    assert again.headers["x-podcast-job"] == job_id
    assert await heard(again.content, "mp3", tmp_path) == await line.chunks(job_id)
    assert len(line.tone.texts()) == 12


async def test_a_killed_synthesizer_only_repeats_what_it_had_not_stored(line: SpeakingGateway, tmp_path: Path) -> None:
    line.tone.delay(0.3)
    (synthesizer,) = line.services.of("synthesizer")
    async with line.client.stream("POST", SPEECH, json=asked("the miller", 12)) as response:
        await until(lambda: len(line.tone.texts()) >= 4, "a third of it is asked for")
        line.tone.delay(3)  # so that it is in the middle of a call when it is killed, on any machine
        asked_for = len(line.tone.texts())
        await until(lambda: len(line.tone.texts()) > asked_for, "another call has begun")
        line.services.kill(synthesizer)
        unanswered = line.tone.recorded()["running"]
        line.tone.delay(0.3)
        line.services.restart(synthesizer)
        audio = b"".join([piece async for piece in response.aiter_raw()])

    job_id = response.headers["x-podcast-job"]
    assert await heard(audio, "mp3", tmp_path) == await line.chunks(job_id)
    assert unanswered, "it should have died while it spoke"
    repeated = [said for said, times in Counter(line.tone.texts()).items() if times > 1]
    assert len(repeated) <= line.settings.synthesizer_slots, repeated
    spoken = len(line.tone.texts())
    assert (await line.client.post(SPEECH, json=asked("the miller", 12))).content == audio
    assert len(line.tone.texts()) == spoken


async def test_a_chunk_that_dies_after_the_first_bytes_breaks_the_stream(line: SpeakingGateway, tmp_path: Path) -> None:
    line.tone.misbehave("status", status=400, containing="Sentence 2 ")
    received, job_id = await broken(line, asked("the storm", 4))
    assert await heard(received, "mp3", tmp_path) == (await line.chunks(job_id))[:2]
    async with sdk(line) as client:
        with pytest.raises((openai.APIConnectionError, httpx.RemoteProtocolError)):
            await client.audio.speech.create(input=text("the gale", 4), model="tts-1", voice="alloy")
    events, _ = await broken(line, asked("the rain", 4, stream_format="sse"))
    last = events.decode().rpartition("event: error\n")[2]
    error = json.loads(last.removeprefix("data: "))["error"]
    assert (error["type"], error["code"]) == ("server_error", "not_spoken")
    assert await line.streams() == 0

    line.tone.behave()
    spoken = len(line.tone.texts())
    whole = await line.client.post(SPEECH, json=asked("the storm", 4))
    assert len(await heard(whole.content, "mp3", tmp_path)) == 4
    assert len(line.tone.texts()) == spoken + 1, "the same text asked again needs only what was missing"


async def test_a_chunk_that_dies_before_the_first_byte_is_a_proper_error(line: SpeakingGateway) -> None:
    line.tone.misbehave("status", status=400, message="I do not say that.", containing="Sentence 0 ")
    for name in FORMATS:
        answer = await line.client.post(SPEECH, json=asked("the oracle", 2, response_format=name))
        assert answer.status_code == 502, (name, answer.text)
    assert answer.headers["x-podcast-job"]
    assert answer.headers["x-should-retry"] == "false"
    assert "I do not say that." in answer.json()["error"]["message"]
    async with openai.AsyncOpenAI(base_url=f"{line.url}/v1", api_key=STACK_KEY) as client:
        calls = len(line.tone.texts())
        with pytest.raises(openai.InternalServerError):
            await client.audio.speech.create(input=text("the sphinx", 2), model="tts-1", voice="alloy")
    assert len(line.tone.texts()) <= calls + 2, "it was not tried again"


async def test_a_text_with_nothing_to_speak_is_bad_input(line: SpeakingGateway) -> None:
    answer = await line.client.post(SPEECH, json={"input": "…", "model": "tts-1", "voice": "alloy"})

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def no_job_is_active(line: SpeakingGateway) -> bool:
    return not [key async for key in line.store.list(keys.ACTIVE)]


async def test_a_key_has_its_share_of_the_streams_and_another_still_gets_through(line: SpeakingGateway) -> None:
    line.tone.misbehave("hang", containing="Sentence 0 ")
    waiting: list[asyncio.Task[httpx.Response]] = []

    def ask(client: httpx.AsyncClient, name: str) -> None:
        waiting.append(asyncio.create_task(client.post(SPEECH, json=asked(name, 1))))

    async def taken(count: int) -> None:
        async def are_taken() -> bool:
            return await line.streams() == count

        await until(are_taken, f"{count} streams are taken")

    async with with_key(line.url, await line.key("submit")) as other:
        for number in range(STREAMS_OF_A_KEY):
            ask(line.client, f"guest {number}")
        await taken(STREAMS_OF_A_KEY)
        refused = await line.client.post(SPEECH, json=asked("one too many", 1))
        for number in range(STREAMS - STREAMS_OF_A_KEY):
            ask(other, f"another's guest {number}")
        await taken(STREAMS)
        full = await other.post(SPEECH, json=asked("one too many", 1))
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)

    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert "3 of 6 streams" in refused.json()["error"]["message"]
    assert (full.status_code, full.json()["error"]["code"]) == (503, "speech_streams_full")
    for answer in (refused, full):
        assert int(answer.headers["retry-after"]) >= 1
        assert "x-podcast-job" not in answer.headers
    await taken(0)
    # Calls that hang would hold the synthesizer's places until their deadline, and their texts appear in later tests.
    line.tone.behave()
    (synthesizer,) = line.services.of("synthesizer")
    line.services.kill(synthesizer)
    line.services.restart(synthesizer)
    await until(partial(no_job_is_active, line), "their jobs have ended")


async def test_a_client_that_does_not_read_holds_little_and_is_cut_off_while_its_job_goes_on(
    line: SpeakingGateway,
) -> None:
    process = psutil.Process(line.worker.process.pid)
    request = asked("the long road", 150, response_format="wav")
    body = json.dumps(request).encode()
    parts = urlsplit(line.url)
    head = (
        f"POST {SPEECH} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {STACK_KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    (await line.client.post(SPEECH, json=asked("the warm-up", 2, response_format="wav"))).raise_for_status()
    children, descriptors = line.holds()
    memory = process.memory_info().rss
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.connect((parts.hostname, parts.port))
        client.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(client, head + body)
        first = await asyncio.get_running_loop().sock_recv(client, 4_096)
        assert first.startswith(b"HTTP/1.1 200")
        job_id = first.decode("latin-1").lower().partition("x-podcast-job: ")[2].split("\r\n")[0]
        assert (await line.services.ended(job_id)).state == "completed"
        grown = process.memory_info().rss - memory

        async def none() -> bool:
            return await line.streams() == 0

        await until(none, "it is given up", seconds=3 * STALL_SECONDS)
        await until(lambda: line.holds()[1] <= descriptors, "its connection is gone", seconds=5 * STALL_SECONDS)
    status = await line.services.status(job_id)
    assert status is not None
    assert status.audio_seconds * 48_000 > 20_000_000, "the audio should be larger than what may be held"
    assert grown < 12_000_000
    assert line.holds()[0] == children


async def test_audio_that_the_store_has_lost_is_spoken_again_in_a_new_job(
    line: SpeakingGateway, tmp_path: Path
) -> None:
    first = await line.client.post(SPEECH, json=asked("the archive", 3))
    await line.services.ended(first.headers["x-podcast-job"])
    manifest = await line.manifest(first.headers["x-podcast-job"])
    await line.store.delete(manifest.chunks[0].audio_key)
    again = await line.client.post(SPEECH, json=asked("the archive", 3))

    assert again.headers["x-podcast-job"] != first.headers["x-podcast-job"]
    assert len(await heard(again.content, "mp3", tmp_path)) == 3
    assert len(line.tone.texts()) == 4

    await line.services.ended(again.headers["x-podcast-job"])
    await line.store.delete(manifest.chunks[2].audio_key)
    await broken(line, asked("the archive", 3))
    assert (await line.client.post(SPEECH, json=asked("the archive", 3))).content == again.content
    assert len(line.tone.texts()) == 5
