"""One request, one episode: complete, on target, tagged; the same if requested again; failures have clear reasons."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus

from services.assembler import episode_files, joining, mastering
from services.assembler.failures import OffTarget
from services.assembler.handlers import assemble_episode
from services.assembler.timing import Timing
from shared.audio import chunk_audio
from shared.audio.ffmpeg import DiskFull, EncoderFailed
from shared.errors import BadInput
from shared.protocol.manifest import Manifest
from shared.protocol.messages import AudioFormat, ChunkLost, EpisodeAssembled
from shared.store import keys
from shared.store.folder import FileStore
from tests.unit.assembler.material import RATE, SENTENCES, Harness, key_of, manifest, spoken

FORMATS: tuple[AudioFormat, ...] = ("mp3", "m4b", "opus", "flac", "wav")
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf50"
    "0f0003860180b6c6d0c30000000049454e44ae426082"
)


def encoders() -> list[psutil.Process]:
    """The ffmpeg children of this process, which has other children too: the servers of other tests."""
    return [child for child in psutil.Process().children() if child.name() == "ffmpeg"]


def left_behind(harness: Harness) -> list[Path]:
    return list((harness.folder / "scratch").iterdir())


async def assemble(harness: Harness) -> None:
    await assemble_episode(harness.request, store=harness.store, settings=harness.settings, publish=harness.publish)


def probed(path: Path) -> dict[str, Any]:
    arguments = ["-v", "error", "-show_format", "-show_streams", "-show_chapters", "-of", "json"]
    run = subprocess.run(["ffprobe", *arguments, str(path)], capture_output=True, check=True, timeout=60)
    return dict(json.loads(run.stdout))


def ebur128(path: Path) -> tuple[float, float]:
    """Loudness and true peak as ffmpeg's own meter sees them."""
    arguments = [
        "-hide_banner",
        "-nostats",
        "-i",
        str(path),
        "-map",
        "0:a",
        "-af",
        "ebur128=peak=true",
        "-f",
        "null",
        "-",
    ]
    text = subprocess.run(["ffmpeg", *arguments], capture_output=True, check=True, timeout=60, text=True).stderr
    summary = text[text.rindex("Summary:") :]
    loudness, peak = re.search(r"I:\s+(\S+) LUFS", summary), re.search(r"Peak:\s+(\S+) dBFS", summary)
    assert loudness
    assert peak
    return float(loudness[1]), float(peak[1])


@pytest.mark.parametrize(("profile", "lufs", "channels"), [("mono", -19, 1), ("stereo", -16, 2)])
async def test_every_format_is_on_target_whole_and_has_its_chapters(
    harness: Harness, profile: str, lufs: int, channels: int
) -> None:
    job = manifest(formats=FORMATS, loudness=profile)

    await harness.put(job)
    await assemble(harness)

    [announced] = harness.published
    assert set(announced.files) == {*FORMATS, "vtt", "chapters", "timing"}
    assert announced.loudness_lufs == pytest.approx(lufs, abs=0.5)
    assert announced.true_peak_dbtp <= -1
    for name in FORMATS:
        file = harness.path(name)
        loudness, peak = ebur128(file)
        assert loudness == pytest.approx(lufs, abs=0.55), name
        assert peak <= -1, name
        found = probed(file)
        assert found["streams"][0]["channels"] == channels
        assert float(found["format"]["duration"]) == pytest.approx(announced.audio_seconds, abs=0.1), name
        assert [chapter["tags"]["title"] for chapter in found["chapters"]] == [c.title for c in job.chapters], name
        tags = {
            key.lower(): value for key, value in (found["format"].get("tags") or found["streams"][0]["tags"]).items()
        }
        assert tags["title"] == job.title, name
        assert tags["artist"] == job.author, name
    assert left_behind(harness) == []


