"""A chunk is lost and spoken again by an engine that never says the same twice: an episode's files have one sound."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from services.assembler import part_records
from services.assembler.handlers import assemble_episode
from shared.audio import chunk_audio
from shared.audio.loudness import Samples
from shared.protocol.manifest import Manifest
from shared.protocol.messages import AudioFormat, EpisodeAssembled
from shared.store import keys
from shared.store.folder import FileStore
from shared.store.voice_gains import VoiceGains
from tests.unit.assembler.material import LONG, RATE, Harness, key_of, manifest, spoken, spoken_so_far

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("small_parts")]

LOST = LONG[3]


def longer(samples: Samples) -> Samples:
    return np.tile(samples, 2)


def as_long(samples: Samples) -> Samples:
    return np.ascontiguousarray(samples[::-1])


async def assembled(harness: Harness, plan: Manifest) -> dict[str, bytes]:
    """All files of the episode."""
    await harness.store.delete(keys.episode("job", "timing.json"))
    await assemble_episode(harness.request, store=harness.store, settings=harness.settings, publish=harness.publish)
    announced = harness.published[-1]
    assert isinstance(announced, EpisodeAssembled)
    names = (*plan.request.formats, "vtt", "chapters.json", *(["zip"] if plan.request.chapter_files else []))
    return {name: harness.path(name).read_bytes() for name in names}


async def of_audio_alone(harness: Harness, plan: Manifest) -> dict[str, bytes]:
    """What the episode is if there are neither parts nor segments."""
    for key in [key async for key in harness.store.list("audio/")]:
        if not key.endswith(".flac"):
            await harness.store.delete(key)
    assert [key async for key in harness.store.list("jobs/job/parts/")] == []
    return await assembled(harness, plan)


async def spoken_again(
    harness: Harness, sound: Callable[[Samples], Samples], text: str = LOST, *, but: tuple[str, ...] = ()
) -> None:
    """The chunk's audio and its segments, but for some formats, are gone, and there is other audio."""
    for key in [key async for key in harness.store.list(key_of(text).removesuffix(".flac"))]:
        if key.rsplit(".", 1)[1] not in but:
            await harness.store.delete(key)
    await harness.store.put(key_of(text), chunk_audio.encode(sound(spoken(text)), RATE))


async def without_parts_of(harness: Harness, name: str) -> None:
    for key in [key async for key in harness.store.list(f"jobs/job/parts/{name}/")]:
        await harness.store.delete(key)


@pytest.mark.parametrize("sound", [longer, as_long])
@pytest.mark.parametrize("formats", [("mp3", "m4b"), ("wav", "opus", "flac")])
async def test_a_format_with_parts_and_one_without(
    harness: Harness, sound: Callable[[Samples], Samples], formats: tuple[AudioFormat, ...]
) -> None:
    plan = manifest(LONG, formats=formats)
    await harness.put(plan)
    await assembled(harness, plan)
    await spoken_so_far(harness, 14)
    await without_parts_of(harness, formats[1])
    await spoken_again(harness, sound)
    assert await assembled(harness, plan) == await of_audio_alone(harness, plan)


@pytest.mark.parametrize("sound", [longer, as_long])
async def test_a_format_with_parts_and_one_that_is_encoded_as_a_whole(
    harness: Harness, sound: Callable[[Samples], Samples]
) -> None:
    """The voice's gain is wrong, so that the episode is off target; Opus can be moved, an m4b cannot."""
    plan = manifest(LONG, formats=("opus", "m4b"))
    await harness.put(plan)
    await VoiceGains(harness.store).learn(plan.chunk_request(0), "mono", 40.0)
    await assembled(harness, plan)
    await spoken_so_far(harness, 14)
    await spoken_again(harness, sound)
    assert await assembled(harness, plan) == await of_audio_alone(harness, plan)


@pytest.mark.parametrize("sound", [longer, as_long])
async def test_chapter_files(harness: Harness, sound: Callable[[Samples], Samples]) -> None:
    plan = manifest(LONG, formats=("mp3",), chapter_files=True)
    await harness.put(plan)
    await assembled(harness, plan)
    await spoken_so_far(harness, 14)
    await spoken_again(harness, sound)
    assert await assembled(harness, plan) == await of_audio_alone(harness, plan)


@pytest.mark.parametrize("sound", [longer, as_long])
@pytest.mark.parametrize("left", ["mp3", "m4b"])
async def test_a_segment_that_was_left_of_the_audio_before(
    harness: Harness, sound: Callable[[Samples], Samples], left: str
) -> None:
    """The synthesizer died after it had replaced the audio, which counts as spoken, and before it made the segments."""
    plan = manifest(LONG, formats=("mp3", "m4b"))
    await harness.put(plan)
    await assembled(harness, plan)
    await spoken_again(harness, sound, but=(left,))
    assert await assembled(harness, plan) == await of_audio_alone(harness, plan)


@pytest.mark.parametrize("sound", [longer, as_long])
@pytest.mark.parametrize("name", ["flac", "wav"])
async def test_a_record_follows_the_part_that_it_was_made_after(
    harness: Harness, sound: Callable[[Samples], Samples], name: AudioFormat
) -> None:
    """The first record is lost, and that part is made anew of other audio, but not those after it."""
    plan = manifest(LONG, formats=(name,))
    await harness.put(plan)
    await assembled(harness, plan)
    await spoken_so_far(harness, 14)
    first = keys.part("job", name, "00001")
    record, _ = part_records.parsed(await harness.store.get(first))
    for key in (first, record.body):
        await harness.store.delete(key)
    await spoken_again(harness, sound, LONG[0])
    await spoken_so_far(harness, record.chunks)
    assert await harness.store.exists(first)
    assert await assembled(harness, plan) == await of_audio_alone(harness, plan)


class SpokenAgainMeanwhile(FileStore):
    """A test double: the chunk is spoken again when its audio has been measured, and is about to be encoded."""

    has_changed = False

    async def get(self, key: str) -> bytes:
        if key == key_of(LOST) and not self.has_changed:
            self.has_changed = True
            await self.put(key, chunk_audio.encode(longer(spoken(LOST)), RATE))
        return await super().get(key)


async def test_audio_that_has_just_been_replaced_is_not_removed(harness: Harness) -> None:
    """It was spoken, so the chunk is not lost."""
    plan = manifest(LONG, formats=("m4b",))
    await harness.put(plan)
    await VoiceGains(harness.store).learn(plan.chunk_request(0), "mono", 40.0)
    await assembled(harness, plan)
    harness.store = store = SpokenAgainMeanwhile(harness.store.root, deadline_seconds=20)
    found = await assembled(harness, plan)
    assert store.has_changed
    assert [message.ROUTING_KEY for message in harness.published] == [EpisodeAssembled.ROUTING_KEY] * 2
    assert found == await of_audio_alone(harness, plan)
