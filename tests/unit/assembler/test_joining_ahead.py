"""The beginning of an episode is joined while the rest is spoken, and no byte of the episode depends on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from services.assembler import metrics, part_records, parts
from services.assembler.handlers import assemble_episode, join_ahead
from shared.audio import chunk_audio
from shared.audio.segments import mastering
from shared.client.deleting import remove
from shared.errors import StoreDown
from shared.protocol.manifest import Manifest
from shared.protocol.messages import AudioFormat, EpisodeAssembled, EpisodePartRequested
from shared.store import chunk_segments, keys
from shared.store.folder import FileStore
from shared.store.key_rules import PARTIAL
from shared.store.listing import entries
from shared.store.port import Contents, Upload, UploadedPart
from shared.store.voice_gains import VoiceGains
from tests.unit.assembler.material import LONG, RATE, SENTENCES, Harness, key_of, manifest, spoken, spoken_so_far
from tests.unit.assembler.test_handlers import PNG

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("small_parts")]

FORMATS: tuple[AudioFormat, ...] = ("mp3", "m4b", "opus", "flac", "wav")


async def assembled(harness: Harness, name: AudioFormat) -> bytes:
    await harness.store.delete(keys.episode("job", "timing.json"))
    await assemble_episode(harness.request, store=harness.store, settings=harness.settings, publish=harness.publish)
    assert isinstance(harness.published[-1], EpisodeAssembled)
    return harness.path(name).read_bytes()


async def parts_of(harness: Harness) -> list[str]:
    return [key async for key in harness.store.list("jobs/job/parts/")]


def uploaded(harness: Harness) -> list[Path]:
    """The files in open uploads: the bytes of all parts but the first."""
    return sorted(path for path in harness.store.root.glob(f"{PARTIAL}uploads/*/*"))


def counted(name: AudioFormat) -> float:
    return metrics.PARTS.labels(name)._value.get()


async def put(harness: Harness, plan: Manifest) -> None:
    await harness.put(plan)
    await harness.store.put(keys.source("job", "cover.png"), PNG)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("steps", [(15,), (5, 5, 9, 8, 14), (16,)])
async def test_the_episode_is_the_same_byte_by_byte(
    harness: Harness, name: AudioFormat, steps: tuple[int, ...]
) -> None:
    await put(harness, manifest(LONG, formats=(name,), cover=keys.source("job", "cover.png")))
    first = await assembled(harness, name)
    before = counted(name)

    for chunks in steps:
        await spoken_so_far(harness, chunks)

    parts = counted(name) - before
    assert parts > 1
    assert len(await parts_of(harness)) == parts + 2, "the first one's bytes and the id of the upload are objects, too"
    assert len(uploaded(harness)) == parts - 1
    assert await assembled(harness, name) == first
    assert await parts_of(harness) == []
    assert uploaded(harness) == []


async def test_what_is_joined_ahead_is_not_read_again(harness: Harness) -> None:
    await put(harness, manifest(LONG))
    first = await assembled(harness, "mp3")
    await spoken_so_far(harness, 14)
    request = manifest(LONG).chunk_request(0)
    digest = request.audio_key.removesuffix(".flac")
    for key in [key async for key in harness.store.list(digest)]:
        await harness.store.delete(key)

    assert await assembled(harness, "mp3") == first


async def test_all_formats_of_a_job_are_joined_ahead(harness: Harness) -> None:
    await put(harness, manifest(LONG, formats=FORMATS))
    await assembled(harness, "mp3")
    first = {name: harness.path(name).read_bytes() for name in FORMATS}
    await spoken_so_far(harness, 12)
    assert {key.split("/")[3] for key in await parts_of(harness)} == set(FORMATS)
    await assembled(harness, "mp3")
    assert {name: harness.path(name).read_bytes() for name in FORMATS} == first


async def first_body(harness: Harness) -> str:
    return next(key for key in await parts_of(harness) if "/00001-" in key)


async def remove_the_first_body(harness: Harness) -> None:
    await harness.store.delete(await first_body(harness))


async def cut_the_first_body(harness: Harness) -> None:
    key = await first_body(harness)
    await harness.store.put(key, (await harness.store.get(key))[:-1])


async def remove_a_body(harness: Harness) -> None:
    uploaded(harness)[0].unlink()


async def cut_a_body(harness: Harness) -> None:
    path = uploaded(harness)[0]
    path.write_bytes(path.read_bytes()[:-1])


async def forget_the_upload(harness: Harness) -> None:
    """As a store does after a day."""
    await harness.store.abandon_upload(keys.episode("job", "mp3"), await upload_of(harness))


async def upload_of(harness: Harness) -> str:
    return (await harness.store.get(keys.part_upload("job", "mp3"))).decode()


async def replace_the_upload(harness: Harness) -> None:
    await harness.store.put(keys.part_upload("job", "mp3"), b"0123456789abcdef")


UNUSABLE_IDS = [b"", b"\xff\xfe", b"../..", b"0123456789abcdef\n"]


async def spoil_the_id_of_the_upload(harness: Harness, content: bytes) -> None:
    await harness.store.put(keys.part_upload("job", "mp3"), content)


async def move_from_another_store(harness: Harness) -> None:
    """Who copies a bucket into a folder copies ids and records, too, but no uploads."""
    await harness.store.put(keys.part_upload("job", "mp3"), b"2~other.store")
    for key in [key for key in await parts_of(harness) if key[-5:].isdecimal() and not key.endswith("00001")]:
        record, state = part_records.parsed(await harness.store.get(key))
        moved = record.model_copy(update={"upload": "2~other.store", "tag": "0" * 32})
        await harness.store.put(key, part_records.document(moved, state))


async def remove_the_id_of_the_upload(harness: Harness) -> None:
    await harness.store.delete(keys.part_upload("job", "mp3"))


async def remove_a_record(harness: Harness) -> None:
    await harness.store.delete(keys.part("job", "mp3", "00001"))


async def damage_a_record(harness: Harness) -> None:
    key = keys.part("job", "mp3", "00002")
    data = bytearray(await harness.store.get(key))
    data[-30] ^= 1
    await harness.store.put(key, bytes(data))


async def empty_a_record(harness: Harness) -> None:
    await harness.store.put(keys.part("job", "mp3", "00001"), b"")


async def last_record(harness: Harness) -> str:
    """The one whose state is used."""
    return max(key for key in await parts_of(harness) if key[-5:].isdecimal())


async def damage_a_state(harness: Harness) -> None:
    key = await last_record(harness)
    data = await harness.store.get(key)
    at = data.index(b'"frame":') + len(b'"frame":')
    await harness.store.put(key, data[:at] + b"%d" % (data[at] % 2 + 1) + data[at + 1 :])


async def rename_a_state(harness: Harness) -> None:
    key = await last_record(harness)
    data = await harness.store.get(key)
    await harness.store.put(key, data.replace(b'"frame":', b'"Frame":'))


FAULTS = [
    *(remove_the_first_body, cut_the_first_body, remove_a_body, cut_a_body, remove_a_record, damage_a_record),
    *(empty_a_record, damage_a_state, rename_a_state),
    *(forget_the_upload, replace_the_upload, remove_the_id_of_the_upload, move_from_another_store),
    *(partial(spoil_the_id_of_the_upload, content=content) for content in UNUSABLE_IDS),
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_parts_that_are_gone_or_damaged_are_joined_anew(
    harness: Harness, fault: Callable[[Harness], Awaitable[None]]
) -> None:
    await put(harness, manifest(LONG))
    first = await assembled(harness, "mp3")
    for chunks in (6, 11, 15):
        await spoken_so_far(harness, chunks)
    await fault(harness)
    assert await assembled(harness, "mp3") == first
    assert keys.part_upload("job", "mp3") not in await parts_of(harness)


async def test_a_chunk_that_was_corrected_meanwhile_is_in_the_episode(harness: Harness) -> None:
    plan = manifest(LONG)
    await put(harness, plan)
    await assembled(harness, "mp3")
    for chunks in (6, 11, 15):
        await spoken_so_far(harness, chunks)
    other = manifest([*LONG[:9], "This is what was meant.", *LONG[10:]])
    await put(harness, other)
    with_parts = await assembled(harness, "mp3")
    assert with_parts == await assembled(harness, "mp3")


async def test_what_is_joined_ahead_anew_replaces_what_was_there(harness: Harness) -> None:
    await put(harness, manifest(LONG))
    await assembled(harness, "mp3")
    await spoken_so_far(harness, 6)
    other = manifest(["This is what was meant.", *LONG[1:]])
    await put(harness, other)
    await assembled(harness, "mp3")
    await put(harness, manifest(LONG))
    await spoken_so_far(harness, 6)
    before = await parts_of(harness)
    await put(harness, other)
    await spoken_so_far(harness, 6)
    after = await parts_of(harness)
    assert len(before) == len(after) >= 2
    assert before != after
    await assembled(harness, "mp3")
    assert await parts_of(harness) == []
    assert uploaded(harness) == []


async def test_a_segment_that_is_missing_is_made_as_it_would_be_at_the_end(harness: Harness) -> None:
    await put(harness, manifest(LONG))
    first = await assembled(harness, "mp3")
    request = manifest(LONG).chunk_request(9)
    digest = request.audio_key.removesuffix(".flac")
    [key] = [key async for key in harness.store.list(digest) if key.endswith(".mp3")]
    good = await harness.store.get(key)
    await harness.store.delete(key)

    await spoken_so_far(harness, 14)

    assert await harness.store.get(key) == good
    assert await assembled(harness, "mp3") == first


async def test_a_chunk_that_is_gone_is_left_for_the_end(harness: Harness) -> None:
    await put(harness, manifest(LONG))
    first = await assembled(harness, "mp3")
    await spoken_so_far(harness, 6)
    before = await parts_of(harness)
    request = manifest(LONG).chunk_request(9)
    stored = {key: await harness.store.get(key) async for key in harness.store.list(request.audio_key[:-5])}
    for key in stored:
        await harness.store.delete(key)

    await spoken_so_far(harness, 14)

    assert set(before) <= set(await parts_of(harness)), "what was joined before stays"
    for key, data in stored.items():
        await harness.store.put(key, data)
    assert await assembled(harness, "mp3") == first


async def test_a_voice_that_nobody_has_measured_is_learnt_from_what_it_has_said_so_far(harness: Harness) -> None:
    """The segments of a short episode have the keys of those without a voice's gain, and another level."""
    await put(harness, manifest(LONG[:9]))
    await assembled(harness, "mp3")
    request = manifest(LONG).chunk_request(0)
    assert chunk_segments.needs_voice_gain(request)
    await put(harness, manifest(LONG))
    assert await VoiceGains(harness.store).find(request, "mono") is None

    await spoken_so_far(harness, 9)

    learnt = await VoiceGains(harness.store).find(request, "mono")
    assert learnt is not None
    assert len(await parts_of(harness)) > 0
    with_parts = await assembled(harness, "mp3")
    assert with_parts == await assembled(harness, "mp3"), "without parts"
    assert await VoiceGains(harness.store).find(request, "mono") == learnt


