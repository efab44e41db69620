"""Services with different settings make one episode: everything that decides how a chunk sounds is in its message."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.assembler.handlers import assemble_episode
from services.chunker.handlers import chunk_job
from services.coordinator import plan
from services.synthesizer.audio_workers import AudioWorkers
from services.synthesizer.handlers import speak_chunk
from services.synthesizer.segmenting import Segmenting
from services.synthesizer.speech import SpeechPool
from shared.audio import chunk_audio
from shared.protocol.manifest import Manifest
from shared.protocol.messages import (
    ChunkLost,
    ChunkRequested,
    ChunkSynthesized,
    EpisodeAssembled,
    EpisodeRequested,
    JobChunked,
    JobRequest,
    TextSource,
)
from shared.settings import Settings
from shared.store import keys
from shared.store.port import open_store
from shared.store.voice_gains import VoiceGains
from tests.audio_keys import audio_key_of
from tests.unit.synthesizer.sounds import TEXT, espeak
from tests.unit.synthesizer.speech_server import sends, serving

pytestmark = pytest.mark.anyio


async def test_services_with_different_sample_rates_make_one_episode_and_speak_no_chunk_twice(tmp_path: Path) -> None:
    """The assembler used to report every chunk as lost, and the synthesizer kept speaking it the same way for ever."""
    store_url = tmp_path.as_uri()
    of_chunker = Settings(store_url=store_url, sample_rate=22_050, speech_engine="tests")
    of_assembler = Settings(store_url=store_url, sample_rate=16_000)
    store = open_store(of_chunker)
    job = JobRequest(job_id="job", source=TextSource(text=TEXT), formats=("flac", "mp3"))

    async def ignore(_: JobChunked) -> None:
        pass

    await chunk_job(job, store=store, settings=of_chunker, publish=ignore)
    manifest = Manifest.model_validate_json(await store.get(keys.manifest("job")))
    requests = [plan.chunks(manifest).request(index) for index in range(len(manifest.chunks))]
    spoken: list[ChunkSynthesized] = []
    made: list[EpisodeAssembled | ChunkLost] = []

    async def heard(message: ChunkSynthesized) -> None:
        spoken.append(message)

    async def assembled(message: EpisodeAssembled | ChunkLost) -> None:
        made.append(message)

    async with serving(sends(espeak(), content_type="audio/wav")) as server:
        of_synthesizer = Settings(store_url=store_url, sample_rate=48_000, speech_url=server.url)
        async with SpeechPool(of_synthesizer) as speech:
            for request in [*requests, *requests]:
                assert isinstance(request, ChunkRequested)
                await speak_chunk(
                    request,
                    store=store,
                    speech=speech,
                    settings=of_synthesizer,
                    publish=heard,
                    segmenting=Segmenting(store, VoiceGains(store), AudioWorkers(2)),
                )
    await assemble_episode(EpisodeRequested(job_id="job"), store=store, settings=of_assembler, publish=assembled)

    assert [message.reused for message in spoken] == [False] * len(requests) + [True] * len(requests)
    assert [type(message) for message in made] == [EpisodeAssembled]
    head = await store.get_range(manifest.chunks[0].audio_key, 0, chunk_audio.HEADER_BYTES)
    assert chunk_audio.read_measurement(head).sample_rate == 22_050


async def test_a_stored_chunk_of_another_rate_than_was_asked_for_is_spoken_anew(tmp_path: Path) -> None:
    """An older version of the synthesizer may have stored it at its own setting."""
    store_url = tmp_path.as_uri()
    store = open_store(Settings(store_url=store_url))
    spoken: list[ChunkSynthesized] = []

    async def heard(message: ChunkSynthesized) -> None:
        spoken.append(message)

    async with serving(sends(espeak(), content_type="audio/wav")) as server:
        settings = Settings(store_url=store_url, sample_rate=48_000, speech_url=server.url)
        old = ChunkRequested(
            job_id="job",
            index=0,
            text=TEXT,
            language="en",
            voice="v",
            model="m",
            speed=1.0,
            audio_key=audio_key_of("x"),
        )
        async with SpeechPool(settings) as speech:
            for request in (old, old.model_copy(update={"sample_rate": 24_000})):
                await speak_chunk(
                    request,
                    store=store,
                    speech=speech,
                    settings=settings,
                    publish=heard,
                    segmenting=Segmenting(store, VoiceGains(store), AudioWorkers(2)),
                )
    assert [message.reused for message in spoken] == [False, False]
