"""A file for each chapter: the episode's segments, tagged and numbered, in one archive."""

from __future__ import annotations

import asyncio
import io
import shutil
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus

from services.assembler import chapter_names
from services.assembler.timing import Timing
from shared.audio.loudness import block_energies, integrated_loudness
from shared.audio.segments import segment
from shared.protocol.messages import AudioFormat, EpisodeAssembled
from shared.store import keys
from shared.store.voice_gains import VoiceGains
from tests.unit.assembler.material import RATE, SENTENCES, Harness, key_of, manifest, spoken
from tests.unit.assembler.test_handlers import FORMATS, PNG, assemble, left_behind, probed
from tests.unit.assembler.test_joining import LONG, segments_of
from tests.waiting import LIMIT_SECONDS, until

EDGE_SECONDS = 0.3 + 0.7
"""Before the first chunk and after the last one."""


def unpacked(harness: Harness, folder: Path) -> list[Path]:
    """The audio files of the archive, which has been checked."""
    with zipfile.ZipFile(harness.path("zip")) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
        return [folder / name for name in archive.namelist() if name[:1].isdigit()]


@pytest.mark.parametrize("name", FORMATS)
async def test_each_chapter_is_a_file_that_is_whole_and_says_which_it_is(
    harness: Harness, tmp_path: Path, name: AudioFormat
) -> None:
    job = manifest(chapters=3, formats=(name,), chapter_files=True, cover="jobs/job/source/c.png")
    await harness.store.put("jobs/job/source/c.png", PNG)
    await harness.put(job)

    await assemble(harness)

    [announced] = harness.published
    assert isinstance(announced, EpisodeAssembled)
    assert announced.files["zip"] == keys.episode("job", "zip")
    files = unpacked(harness, tmp_path / "files")
    assert [path.name for path in files] == [
        f"0{number} ChunkMeasurement {number - 1} = ; # ü.{name}" for number in (1, 2, 3)
    ]
    for number, path in enumerate(files, 1):
        said = [len(spoken(text)) / RATE for text in SENTENCES[3 * number - 3 : 3 * number]]
        found = probed(path)
        pauses = EDGE_SECONDS + 0.1 * len(said), EDGE_SECONDS + 1.4 * len(said)
        assert sum(said) + pauses[0] <= float(found["format"]["duration"]) <= sum(said) + pauses[1]
        tags = found["format"].get("tags") or found["streams"][0]["tags"]
        tags = {key.lower(): value for key, value in tags.items()}
        assert tags["title"] == f"ChunkMeasurement {number - 1} = ; # \\ ü"
        assert tags["album"] == job.title
        assert tags["artist"] == job.author
    assert numbers_of(files[1], name) == (2, 3)
    assert (tmp_path / "files" / "cover.png").read_bytes() == PNG
    playlist = (tmp_path / "files" / "playlist.m3u8").read_text(encoding="utf-8").splitlines()
    assert playlist[0] == "#EXTM3U"
    assert playlist[2::2] == [path.name for path in files]
    assert left_behind(harness) == []


def numbers_of(path: Path, name: AudioFormat) -> tuple[int, int]:
    """Which track of how many a file is, by the tags that players look for."""
    if name == "m4b":
        return tuple(MP4(path)["trkn"][0])
    if name in {"opus", "flac"}:
        tags = OggOpus(path) if name == "opus" else FLAC(path)
        return int(tags["tracknumber"][0]), int(tags["tracktotal"][0])
    data = path.read_bytes()
    number, total = str(ID3(io.BytesIO(data[data.index(b"ID3\x04") :]))["TRCK"]).split("/")
    return int(number), int(total)