async def test_captions_chapters_and_marks_come_from_one_timing(harness: Harness) -> None:
    job = manifest(chapters=4)

    await harness.put(job)
    await assemble(harness)

    timing = Timing.model_validate_json(harness.path("timing.json").read_bytes())
    starts = [chapter.start / RATE for chapter in timing.timeline.chapters]
    chapters = json.loads(harness.path("chapters.json").read_bytes())["chapters"]
    assert [chapter["startTime"] for chapter in chapters] == pytest.approx(starts, abs=0.001)
    marks = [chapter.start_time / 1_000 for chapter in ID3(harness.path("mp3")).getall("CHAP")]
    assert sorted(marks) == pytest.approx(starts, abs=0.001)
    captions = harness.path("vtt").read_text(encoding="utf-8")
    assert captions.startswith("WEBVTT\n\n00:00:00.300 --> ")
    said = " ".join(line for line in captions.splitlines()[1:] if line and "-->" not in line)
    assert said == " ".join(SENTENCES).replace("&", "&amp;").replace("<", "&lt;")


async def test_each_chunk_is_heard_in_the_decoded_episode_at_its_time(harness: Harness) -> None:
    await harness.put(manifest(formats=("flac",)))
    await assemble(harness)

    timing = Timing.model_validate_json(harness.path("timing.json").read_bytes())
    whole, rate = soundfile.read(harness.path("flac"), dtype="float32")
    assert (len(whole), rate) == (timing.timeline.frames, RATE)
    for timed, text in zip(timing.timeline.chunks, SENTENCES, strict=True):
        original = spoken(text)
        heard = whole[timed.start : timed.start + len(original)]
        assert np.corrcoef(original, heard)[0, 1] > 0.98, text


async def test_tags_hold_cover_language_author_and_the_jobs_own_metadata(harness: Harness) -> None:
    metadata = {
        "album": "Sea Stories",
        "genre": "Podcast",
        "narrator": "espeak",
        "comment": "Hello",
        "date": "Spring 2026",
    }
    job = manifest(SENTENCES[:2], chapters=1, formats=FORMATS, cover=keys.source("job", "cover.png"), metadata=metadata)

    await harness.store.put(keys.source("job", "cover.png"), PNG)
    await harness.put(job)
    await assemble(harness)

    id3 = ID3(harness.path("mp3"))
    assert id3["APIC:Cover"].data == PNG
    assert (id3["TALB"].text, id3["TPE1"].text, id3["TLAN"].text) == (["Sea Stories"], [job.author], ["eng"])
    assert id3["TXXX:narrator"].text == ["espeak"]
    assert id3["TXXX:date"].text == ["Spring 2026"]  # TDRC would drop what is not an ISO date
    mp4 = MP4(harness.path("m4b"))
    assert bytes(mp4["covr"][0]) == PNG
    assert (mp4["\xa9alb"], mp4["aART"], mp4["stik"]) == (["Sea Stories"], [job.author], [2])
    assert probed(harness.path("m4b"))["streams"][0]["tags"]["language"] == "eng"
    for tags in (OggOpus(harness.path("opus")), FLAC(harness.path("flac"))):
        assert (tags["album"], tags["language"], tags["comment"]) == (["Sea Stories"], ["eng"], ["Hello"])
    assert FLAC(harness.path("flac")).pictures[0].data == PNG
    opus_streams = probed(harness.path("opus"))["streams"]
    assert [stream["codec_type"] for stream in opus_streams] == ["audio", "video"]


async def test_an_m4b_keeps_more_than_255_chapters(harness: Harness) -> None:
    texts = [f"Number {n}." for n in range(300)]
    job = manifest(texts, chapters=300, formats=("m4b", "mp3"))
    short = chunk_audio.encode(spoken("Word.")[:2_400], RATE)

    for chunk in job.chunks:
        await harness.store.put(chunk.audio_key, short)
    await harness.store.put(keys.manifest("job"), job.model_dump_json().encode())
    await assemble(harness)

    for name in ("m4b", "mp3"):
        titles = [chapter["tags"]["title"] for chapter in probed(harness.path(name))["chapters"]]
        assert titles == [chapter.title for chapter in job.chapters], name


