"""One request for a chunk, with a real store in a folder and real speech servers."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from services.synthesizer.audio_workers import AudioWorkers
from services.synthesizer.chunk_work import make_chunk
from services.synthesizer.handlers import speak_chunk
from services.synthesizer.segmenting import Segmenting
from services.synthesizer.speech import SpeechPool
from shared.audio import chunk_audio
from shared.errors import BadAudio, SpeechDown, StoreDown
from shared.protocol.manifest import audio_key
from shared.protocol.messages import ChunkRequested, ChunkSynthesized
from shared.settings import Settings
from shared.store.port import Store, open_store
from shared.store.voice_gains import VoiceGains
from tests.unit.synthesizer import speech_server
from tests.unit.synthesizer.sounds import TEXT, espeak, heard, noise, silence, speech, tones, wav
from tests.unit.synthesizer.speech_server import Answer, SpeechServer, sends, serving

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]

GOOD = sends(espeak(), content_type="audio/wav")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(Settings(store_url=tmp_path.as_uri()))


def request(text: str = TEXT, *, index: int = 3) -> ChunkRequested:
    key = audio_key(text=text, language="en", voice="joe", model="m", speed=1.0, engine="tests", sample_rate=24_000)
    return ChunkRequested(
        job_id="job", index=index, text=text, language="en", voice="joe", model="m", speed=1.0, audio_key=key
    )


async def handle(asked: ChunkRequested, store: Store, *servers: SpeechServer) -> list[ChunkSynthesized]:
    """Handle one message; returns what was published."""
    settings = Settings(
        speech_url=",".join(server.url for server in servers), speech_deadline_seconds=5, breaker_failures=100
    )
    published: list[ChunkSynthesized] = []

    async def publish(message: ChunkSynthesized) -> None:
        assert await store.exists(message.audio_key), "announced before it was stored"
        published.append(message)

    async with SpeechPool(settings) as pool:
        await speak_chunk(
            asked,
            store=store,
            speech=pool,
            settings=settings,
            publish=publish,
            segmenting=Segmenting(store, VoiceGains(store), AudioWorkers(2)),
        )
    return published


def in_turn(*answers: Answer) -> Answer:
    """A server that answers differently each time; the last answer is repeated."""
    left = list(answers)

    async def answer(body: dict[str, Any], writer: speech_server.Write) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(body, writer)

    return answer


async def test_a_chunk_is_spoken_stored_and_announced(store: Store) -> None:
    async with serving(GOOD) as server:
        (announced,) = await handle(request(), store, server)

    samples, rate = chunk_audio.decode(await store.get(request().audio_key))
    assert (announced.job_id, announced.index, announced.audio_key) == ("job", 3, request().audio_key)
    assert not announced.reused
    assert rate == 24_000
    assert announced.audio_seconds == len(samples) / rate
    assert announced.audio_seconds == pytest.approx(len(speech()[0]) / speech()[1], abs=0.6)


async def test_a_chunk_that_is_stored_is_only_announced(store: Store) -> None:
    async with serving(GOOD) as server:
        (first,) = await handle(request(index=1), store, server)
        before = await store.get(first.audio_key)
        (second,) = await handle(request(index=2), store, server)

    assert len(server.asked) == 1
    assert second.reused
    assert second.index == 2
    assert second.audio_seconds == first.audio_seconds
    assert await store.get(first.audio_key) == before


async def test_a_stored_chunk_needs_no_speech_server(store: Store) -> None:
    async with serving(GOOD) as server:
        await handle(request(), store, server)

    assert (await handle(request(), store, server))[0].reused


@pytest.mark.parametrize("damaged", [b"", b"not flac", espeak()], ids=["empty", "text", "a wav"])
async def test_a_damaged_object_is_spoken_anew(store: Store, damaged: bytes) -> None:
    await store.put(request().audio_key, damaged)

    async with serving(GOOD) as server:
        (announced,) = await handle(request(), store, server)

    assert not announced.reused
    assert chunk_audio.decode(await store.get(request().audio_key))


@pytest.mark.parametrize(
    "bad",
    [
        sends(wav(silence(8)), content_type="audio/wav"),
        sends(wav(noise(8)), content_type="audio/wav"),
        sends(wav(speech()[0][: len(speech()[0]) // 2], speech()[1]), content_type="audio/wav"),
        sends(wav(*speech())[:-20_000], content_type="audio/wav"),
        sends("<html>busy</html>", content_type="text/html"),
        sends(b"\x00" * 5_000, content_type="audio/wav"),
    ],
    ids=["silence", "noise", "half", "cut", "html", "zeros"],
)
async def test_an_unusable_answer_is_asked_for_once_more(store: Store, bad: Answer) -> None:
    async with serving(in_turn(bad, GOOD)) as server:
        (announced,) = await handle(request(), store, server)

    assert len(server.asked) == 2
    assert announced.audio_seconds > 5


async def test_the_second_try_goes_to_another_server(store: Store) -> None:
    async with serving(sends(wav(silence(8)))) as silent, serving(GOOD) as good:
        for index in range(4):
            await handle(request(f"{index} {TEXT}", index=index), store, silent, good)

    assert len(silent.asked) == 4
    assert len(good.asked) == 4


async def test_two_unusable_answers_are_reported_and_nothing_is_stored(store: Store) -> None:
    async with serving(sends(wav(silence(8)))) as server:
        with pytest.raises(BadAudio, match="with silence"):
            await handle(request(), store, server)

    assert len(server.asked) == 2
    assert not await store.exists(request().audio_key)


async def test_an_outage_is_passed_on_and_nothing_is_stored(store: Store) -> None:
    async with serving(speech_server.fails(503)) as server:
        with pytest.raises(SpeechDown):
            await handle(request(), store, server)

    assert not await store.exists(request().audio_key)


async def test_nothing_is_announced_when_the_store_is_down(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_args: object, **_kwargs: object) -> None:
        raise StoreDown("the disk is full")

    monkeypatch.setattr(store, "create", refuse)
    async with serving(GOOD) as server:
        with pytest.raises(StoreDown):
            await handle(request(), store, server)


async def test_a_header_that_lies_about_its_length_does_no_harm(store: Store) -> None:
    honest = wav(*speech())
    lying = honest[:40] + struct.pack("<I", 0xFFFF_FFFF) + honest[44:]

    async with serving(sends(lying)) as server:
        (announced,) = await handle(request(), store, server)

    assert announced.audio_seconds == pytest.approx(len(speech()[0]) / speech()[1], abs=0.6)


@pytest.mark.parametrize("text", [TEXT, "话说天下大势，分久必合，合久必分。", "Hi."])  # noqa: RUF001 - Chinese punctuation
async def test_every_byte_that_was_asked_for_is_in_the_stored_chunk(store: Store, text: str) -> None:
    async with serving(sends(tones(text))) as server:
        await handle(request(text), store, server)

    assert heard(*chunk_audio.decode(await store.get(request(text).audio_key))).strip() == text


def test_the_stored_chunk_lies_on_the_grid_at_the_rate_of_the_settings() -> None:
    for rate in (16_000, 22_050, 24_000, 44_100, 48_000):
        measurement = make_chunk(espeak(), TEXT, speed=1.0, sample_rate=rate).measurement

        assert measurement.sample_rate == rate
        assert measurement.frames % (rate // 10) == 0
        assert len(measurement.energies) == measurement.frames // (rate // 10)