async def test_the_files_have_the_very_segments_of_the_episode(harness: Harness, tmp_path: Path) -> None:
    await harness.put(manifest(chapters=2, chapter_files=True))

    await assemble(harness)

    whole = harness.path("mp3").read_bytes()
    files = [path.read_bytes() for path in unpacked(harness, tmp_path / "files")]
    for key in await segments_of(harness):
        frames = segment.parse(await harness.store.get(key)).payload
        assert frames in whole
        assert [frames in file for file in files].count(True) == 1
    for number, text in enumerate(SENTENCES):
        digest = key_of(text).removesuffix(".flac")
        key = next(key for key in await segments_of(harness) if key.startswith(digest))
        frames = segment.parse(await harness.store.get(key)).payload
        assert frames in files[number // 4], "in the chapter that it belongs to"


@pytest.mark.parametrize("name", ["mp3", "flac"])
async def test_where_the_level_is_moved_or_the_episode_encoded_as_a_whole_a_chapter_is_as_loud_as_in_it(
    harness: Harness, tmp_path: Path, name: AudioFormat
) -> None:
    job = manifest(LONG, chapters=4, formats=(name,), chapter_files=True)
    await VoiceGains(harness.store).learn(job.chunk_request(0), "mono", 40.0)
    await harness.put(job)

    await assemble(harness)

    timing = Timing.model_validate_json(harness.path("timing.json").read_bytes())
    assert timing.audio[name].gain_db < 27, "the fault has bitten: segments have 28 dB or more"
    whole, _ = soundfile.read(harness.path(name), dtype="float32")
    for path, chapter in zip(unpacked(harness, tmp_path / "files"), timing.timeline.chapters, strict=True):
        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == RATE
        there = loudness(whole[chapter.start : chapter.end])
        assert loudness(samples) == pytest.approx(there, abs=0.15)


def loudness(samples: np.ndarray) -> float:
    return integrated_loudness(block_energies(np.ascontiguousarray(samples), RATE), channels=1)


async def test_a_document_without_chapters_is_one_file_and_an_album_of_the_jobs_own_stays(
    harness: Harness, tmp_path: Path
) -> None:
    await harness.put(manifest(chapters=1, chapter_files=True, metadata={"Album": "Sea Stories", "track": "7"}))

    await assemble(harness)

    [file] = unpacked(harness, tmp_path / "files")
    whole, alone = probed(harness.path("mp3")), probed(file)
    assert float(alone["format"]["duration"]) == pytest.approx(float(whole["format"]["duration"]), abs=0.03)
    assert alone["format"]["tags"]["album"] == "Sea Stories"
    assert (alone["format"]["tags"]["track"], whole["format"]["tags"]["track"]) == ("1/1", "7")


async def test_the_same_chapters_are_the_same_bytes(harness: Harness) -> None:
    await harness.put(manifest(chapters=3, chapter_files=True))
    await assemble(harness)
    first = harness.path("zip").read_bytes()

    harness.path("zip").write_bytes(b"cut short")
    await assemble(harness)

    assert harness.path("zip").read_bytes() == first


async def test_cancelled_while_a_thread_writes_to_the_archive(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on, written = threading.Event(), threading.Event(), threading.Event()

    def slow(*_: object) -> None:
        writing.set()
        assert go_on.wait(LIMIT_SECONDS)
        written.set()

    await harness.put(manifest(chapters=3, chapter_files=True))
    monkeypatch.setattr(shutil, "copyfileobj", slow)
    task = asyncio.create_task(assemble(harness))
    try:
        await until(writing.is_set, "a chapter being written")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        go_on.set()

    await until(written.is_set, "the end of the thread")
    assert left_behind(harness) == []
    assert harness.published == []


async def test_nobody_gets_an_archive_who_did_not_ask(harness: Harness) -> None:
    await harness.put(manifest(chapters=3))

    await assemble(harness)

    [announced] = harness.published
    assert isinstance(announced, EpisodeAssembled)
    assert "zip" not in announced.files
    assert not harness.path("zip").exists()


@given(st.lists(st.text(max_size=300), min_size=1, max_size=120))
def test_names_are_valid_everywhere_and_no_two_are_the_same(titles: list[str]) -> None:
    names = chapter_names.unique(titles, suffix=".mp3")

    assert len({name.casefold() for name in names}) == len(titles)
    assert names == sorted(names), "players play them in order"
    for name in names:
        assert not set(name) & set('<>:"/\\|?*')
        assert all(ord(character) >= 32 for character in name)
        assert len(name.encode()) <= 140
        stem = name.removesuffix(".mp3")
        assert stem == stem.rstrip(". ")
        assert stem[0].isdigit()
        assert len(stem.split(" ", 1)[1]) >= 1


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("The Whale", "01 The Whale.mp3"),
        ("AC/DC: “Who?”", "01 AC DC “Who ”.mp3"),
        ("CON", "01 CON.mp3"),
        ("../../etc/passwd", "01 .. .. etc passwd.mp3"),
        ("What…?  And then...", "01 What… And then.mp3"),
        ("\u202egnp.exe", "01 gnp.exe.mp3"),
        ("क्\u200dष", "01 क्\u200dष.mp3"),
        ("第一章", "01 第一章.mp3"),
        ("\x00\n", "01 Chapter.mp3"),
        ("é" * 100, f"01 {'é' * 60}.mp3"),
    ],
)
def test_a_name_is_the_title_as_far_as_it_can_be(title: str, name: str) -> None:
    assert chapter_names.unique([title], suffix=".mp3") == [name]