async def test_asked_again_it_only_announces_and_after_a_change_it_makes_the_same_bytes_again(harness: Harness) -> None:
    job = manifest(SENTENCES[:3], formats=("mp3", "m4b", "opus"))

    await harness.put(job)
    await assemble(harness)
    first = {name: harness.path(name).read_bytes() for name in job.request.formats}
    written = harness.path("mp3").stat().st_mtime_ns
    await assemble(harness)
    assert harness.path("mp3").stat().st_mtime_ns == written

    harness.path("opus").unlink()
    await assemble(harness)
    assert {name: harness.path(name).read_bytes() for name in job.request.formats} == first

    one, two, three = harness.published
    assert one.model_copy(update={"seconds": 0}) == two.model_copy(update={"seconds": 0})
    assert one.model_copy(update={"seconds": 0}) == three.model_copy(update={"seconds": 0})


async def test_another_manifest_under_the_same_id_is_made_anew(harness: Harness) -> None:
    await harness.put(manifest(SENTENCES[:2]))
    await assemble(harness)
    await harness.put(manifest(SENTENCES[:4]))
    await assemble(harness)

    assert harness.published[1].audio_seconds > harness.published[0].audio_seconds + 3


async def test_very_peaky_speech_is_on_target_with_the_first_encode(harness: Harness) -> None:
    job = manifest(SENTENCES[:3])
    peaky = {}
    for chunk in job.chunks:
        sound = spoken(chunk.text)
        sound = sound * np.abs(sound) ** 0.4  # expanded: its peaks are 22 dB above its loudness
        peaky[chunk.audio_key] = chunk_audio.encode(sound, RATE)

    await harness.put(job)
    for key, data in peaky.items():
        await harness.store.put(key, data)
    await assemble(harness)

    timing = Timing.model_validate_json(harness.path("timing.json").read_bytes())
    assert timing.audio["mp3"].encodes == 1
    loudness, peak = ebur128(harness.path("mp3"))
    assert loudness == pytest.approx(-19, abs=0.55)
    assert peak <= -1