async def test_a_voice_that_has_said_too_little_is_left_for_the_end(harness: Harness) -> None:
    await put(harness, manifest(["Yes.", *LONG]))
    await spoken_so_far(harness, 1)
    assert await VoiceGains(harness.store).find(manifest(LONG).chunk_request(0), "mono") is None
    assert await parts_of(harness) == []


async def test_nothing_is_joined_ahead_of_a_job_that_has_ended_or_is_not_there(harness: Harness) -> None:
    await put(harness, manifest(LONG))
    await assembled(harness, "mp3")
    request = EpisodePartRequested(job_id="job", chunks=14)
    await join_ahead(request, store=harness.store, settings=harness.settings)
    assert await parts_of(harness) == []
    await harness.store.put(keys.active("other"), b"")
    await join_ahead(EpisodePartRequested(job_id="other", chunks=3), store=harness.store, settings=harness.settings)


@pytest.mark.parametrize("name", ["mp3", "opus", "m4b"])
async def test_an_episode_that_is_off_target_is_repaired_as_without(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, name: AudioFormat
) -> None:
    """Segments of one loudness, an episode with another target: the level of the whole has to be moved."""
    await put(harness, manifest(LONG, formats=(name,)))
    await assembled(harness, name)
    monkeypatch.setitem(mastering.TARGET_LUFS, "mono", -22.0)  # type: ignore[misc] # constant but for a test
    first = await assembled(harness, name)
    await spoken_so_far(harness, 14)
    assert await assembled(harness, name) == first


