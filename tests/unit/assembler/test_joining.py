"""Episodes that are joined from mastered segments: made where they are missing, checked, and repaired off target."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest

from services.assembler import metrics
from services.assembler.handlers import assemble_episode
from services.assembler.timing import Timing
from shared.audio import chunk_audio
from shared.audio.segments import segment
from shared.audio.segments.mastering import TARGET_LUFS
from shared.protocol.manifest import Manifest
from shared.protocol.messages import ChunkLost, EpisodeAssembled, LoudnessProfile
from shared.store import chunk_segments, keys
from shared.store.voice_gains import VoiceGains
from tests.unit.assembler.material import RATE, SENTENCES, Harness, key_of, manifest, spoken
from tests.unit.assembler.test_handlers import ebur128

pytestmark = pytest.mark.anyio
LONG = (*SENTENCES, *(f"And then, {sentence}" for sentence in SENTENCES))
"""More chunks than a short episode has."""


async def assembled(harness: Harness) -> bytes:
    """Assemble the episode anew; returns its MP3."""
    await harness.store.delete(keys.episode("job", "timing.json"))
    await assemble_episode(harness.request, store=harness.store, settings=harness.settings, publish=harness.publish)
    assert isinstance(harness.published[-1], EpisodeAssembled)
    return harness.path("mp3").read_bytes()


async def segments_of(harness: Harness) -> list[str]:
    return [key async for key in harness.store.list(keys.AUDIO) if key.endswith(".mp3")]


async def test_segments_that_are_missing_are_made_of_the_audio_and_used_from_then_on(harness: Harness) -> None:
    await harness.put(manifest())
    first = await assembled(harness)

    made = await segments_of(harness)
    assert len(made) == len(SENTENCES)
    for text in SENTENCES:
        await harness.store.delete(key_of(text))  # what is joined needs nothing else
    assert await assembled(harness) == first
    assert await segments_of(harness) == made


async def flip_the_last_byte(harness: Harness, key: str) -> None:
    data = bytearray(await harness.store.get(key))
    data[-1] ^= 1
    await harness.store.put(key, bytes(data))


async def flip_a_byte_of_the_head(harness: Harness, key: str) -> None:
    data = bytearray(await harness.store.get(key))
    data[40] ^= 1
    await harness.store.put(key, bytes(data))


async def cut_short(harness: Harness, key: str) -> None:
    await harness.store.put(key, (await harness.store.get(key))[:-100])


async def remove(harness: Harness, key: str) -> None:
    await harness.store.delete(key)


FAULTS = [flip_the_last_byte, flip_a_byte_of_the_head, cut_short, remove]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_segment_that_is_gone_or_damaged_is_made_again_and_no_byte_of_the_episode_changes(
    harness: Harness, fault: Callable[[Harness, str], Awaitable[None]]
) -> None:
    await harness.put(manifest())
    first = await assembled(harness)
    key = (await segments_of(harness))[2]
    good = await harness.store.get(key)

    await fault(harness, key)

    assert await assembled(harness) == first
    assert await harness.store.get(key) == good


async def test_a_chunk_is_lost_if_its_audio_is_gone_too(harness: Harness) -> None:
    await harness.put(manifest())
    await assembled(harness)
    await harness.store.delete(keys.episode("job", "timing.json"))
    digest = key_of(SENTENCES[3]).removesuffix(".flac")
    await cut_short(harness, next(key for key in await segments_of(harness) if key.startswith(digest)))
    await harness.store.delete(key_of(SENTENCES[3]))

    await assemble_episode(harness.request, store=harness.store, settings=harness.settings, publish=harness.publish)

    lost = harness.published[-1]
    assert isinstance(lost, ChunkLost)
    assert (lost.index, lost.audio_key) == (3, key_of(SENTENCES[3]))


async def test_a_long_episode_learns_the_gain_of_its_voice_once(harness: Harness) -> None:
    await harness.put(manifest(LONG))
    first = await assembled(harness)

    request = manifest(LONG).chunk_request(0)
    assert chunk_segments.needs_voice_gain(request)
    gain = await VoiceGains(harness.store).find(request, "mono")
    assert gain is not None
    loudness, peak = ebur128(harness.path("mp3"))
    assert loudness == pytest.approx(-19, abs=0.55)
    assert peak <= -1
    assert Timing.model_validate_json(harness.path("timing.json").read_bytes()).audio["mp3"].encodes == 1

    for key in await segments_of(harness):
        await harness.store.delete(key)
    assert await assembled(harness) == first
    assert await VoiceGains(harness.store).learn(request, "mono", 20.0) == gain


async def test_an_episode_that_would_be_off_target_is_repaired_before_it_is_announced(harness: Harness) -> None:
    job = manifest(LONG)
    await VoiceGains(harness.store).learn(job.chunk_request(0), "mono", 40.0)

    await harness.put(job)
    await assembled(harness)

    loudness, peak = ebur128(harness.path("mp3"))
    assert loudness == pytest.approx(-19, abs=0.55)
    assert peak <= -1
    segments = [segment.parse(await harness.store.get(key)) for key in await segments_of(harness)]
    assert min(each.head.gain_db for each in segments) > 20, "the fault has bitten"


@pytest.mark.parametrize("profile", ["mono", "stereo"])
@pytest.mark.parametrize("miss_db", [-14.0, 15.0])
async def test_the_level_of_a_whole_episode_is_moved_without_an_encode_where_its_format_can_say_so(
    miss_db: float, profile: LoudnessProfile, harness: Harness
) -> None:
    job = manifest(LONG)
    job = job.model_copy(
        update={"request": job.request.model_copy(update={"formats": ("mp3", "opus"), "loudness": profile})}
    )
    gains = VoiceGains(harness.store)
    request = job.chunk_request(0)
    heard = np.concatenate([spoken(text) for text in LONG])
    usual = chunk_segments.usual_gain_db(heard, RATE, profile)
    await gains.learn(request, profile, usual + miss_db)
    counters = [metrics.REPAIRED.labels(name, "gain") for name in ("mp3", "opus")]
    before = [counter._value.get() for counter in counters]

    await harness.put(job)
    await assembled(harness)

    assert [counter._value.get() for counter in counters] == [count + 1 for count in before], "the fault has bitten"
    timing = Timing.model_validate_json(harness.path("timing.json").read_bytes())
    for name in ("mp3", "opus"):
        loudness, peak = ebur128(harness.path(name))
        assert loudness == pytest.approx(TARGET_LUFS[profile], abs=0.55)
        assert loudness == pytest.approx(timing.audio[name].loudness_lufs, abs=0.2)
        assert peak <= -1
        assert peak == pytest.approx(timing.audio[name].true_peak_dbtp, abs=0.3)
        assert timing.audio[name].encodes == 1
    first = harness.path("mp3").read_bytes()
    assert await assembled(harness) == first


async def test_the_voices_of_a_dialogue_are_equally_loud(harness: Harness) -> None:
    job = manifest(LONG)
    chunks = tuple(replace(chunk, voice="quiet" if chunk.index % 2 else None) for chunk in job.chunks)
    await harness.put(job.model_copy(update={"chunks": chunks}))
    for text in LONG[1::2]:
        await harness.store.put(key_of(text), chunk_audio.encode(spoken(text) * np.float32(10 ** (-8 / 20)), RATE))
    await assembled(harness)

    timing = json.loads(harness.path("timing.json").read_bytes())
    assert timing["audio"]["mp3"]["encodes"] == 1
    gains: dict[bool, list[float]] = {True: [], False: []}
    for index in range(len(LONG)):
        digest = job.chunks[index].audio_key.removesuffix(".flac")
        key = next(key for key in await segments_of(harness) if key.startswith(digest))
        gains[bool(index % 2)].append(segment.parse_head(await harness.store.get(key)).gain_db)
    assert min(gains[True]) > max(gains[False])


async def test_a_voice_that_says_only_a_word_or_an_ornament_is_not_learnt(harness: Harness) -> None:
    word, ornament = "Yes.", "* * *"
    job = manifest((*LONG, word, ornament))
    voices = {len(LONG): "brief", len(LONG) + 1: "silent"}
    chunks = tuple(replace(chunk, voice=voices.get(chunk.index)) for chunk in job.chunks)
    job = job.model_copy(update={"chunks": chunks})
    await harness.put(job)
    await assembled(harness)

    gains = VoiceGains(harness.store)
    assert await gains.find(job.chunk_request(0), "mono") is not None
    for index in voices:
        assert await gains.find(job.chunk_request(index), "mono") is None
        assert len([key for key in await segments_of(harness) if key.startswith(key_of_chunk(job, index))]) == 1


def key_of_chunk(job: Manifest, index: int) -> str:
    return job.chunks[index].audio_key.removesuffix(".flac")