async def test_clicks_that_leave_no_room_for_the_voice_are_refused_by_name(harness: Harness) -> None:
    sound = spoken(SENTENCES[0]) * np.float32(0.02)
    sound[:: RATE // 8] = 0.98

    job = manifest(SENTENCES[:1], chapters=1)
    await harness.put(job)
    await harness.store.put(job.chunks[0].audio_key, chunk_audio.encode(sound, RATE))
    with pytest.raises(OffTarget, match="after 3 encodes"):
        await assemble(harness)


def lost(job: Manifest, index: int, because: str) -> ChunkLost:
    """The message that makes the coordinator have the chunk spoken again."""
    key = job.chunks[index].audio_key
    reason = f"The audio of chunk {index} {because} ({key})."
    return ChunkLost(job_id=job.job_id, index=index, audio_key=key, reason=reason)


async def test_a_missing_chunk_is_reported_lost(harness: Harness) -> None:
    job = manifest(SENTENCES[:4])

    await harness.put(job)
    await harness.store.delete(job.chunks[2].audio_key)
    await assemble(harness)
    assert (harness.published, left_behind(harness)) == ([lost(job, 2, "is missing")], [])


class Vanishing(FileStore):
    """A store in which a chunk is lost between planning and encoding."""

    async def get(self, key: str) -> bytes:
        if key == key_of(SENTENCES[1]):
            await self.delete(key)
        return await super().get(key)


async def test_a_chunk_that_vanishes_while_the_episode_is_made_is_reported_lost(harness: Harness) -> None:
    harness.store = Vanishing(harness.folder / "store", deadline_seconds=20)
    job = manifest(SENTENCES[:4])

    await harness.put(job)
    await assemble(harness)
    assert (harness.published, left_behind(harness)) == ([lost(job, 1, "is missing")], [])
    assert encoders() == []


@pytest.mark.parametrize("share", [0.001, 0.5])
async def test_a_damaged_chunk_is_removed_and_reported_lost(harness: Harness, share: float) -> None:
    job = manifest(SENTENCES[:3])

    await harness.put(job)
    data = await harness.store.get(job.chunks[1].audio_key)
    await harness.store.put(job.chunks[1].audio_key, data[: int(len(data) * share)])
    await assemble(harness)
    assert not await harness.store.exists(job.chunks[1].audio_key)
    assert harness.published == [lost(job, 1, "is damaged")]


async def test_a_cover_and_an_album_from_the_source_are_taken_where_the_job_names_none(harness: Harness) -> None:
    job = manifest(SENTENCES[:1], chapters=1, formats=FORMATS).model_copy(
        update={"has_cover": True, "album": "The Site"}
    )
    await harness.store.put(keys.cover("job"), PNG)
    await harness.put(job)
    await assemble(harness)

    id3 = ID3(harness.path("mp3"))
    assert (id3["APIC:Cover"].data, id3["TALB"].text, id3["TIT2"].text) == (PNG, ["The Site"], [job.title])
    mp4 = MP4(harness.path("m4b"))
    assert (bytes(mp4["covr"][0]), mp4["\xa9alb"]) == (PNG, ["The Site"])
    assert OggOpus(harness.path("opus"))["album"] == ["The Site"]
    assert (FLAC(harness.path("flac")).pictures[0].data, FLAC(harness.path("flac"))["album"]) == (PNG, ["The Site"])


async def test_the_jobs_own_cover_wins_over_that_of_the_source(harness: Harness) -> None:
    own = PNG + b"\0IEND\xaeB\x60\x82"
    job = manifest(SENTENCES[:1], chapters=1, formats=("mp3",), cover=keys.source("job", "cover.png"))
    await harness.store.put(keys.source("job", "cover.png"), own)
    await harness.store.put(keys.cover("job"), PNG)
    await harness.put(job.model_copy(update={"has_cover": True}))
    await assemble(harness)
    assert ID3(harness.path("mp3"))["APIC:Cover"].data == own


@pytest.mark.parametrize("data", [b"", b"GIF89a...", PNG[:40], b"\xff\xd8\xff\xe0 cut"])
async def test_a_cover_that_is_no_picture_is_refused(harness: Harness, data: bytes) -> None:
    await harness.store.put(keys.source("job", "cover"), data)
    await harness.put(manifest(SENTENCES[:1], chapters=1, cover=keys.source("job", "cover")))
    with pytest.raises(BadInput, match="not a JPEG or PNG"):
        await assemble(harness)


async def test_a_job_without_manifest_and_a_cover_that_is_not_there_are_refused(harness: Harness) -> None:
    with pytest.raises(BadInput, match="no manifest"):
        await assemble(harness)
    await harness.put(manifest(SENTENCES[:1], chapters=1, cover=keys.source("job", "nowhere.png")))
    with pytest.raises(BadInput, match=r"nowhere\.png is not in the store"):
        await assemble(harness)


async def test_a_cover_of_another_job_is_not_read(harness: Harness) -> None:
    own = manifest(SENTENCES[:1], chapters=1)
    theirs = own.model_copy(update={"request": own.request.model_copy(update={"cover": "jobs/another/cover.png"})})
    await harness.store.put("jobs/another/cover.png", PNG)
    await harness.put(theirs)
    with pytest.raises(BadInput, match="cannot be read"):
        await assemble(harness)


@pytest.mark.parametrize(("name", "is_joined"), [("wav", False), ("mp3", False), ("m4b", False), ("mp3", True)])
async def test_a_full_disk_is_named(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, name: AudioFormat, is_joined: bool
) -> None:
    """A file that is joined needs no disk; one for each chapter does."""

    def on_the_full_disk(folder: Path, extension: str) -> Path:
        path = folder / f"episode.{extension}"
        if not path.exists():
            path.symlink_to("/dev/full")
        return path

    monkeypatch.setattr(mastering.Episode, "path", lambda self, extension: on_the_full_disk(self.folder, extension))
    monkeypatch.setattr(episode_files, "path_of", on_the_full_disk)
    if not is_joined:
        monkeypatch.setattr(joining, "codecs_of", lambda _: [])

    await harness.put(manifest(formats=(name,), chapter_files=is_joined))
    with pytest.raises(DiskFull, match="full"):
        await assemble(harness)
    assert left_behind(harness) == []


async def test_too_little_room_is_noticed_before_anything_is_written(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.assembler.handlers.SPARE_BYTES", 10**18)

    await harness.put(manifest(SENTENCES[:1], chapters=1, chapter_files=True))
    with pytest.raises(DiskFull):
        await assemble(harness)


class Stalling(FileStore):
    """A store that gives the encoder its first chunks and then never responds again."""

    async def get(self, key: str) -> bytes:
        if key == key_of(SENTENCES[4]) and encoders():
            await asyncio.Event().wait()
        return await super().get(key)


async def _encoding(task: asyncio.Task[None]) -> psutil.Process:
    """The ffmpeg that `task` has started."""
    deadline = time.monotonic() + 60
    while not task.done() and time.monotonic() < deadline:
        if found := encoders():
            return found[0]
        await asyncio.sleep(0.01)
    raise AssertionError(task)


async def test_cancelled_it_leaves_no_process_and_no_file(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "codecs_of", lambda _: [])  # as if no format had a codec
    harness.store = Stalling(harness.folder / "store", deadline_seconds=20)

    await harness.put(manifest())
    task = asyncio.create_task(assemble(harness))
    ffmpeg = await _encoding(task)
    assert left_behind(harness) != []
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, timeout=3)
    assert not ffmpeg.is_running()
    assert left_behind(harness) == []


async def test_an_ffmpeg_that_is_killed_is_an_error_that_can_be_tried_again(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "codecs_of", lambda _: [])  # as if no format had a codec
    harness.store = Stalling(harness.folder / "store", deadline_seconds=20)

    await harness.put(manifest())
    task = asyncio.create_task(assemble(harness))
    (await _encoding(task)).send_signal(signal.SIGSTOP)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, timeout=3)  # a stopped child does not delay it

    harness.store = FileStore(harness.folder / "store", deadline_seconds=20)
    task = asyncio.create_task(assemble(harness))
    (await _encoding(task)).kill()
    with pytest.raises(EncoderFailed):
        await task
    assert left_behind(harness) == []


