"""The segments that a chunk's job needs: after its audio and before its announcement, and without speaking again."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.synthesizer import chunk_work
from services.synthesizer.audio_workers import AudioWorkers
from services.synthesizer.chunk_work import Segments, segments_of
from services.synthesizer.handlers import speak_chunk
from services.synthesizer.segmenting import Segmenting
from services.synthesizer.speech import SpeechPool
from shared.audio import chunk_audio
from shared.audio.loudness import integrated_loudness
from shared.audio.segments import segment
from shared.errors import BadAudio, StoreDown
from shared.protocol.manifest import audio_key
from shared.protocol.messages import ChunkRequested, ChunkSynthesized, LoudnessProfile, SegmentsNeeded
from shared.settings import Settings
from shared.store import chunk_segments, keys
from shared.store.folder import FileStore
from shared.store.port import Store
from shared.store.voice_gains import VoiceGains
from tests.held_encoding import encoded_when_told
from tests.unit.synthesizer.sounds import TEXT, espeak
from tests.unit.synthesizer.speech_server import SpeechServer, Write, sends, serving
from tests.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]

LONG_TEXT = " ".join((TEXT,) * 3)
SHORT_TEXT = "Chapter two."


def request(
    text: str = TEXT, *, loudness: LoudnessProfile = "mono", is_short: bool = True, mastered: bool = True
) -> ChunkRequested:
    key = audio_key(text=text, language="en", voice="joe", model="m", speed=1.0, engine="tests", sample_rate=24_000)
    mastering = SegmentsNeeded(formats=("mp3",), loudness=loudness, is_short=is_short)
    return ChunkRequested(
        job_id="job",
        index=0,
        text=text,
        language="en",
        voice="joe",
        model="m",
        speed=1.0,
        audio_key=key,
        mastering=mastering if mastered else None,
    )


class Synthesizer:
    """One process: handles requests, remembers what it has announced."""

    def __init__(self, store: Store, *servers: SpeechServer, seen_by: Store | None = None) -> None:
        self.store = store
        self.seen_by = seen_by or store
        self.settings = Settings(speech_url=",".join(server.url for server in servers), speech_deadline_seconds=20)
        self.segmenting = Segmenting(store, VoiceGains(store), AudioWorkers(2))
        self.announced: list[ChunkSynthesized] = []
        self.there: list[list[str]] = []

    async def handle(self, asked: ChunkRequested) -> None:
        async with SpeechPool(self.settings) as speech:
            await speak_chunk(
                asked,
                store=self.store,
                speech=speech,
                settings=self.settings,
                publish=self._publish,
                segmenting=self.segmenting,
            )

    async def _publish(self, message: ChunkSynthesized) -> None:
        self.there.append(await segments_in(self.seen_by))
        self.announced.append(message)


async def segments_in(store: Store) -> list[str]:
    return [key async for key in store.list(keys.AUDIO) if not key.endswith(".flac")]


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path, deadline_seconds=20)


def speaks(text: str) -> AbstractAsyncContextManager[SpeechServer]:
    return serving(sends(espeak(text), content_type="audio/wav"))


async def test_a_chunk_is_announced_when_its_segments_are_there(store: FileStore) -> None:
    async with speaks(TEXT) as server:
        synthesizer = Synthesizer(store, server)
        await synthesizer.handle(request())

    [key] = synthesizer.there[0]
    assert key == chunk_segments.wanted(request(), chunk_segments.codecs_of(request()), None)["mp3"]
    head = segment.parse(await store.get(key)).head
    assert integrated_loudness(head.energies) == pytest.approx(-19, abs=0.3)
    assert head.samples / head.rate == pytest.approx(synthesizer.announced[0].audio_seconds)


async def test_a_second_job_that_needs_other_segments_speaks_nothing(store: FileStore) -> None:
    async with speaks(TEXT) as server:
        synthesizer = Synthesizer(store, server)
        await synthesizer.handle(request())
        await synthesizer.handle(request(loudness="stereo"))
        await synthesizer.handle(request(loudness="stereo"))

        assert len(server.asked) == 1
    assert [len(there) for there in synthesizer.there] == [1, 2, 2]
    assert [message.reused for message in synthesizer.announced] == [False, True, True]


async def test_stored_audio_that_is_damaged_behind_its_header_is_spoken_again(store: FileStore) -> None:
    async with speaks(TEXT) as server:
        synthesizer = Synthesizer(store, server)
        await synthesizer.handle(request())
        good = await store.get(request().audio_key)
        await store.put(request().audio_key, good[: len(good) // 2])
        await synthesizer.handle(request(loudness="stereo"))

        assert len(server.asked) == 2
    assert await store.get(request().audio_key) == good
    assert [message.reused for message in synthesizer.announced] == [False, False]
    assert len(synthesizer.there[-1]) == 2


class FailsOnSegments(FileStore):
    """Dies, as it were, between the audio and its segments."""

    async def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        if not key.endswith(".flac"):
            raise StoreDown("The store has gone away.")
        await super().put(key, data, content_type=content_type)


async def test_what_died_before_its_segments_were_stored_is_completed_without_speaking(tmp_path: Path) -> None:
    whole, cut = FileStore(tmp_path / "whole", deadline_seconds=20), tmp_path / "cut"
    async with speaks(TEXT) as server:
        await Synthesizer(whole, server).handle(request())
        failing = Synthesizer(FailsOnSegments(cut, deadline_seconds=20), server)
        with pytest.raises(StoreDown):
            await failing.handle(request())
        assert failing.announced == []
        assert await segments_in(failing.store) == []

        store = FileStore(cut, deadline_seconds=20)
        again = Synthesizer(store, server)
        await again.handle(request())
        assert len(server.asked) == 2

    [key] = await segments_in(whole)
    assert await segments_in(store) == [key]
    assert await store.get(key) == await whole.get(key)


async def test_audio_can_be_heard_before_it_is_encoded(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk_work, "segments_of", partial(encoded_when_told, tmp_path / "mark"))
    async with speaks(TEXT) as server:
        synthesizer = Synthesizer(store, server)
        handling = asyncio.create_task(synthesizer.handle(request()))
        await until(lambda: store.exists(request().audio_key), "the audio")
        assert not handling.done()
        assert synthesizer.announced == []
        (tmp_path / "mark").touch()
        await handling
    assert [len(there) for there in synthesizer.there] == [1]


@pytest.mark.parametrize("dies", [True, False])
async def test_segments_are_never_left_beside_audio_that_they_were_not_made_of(tmp_path: Path, dies: bool) -> None:
    """The audio was lost and is spoken anew; the process may die between the new audio and its segments."""
    store, asked = FileStore(tmp_path, deadline_seconds=20), request()
    async with speaks(TEXT) as server:
        await Synthesizer(store, server).handle(asked)
    old = await store.get(asked.audio_key)
    await store.delete(asked.audio_key)

    async with serving(sends(espeak(words_a_minute=160), content_type="audio/wav")) as server:
        if dies:
            with pytest.raises(StoreDown):
                await Synthesizer(FailsOnSegments(tmp_path, deadline_seconds=20), server).handle(asked)
        synthesizer = Synthesizer(store, server)
        await synthesizer.handle(asked)
        assert len(server.asked) == 1, "it is not spoken once more"

    new = await store.get(asked.audio_key)
    assert new != old
    [key] = synthesizer.there[0]
    assert segment.parse(await store.get(key)).head.chunk_md5 == chunk_audio.read_md5(new)


async def test_a_text_that_two_synthesizers_speak_at_once_keeps_the_audio_that_was_stored_first(
    store: FileStore,
) -> None:
    asked, both_asked, may_end = request(), asyncio.Event(), asyncio.Event()

    async def answers_first(body: dict[str, Any], writer: Write) -> None:
        await both_asked.wait()
        await sends(espeak(), content_type="audio/wav")(body, writer)

    async def answers_last(body: dict[str, Any], writer: Write) -> None:
        both_asked.set()
        await may_end.wait()
        await sends(espeak(words_a_minute=160), content_type="audio/wav")(body, writer)

    async with serving(answers_first) as quick, serving(answers_last) as slow, asyncio.timeout(30):
        one, other = Synthesizer(store, quick), Synthesizer(store, slow)
        late = asyncio.create_task(other.handle(asked))
        await one.handle(asked)
        audio = await store.get(asked.audio_key)
        may_end.set()
        await late

    assert await store.get(asked.audio_key) == audio, "somebody may be using it"
    assert other.announced[0].audio_seconds == one.announced[0].audio_seconds
    [key] = other.there[0]
    assert segment.parse(await store.get(key)).head.chunk_md5 == chunk_audio.read_md5(audio)


def refused(mark: Path | None, *arguments: Any) -> Segments:
    """`chunk_work.segments_of` of a sound that cannot be encoded; if there is a mark, only of the first one."""
    if mark is not None and mark.exists():
        return segments_of(*arguments)
    if mark is not None:
        mark.touch()
    raise BadAudio("This sound cannot be encoded.")


async def test_a_sound_that_cannot_be_encoded_is_asked_for_once_more(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk_work, "segments_of", partial(refused, tmp_path / "mark"))
    async with speaks(TEXT) as server:
        synthesizer = Synthesizer(store, server)
        await synthesizer.handle(request())
        assert len(server.asked) == 2
    assert [len(there) for there in synthesizer.there] == [1]


async def test_a_sound_that_cannot_be_encoded_is_never_taken_for_finished(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with speaks(TEXT) as server:
        synthesizer = Synthesizer(store, server)
        await synthesizer.handle(request(mastered=False))
        monkeypatch.setattr(chunk_work, "segments_of", partial(refused, None))
        with pytest.raises(BadAudio, match="cannot be encoded"):
            await synthesizer.handle(request())
        assert len(server.asked) == 3, "what was stored is of no use, and neither are two others"
    assert not await store.exists(request().audio_key)
    assert len(synthesizer.announced) == 1


async def test_a_long_episode_has_its_voice_learnt_from_the_first_chunk_that_is_long_enough(store: FileStore) -> None:
    long, short = request(LONG_TEXT, is_short=False), request(SHORT_TEXT, is_short=False)
    async with speaks(SHORT_TEXT) as server:
        synthesizer = Synthesizer(store, server)
        await synthesizer.handle(short)
        assert synthesizer.there == [[]], "too short to learn from: the assembler makes its segment"
    async with speaks(LONG_TEXT) as server:
        other = Synthesizer(store, server)
        await other.handle(long)
    gain = await VoiceGains(store).find(long, "mono")
    assert gain is not None
    assert other.there == [list(chunk_segments.wanted(long, chunk_segments.codecs_of(long), gain).values())]
    assert await VoiceGains(store).learn(long, "mono", gain + 3) == gain, "learnt once"

    await synthesizer.handle(short)
    assert len(synthesizer.there[-1]) == 2


async def test_a_gain_that_an_operator_deletes_is_learnt_anew_by_processes_that_knew_it(store: FileStore) -> None:
    long = request(LONG_TEXT, is_short=False)
    remembering, forgetting = VoiceGains(store), VoiceGains(store, known_seconds=0)
    for gains in (remembering, forgetting):
        assert await gains.learn(long, "mono", 20.0) == 20.0
    [key] = [key async for key in store.list(keys.VOICE_GAINS)]
    assert b'"voice":"joe"' in await store.get(key), "an operator has to find it"

    await store.delete(key)

    assert await remembering.find(long, "mono") == 20.0
    assert await forgetting.find(long, "mono") is None
    assert await forgetting.learn(long, "mono", 3.0) == 3.0
    assert await VoiceGains(store).find(long, "mono") == 3.0


async def test_a_message_of_an_older_version_gets_its_audio_alone(store: FileStore) -> None:
    async with speaks(TEXT) as server:
        synthesizer = Synthesizer(store, server)
        await synthesizer.handle(request(mastered=False))
    assert synthesizer.there == [[]]
    assert await store.exists(request().audio_key)