async def test_an_upload_that_the_store_has_forgotten_is_begun_anew(harness: Harness) -> None:
    await put(harness, manifest(LONG))
    first = await assembled(harness, "mp3")
    for chunks in (6, 11):
        await spoken_so_far(harness, chunks)
    forgotten = await upload_of(harness)
    await forget_the_upload(harness)
    await spoken_so_far(harness, 15)
    assert await parts_of(harness) == [], "what was in it is of no use"
    for chunks in (6, 11, 15):
        await spoken_so_far(harness, chunks)
    assert await upload_of(harness) != forgotten
    assert len(uploaded(harness)) > 1
    assert await assembled(harness, "mp3") == first
    assert uploaded(harness) == []


async def test_two_that_join_ahead_at_once_use_one_upload(harness: Harness) -> None:
    await put(harness, manifest(LONG))
    first = await assembled(harness, "mp3")
    await spoken_so_far(harness, 6)
    assert uploaded(harness) == []
    await asyncio.gather(*(spoken_so_far(harness, 14) for _ in range(3)))
    assert {path.parent.name for path in uploaded(harness)} == {await upload_of(harness)}
    assert await assembled(harness, "mp3") == first
    assert uploaded(harness) == []


async def test_parts_are_removed_whatever_is_gone_of_them(harness: Harness) -> None:
    await put(harness, manifest(LONG, formats=("wav",)))
    await assembled(harness, "wav")
    await spoken_so_far(harness, 15)
    numbers = [key[-5:] for key in await parts_of(harness) if key[-5:].isdecimal()]
    assert len(numbers) > parts.RECORDS_A_CALL
    for number in (numbers[1], numbers[-2]):
        await harness.store.delete(keys.part("job", "wav", number))
    await assembled(harness, "wav")
    assert await parts_of(harness) == []
    assert uploaded(harness) == []