async def test_what_a_killed_assembler_left_behind_is_removed_by_the_next(harness: Harness) -> None:
    abandoned = harness.folder / "scratch" / "podcast-assembler-old"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    os.utime(abandoned / "lock", (0, 0))

    await harness.put(manifest(SENTENCES[:1], chapters=1, chapter_files=True))
    await assemble(harness)
    assert left_behind(harness) == []


async def test_a_corrected_chunk_is_heard_and_captioned_as_it_was_corrected_and_the_episode_is_made_again(
    harness: Harness,
) -> None:
    job = manifest()
    await harness.put(job)
    await assemble(harness)
    before = harness.path("mp3").read_bytes()
    request = job.chunk_request(1).model_copy(update={"text": "Nine boats came back.", "audio_key": key_of("nine")})
    await harness.store.put(request.audio_key, chunk_audio.encode(spoken(request.text), RATE))
    await harness.store.put(keys.corrected_manifest("job"), job.corrected(request).model_dump_json().encode())

    await assemble(harness)

    captions = harness.path("vtt").read_text(encoding="utf-8")
    assert "Nine boats came back." in captions
    assert "Seven boats" not in captions
    assert harness.path("mp3").read_bytes() != before
    assert len(harness.published) == 2
    assert isinstance(harness.published[1], EpisodeAssembled)
    assert harness.published[1].audio_seconds < harness.published[0].audio_seconds
