"""The HLS stream of a job whose manifest is corrected, or that is asked for twice at once; over a store on disk."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.audio import chunk_audio
from shared.audio.joining.hls import HlsPlan
from shared.audio.segments.segment import MasteredSegment
from shared.client import hls_segments, hls_stream
from shared.client.hls_stream import HlsStreams
from shared.errors import BadAudio, NotFound
from shared.protocol.messages import AudioFormat, ChunkRequested, JobState, JobStatus
from shared.store import keys
from shared.store.folder import FileStore
from tests.audio_keys import audio_key_of
from tests.manifests import manifest
from tests.waiting import LIMIT_SECONDS, until

RATE = 24_000
JOB = manifest(["The first.", "The second."])


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path, deadline_seconds=20)


@pytest.fixture
async def streams(store: FileStore) -> HlsStreams:
    await store.put(keys.manifest("job"), JOB.model_dump_json().encode())
    return HlsStreams(store, default_rate=RATE, turns=asyncio.Semaphore(1))


@cache
def audio() -> bytes:
    noise = np.random.default_rng(1).normal(0, 0.1, 5 * RATE)
    return chunk_audio.encode(noise.astype(np.float32), RATE)


def status(state: JobState) -> JobStatus:
    return JobStatus(job_id="job", state=state, submitted_at=0.0, updated_at=0.0)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_chunk_that_is_corrected_while_the_job_is_under_way_is_heard(
    store: FileStore, streams: HlsStreams, times: int
) -> None:
    """The same gateway remembers the manifest as it was; nothing in the status says that there is another."""
    await store.put(JOB.chunks[0].audio_key, audio())
    before = await streams.playlist(status("synthesizing"))
    corrected = JOB
    for time in range(times):
        changed = {"text": f"Corrected {time}.", "audio_key": audio_key_of(f"corrected {time}")}
        corrected = corrected.corrected(corrected.chunk_request(1).model_copy(update=changed))
        await store.put(keys.corrected_manifest("job"), corrected.model_dump_json().encode())
        assert await streams.playlist(status("synthesizing")) == before

    await store.put(corrected.chunks[1].audio_key, audio())
    whole = await streams.playlist(status("completed"))
    assert whole.startswith(before)
    assert whole.endswith("#EXT-X-ENDLIST\n")
    assert (await streams.fragment(status("completed"), whole.count(".m4s") - 1)).data


async def test_a_playlist_that_ends_has_the_last_words_even_if_they_are_being_added(
    store: FileStore, streams: HlsStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One request writes its playlist in a thread at the moment in which another one adds the last chunk."""
    writing, adding, written = threading.Event(), threading.Event(), threading.Event()
    write, cut = hls_stream._written, HlsPlan._cut

    def write_while_adding(*args: Any, **options: Any) -> str:
        if writing.is_set():
            return write(*args, **options)
        writing.set()
        assert adding.wait(LIMIT_SECONDS)
        try:
            return write(*args, **options)
        finally:
            written.set()

    def cut_after_writing(plan: HlsPlan, until: int, *, at_least: int) -> None:
        if writing.is_set():
            adding.set()
            assert written.wait(LIMIT_SECONDS)
        cut(plan, until, at_least=at_least)

    monkeypatch.setattr(hls_stream, "_written", write_while_adding)
    monkeypatch.setattr(HlsPlan, "_cut", cut_after_writing)
    await store.put(JOB.chunks[0].audio_key, audio())
    first = asyncio.create_task(streams.playlist(status("synthesizing")))
    await until(writing.is_set, "the first playlist is being written")
    await store.put(JOB.chunks[1].audio_key, audio())
    whole = await streams.playlist(status("completed"))
    assert whole.endswith("#EXT-X-ENDLIST\n")
    assert whole.startswith(await first)


async def test_who_waited_for_the_first_sound_finds_it_being_made_and_it_is_made_once(
    store: FileStore, streams: HlsStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    missed: list[str] = []
    may_end, get_range = threading.Event(), store.get_range
    make = hls_segments._made

    def slowly(data: bytes, request: ChunkRequested, gain_db: float | None) -> MasteredSegment:
        made.append(request.index)
        assert may_end.wait(LIMIT_SECONDS)
        return make(data, request, gain_db)

    async def missing(key: str, start: int, length: int, *, tag: str | None = None) -> bytes:
        try:
            return await get_range(key, start, length, tag=tag)
        except NotFound:
            missed.append(key)
            raise

    monkeypatch.setattr(hls_segments, "_made", slowly)
    monkeypatch.setattr(store, "get_range", missing)
    waiting = asyncio.create_task(streams.playlist(status("synthesizing"), patience_seconds=LIMIT_SECONDS))
    await until(lambda: missed, "it has looked")
    await store.put(JOB.chunks[0].audio_key, audio())
    assert ".m4s" in await waiting
    await until(lambda: made, "it is being made, though nobody has asked for it")

    asking = [asyncio.create_task(streams.fragment(status("synthesizing"), 0)) for _ in range(3)]
    asking.pop().cancel()
    may_end.set()
    one, other = await asyncio.gather(*asking)
    assert one.data == other.data
    assert made == [0]


class NotesReads(FileStore):
    """A test double that notes what is read."""

    reads: tuple[str, ...] = ()

    async def get(self, key: str) -> bytes:
        self.reads += (key,)
        return await super().get(key)


@pytest.mark.parametrize("formats", [("mp3",), ("mp3", "m4b")])
async def test_a_stored_segment_is_looked_for_only_if_the_job_makes_an_m4b(
    tmp_path: Path, formats: tuple[AudioFormat, ...]
) -> None:
    store = NotesReads(tmp_path, deadline_seconds=20)
    job = JOB.model_copy(update={"request": JOB.request.model_copy(update={"formats": formats})})
    await store.put(keys.manifest("job"), job.model_dump_json().encode())
    await store.put(job.chunks[0].audio_key, audio())
    streams = HlsStreams(store, default_rate=RATE, turns=asyncio.Semaphore(1))
    await streams.playlist(status("synthesizing"))
    assert (await streams.fragment(status("synthesizing"), 0)).data
    assert any(key.endswith(".m4b") for key in store.reads) == ("m4b" in formats)


@pytest.mark.parametrize("is_made_before", [True, False])
async def test_a_chunk_that_is_spoken_again_with_another_length_can_be_heard(
    store: FileStore, streams: HlsStreams, is_made_before: bool
) -> None:
    """Its audio was lost. What this process remembers of it must not keep its fragment from being made for good."""
    for chunk in JOB.chunks:
        await store.put(chunk.audio_key, audio())
    before = await streams.playlist(status("completed"))
    if is_made_before:
        await streams.fragment(status("completed"), 0)
    samples, rate = chunk_audio.decode(audio())
    await store.put(JOB.chunks[0].audio_key, chunk_audio.encode(samples[: 3 * rate], rate))
    await store.put(JOB.chunks[1].audio_key, chunk_audio.encode(samples[: 4 * rate], rate))

    with contextlib.suppress(BadAudio):
        for number in range(before.count(".m4s")):
            await streams.fragment(status("completed"), number)

    after = await streams.playlist(status("completed"))
    assert after != before
    for number in range(after.count(".m4s")):
        assert (await streams.fragment(status("completed"), number)).data