class NotesReads(FileStore):
    """A test double that notes which parts are looked for."""

    reads: tuple[str, ...] = ()

    async def get_many(self, keys: Sequence[str]) -> Contents:
        self.reads += tuple(key for key in keys if "/parts/" in key)
        return await super().get_many(keys)


@pytest.mark.parametrize(("more", "looks"), [(1, False), (0, True)])
async def test_parts_are_looked_for_only_if_anybody_asks_for_some(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, more: int, looks: bool
) -> None:
    harness.store = store = NotesReads(harness.store.root, deadline_seconds=20)
    monkeypatch.setattr(parts, "PART_CHUNKS", len(SENTENCES) - 1 + more)
    await put(harness, manifest(SENTENCES))
    await assembled(harness, "mp3")
    assert bool(store.reads) == looks


async def test_the_upload_of_a_job_that_is_deleted_is_abandoned(harness: Harness) -> None:
    await put(harness, manifest(LONG, formats=("mp3", "m4b")))
    await assembled(harness, "mp3")
    for chunks in (6, 14):
        await spoken_so_far(harness, chunks)
    assert len({path.parent for path in uploaded(harness)}) == 2
    await remove(harness.store, "job", await entries(harness.store, keys.job("job")))
    assert uploaded(harness) == []
    assert await parts_of(harness) == []


@pytest.mark.parametrize("content", UNUSABLE_IDS)
async def test_an_id_that_is_of_no_use_is_replaced_and_keeps_no_job(harness: Harness, content: bytes) -> None:
    await put(harness, manifest(LONG))
    first = await assembled(harness, "mp3")
    await spoken_so_far(harness, 6)
    await spoil_the_id_of_the_upload(harness, content)
    for chunks in (11, 11, 15):
        await spoken_so_far(harness, chunks)
    assert await upload_of(harness) in {path.parent.name for path in uploaded(harness)}
    assert await assembled(harness, "mp3") == first

    await spoil_the_id_of_the_upload(harness, content)
    await remove(harness.store, "job", await entries(harness.store, keys.job("job")))
    assert await parts_of(harness) == []


class SpoiltUpload(FileStore):
    """A test double: a server that can do nothing with one upload any more, and everything else."""

    def taken_up(self, key: str, upload_id: str, parts: Sequence[UploadedPart] = ()) -> Upload:
        upload = super().taken_up(key, upload_id, parts)

        async def fails(*_: object) -> NoReturn:
            raise StoreDown("InternalError: We encountered an internal error, please try again.")

        upload.add = upload.finish = fails  # type: ignore[method-assign]
        return upload


async def test_an_upload_that_the_store_cannot_read_any_more_keeps_no_episode_from_being_made(harness: Harness) -> None:
    await put(harness, manifest(LONG))
    first = await assembled(harness, "mp3")
    for chunks in (6, 11, 15):
        await spoken_so_far(harness, chunks)
    harness.store = SpoiltUpload(harness.store.root, deadline_seconds=20)
    assert await assembled(harness, "mp3") == first


class EndsMeanwhile(FileStore):
    """A test double: the job ends, and is deleted, as soon as one of its parts is stored."""

    stored: int = 0

    async def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        await super().put(key, data, content_type=content_type)
        if "/parts/" in key:
            self.stored += 1
            await self.delete(keys.active("job"))


async def test_no_part_is_left_of_a_job_that_ends_meanwhile(harness: Harness) -> None:
    await put(harness, manifest(LONG, formats=("mp3", "m4b")))
    await assembled(harness, "mp3")
    harness.store = store = EndsMeanwhile(harness.store.root, deadline_seconds=20)
    await spoken_so_far(harness, 14)
    assert store.stored == 2, "the first part is two objects"
    assert await parts_of(harness) == []
    assert uploaded(harness) == []


async def speak_again(harness: Harness, text: str) -> None:
    """The chunk's audio and segments were lost, and an engine that never says the same twice has spoken it again."""
    key = key_of(text)
    for found in [found async for found in harness.store.list(key.removesuffix(".flac"))]:
        await harness.store.delete(found)
    await harness.store.put(key, chunk_audio.encode(np.tile(spoken(text), 2), RATE))


async def test_all_formats_have_the_same_sound_if_a_chunk_is_spoken_again(harness: Harness) -> None:
    """Parts of one format hold the chunk as it was, another format has none."""
    await put(harness, manifest(LONG, formats=("mp3", "m4b")))
    await assembled(harness, "mp3")
    await spoken_so_far(harness, 14)
    for key in await parts_of(harness):
        if "/m4b/" in key:
            await harness.store.delete(key)
    await speak_again(harness, LONG[3])

    await assembled(harness, "mp3")
    found = [harness.path(name).read_bytes() for name in ("mp3", "m4b", "vtt")]
    await assembled(harness, "mp3")
    assert found == [harness.path(name).read_bytes() for name in ("mp3", "m4b", "vtt")]


async def test_captions_are_those_of_the_file_that_was_joined_anew(harness: Harness) -> None:
    await put(harness, manifest(LONG))
    await assembled(harness, "mp3")
    for chunks in (6, 11, 15):
        await spoken_so_far(harness, chunks)
    await remove_a_body(harness)
    await speak_again(harness, LONG[3])

    await assembled(harness, "mp3")
    found = harness.path("vtt").read_bytes()
    await assembled(harness, "mp3")
    assert found == harness.path("vtt").read_bytes()
