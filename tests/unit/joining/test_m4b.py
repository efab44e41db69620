"""An m4b that is joined of AAC segments: its sound, its tables, and what players read."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutagen.mp4 import MP4

from shared.audio.joining.joiner import EpisodeChapter, Whole
from shared.audio.joining.mp4 import SILENCE, Mp4Joiner
from shared.audio.joining.placement import Placed, Placement, grid_of
from shared.audio.segments import aac, aac_frames
from shared.audio.segments.aac_frames import FRAME_SAMPLES
from shared.errors import BadAudio
from tests.unit.joining.material import KINDS, LABELS, decoded, difference_db, episode, joined, picture, probed
from tests.unit.segments.material import RATES

AUDIO = ("moov", "trak", "mdia", "minf", "stbl")


def boxes(data: bytes, start: int = 0, end: int | None = None) -> list[tuple[str, int, int]]:
    """Name, beginning and end of the content of each box."""
    found, end = [], len(data) if end is None else end
    while start < end:
        size, name = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            size, body = struct.unpack_from(">Q", data, body)[0], body + 8
        assert body - start <= size <= end - start, f"{name!r} at {start} has {size} bytes"
        found.append((name.decode("latin-1"), body, start + size))
        start += size
    return found


def content(data: bytes, *path: str) -> bytes:
    """The content of a box, by the names that lead to it; the first of each name."""
    start, end = 0, len(data)
    for name in path:
        _, start, end = next(box for box in boxes(data, start, end) if box[0] == name)
        start += 4 if name == "meta" else 0
    return data[start:end]


@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_the_sound_is_that_of_one_long_encode(tmp_path: Path, rate: int, channels: int) -> None:
    made = episode("m4b", rate, channels)
    path = tmp_path / "episode.m4b"
    path.write_bytes(joined("m4b", made, LABELS))
    found = decoded(path, channels)[: made.placement.samples]
    long = aac_frames.encode(np.tile(made.pcm, (channels, 1)), rate, aac.OPTIONS)
    expected = aac_frames.decode(long, rate, channels)[:, FRAME_SAMPLES:].T[: len(found)]
    assert difference_db(found, expected) < -45
    samples = made.pcm[: len(found), None]
    assert difference_db(found, samples) == pytest.approx(difference_db(expected, samples), abs=0.05)


@pytest.mark.parametrize(("rate", "channels"), [(22_050, 1), (48_000, 2)])
def test_players_get_the_exact_length(tmp_path: Path, rate: int, channels: int) -> None:
    made = episode("m4b", rate, channels)
    data = joined("m4b", made, LABELS)
    path = tmp_path / "episode.m4b"
    path.write_bytes(data)
    report = probed(path)
    sound = report["streams"][0]
    assert (sound["codec_name"], sound["profile"], sound["channels"]) == ("aac", "LC", channels)
    assert abs(int(sound["duration_ts"]) - made.placement.samples) <= rate // 1_000
    # Whole frames are decoded; all that is too much is at the end.
    assert 0 <= len(decoded(path, channels)) - made.placement.samples < FRAME_SAMPLES
    *_, length, start, rate_of_play = struct.unpack(">IIIiI", content(data, "moov", "trak", "edts", "elst"))
    assert (start, rate_of_play) == (FRAME_SAMPLES, 0x10000)
    assert 0 <= length - 1_000 * made.placement.samples / rate < 1


def test_the_tables_lead_to_every_frame() -> None:
    made = episode("m4b", 24_000, 1, 12)
    data = joined("m4b", made, LABELS)
    assert [name for name, _, _ in boxes(data)] == ["ftyp", "moov", "mdat"]
    sizes = np.frombuffer(content(data, *AUDIO, "stsz")[12:], dtype=">u4")
    offsets = np.frombuffer(content(data, *AUDIO, "co64")[8:], dtype=">u8").tolist()
    runs = [(first, count) for first, count, _ in struct.iter_unpack(">III", content(data, *AUDIO, "stsc")[8:])]
    assert len(sizes) == made.placement.frames + 1
    frames: list[bytes] = []
    chunk = 0
    for (first, count), following in zip(runs, [*(first for first, _ in runs[1:]), len(offsets) + 1], strict=True):
        assert first == chunk + 1
        for chunk in range(first, following):
            at = offsets[chunk - 1]
            for size in sizes[len(frames) : len(frames) + count].tolist():
                frames.append(data[at : at + size])
                at += size
    assert len(frames) == len(sizes)
    assert offsets[-1] + sum(sizes[-runs[-1][1] :].tolist()) == len(data)
    for placed, segment in zip(made.placed, made.segments, strict=True):
        assert b"".join(frames[1 + placed.begins : 1 + placed.ends]) == segment.payload
    assert frames[0] == frames[1] == frames[-1] == SILENCE[1]
    assert struct.unpack(">IIII", content(data, *AUDIO, "stts")) == (0, 1, len(sizes), FRAME_SAMPLES)
    assert content(data, *AUDIO, "sgpd") == struct.pack(">I4sIIh", 1 << 24, b"roll", 2, 1, -1)
    assert content(data, *AUDIO, "sbgp") == struct.pack(">I4sIII", 0, b"roll", 1, len(sizes), 1)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_silent_frame_is_what_the_encoder_makes_of_silence(channels: int) -> None:
    for rate in RATES:
        silence = np.zeros((channels, 8 * FRAME_SAMPLES), dtype=np.float32)
        assert set(aac_frames.encode(silence, rate, aac.OPTIONS)) == {SILENCE[channels]}


def test_tags_chapters_and_cover_are_read_by_others(tmp_path: Path) -> None:
    made = episode("m4b", 24_000, 1)
    path = tmp_path / "episode.m4b"
    path.write_bytes(joined("m4b", made, replace(LABELS, cover=picture())))
    tags = MP4(path)  # type: ignore[no-untyped-call]  # mutagen has no types
    assert tags["\xa9nam"] == [LABELS.fields["title"]]
    assert tags["\xa9ART"] == [LABELS.fields["artist"]]
    assert tags["----:com.apple.iTunes:mood"] == [b"calm"]
    assert tags["stik"] == [2]
    assert bytes(tags["covr"][0]) == picture().data
    marks: Any = tags.chapters
    assert [(mark.start, mark.title) for mark in marks] == [(0, "One = first"), (2.5, "Zwei — 第二")]
    report = probed(path)
    assert report["streams"][0]["tags"]["language"] == "eng"
    seconds = made.placement.samples / 24_000
    assert [float(chapter["end_time"]) for chapter in report["chapters"]] == pytest.approx([2.5, seconds], abs=0.001)
    assert [chapter["tags"]["title"] for chapter in report["chapters"]] == ["One = first", "Zwei — 第二"]


def test_more_chapters_than_the_old_list_can_hold_are_all_read(tmp_path: Path) -> None:
    made = episode("m4b", 24_000, 1)
    count = 300
    spans = np.linspace(0, made.placement.samples / 24_000, count + 1)
    chapters = [EpisodeChapter(f"Kapitel {n} " + "é" * n, *map(float, spans[n : n + 2])) for n in range(count)]
    path = tmp_path / "episode.m4b"
    data = joined("m4b", made, replace(LABELS, chapters=chapters))
    path.write_bytes(data)
    assert [chapter["tags"]["title"] for chapter in probed(path)["chapters"]] == [each.title for each in chapters]
    assert "chpl" not in [name for name, _, _ in boxes(content(data, "moov", "udta"))]


def test_an_episode_without_chapters_has_no_text_track(tmp_path: Path) -> None:
    made = episode("m4b", 24_000, 1)
    path = tmp_path / "episode.m4b"
    path.write_bytes(joined("m4b", made, replace(LABELS, chapters=())))
    report = probed(path)
    assert [stream["codec_type"] for stream in report["streams"]] == ["audio"]
    assert report["chapters"] == []


def test_thirty_hours_need_only_the_tables_in_memory() -> None:
    """At 48 kHz: 5 million frames, more samples than 32 bits can count, and more than 4 GB if frames were large."""
    head = episode("m4b", 48_000, 1).segments[0].head
    head = replace(head, sizes=np.full(head.frames, 1_000, dtype=np.uint32), payload_bytes=1_000 * head.frames)
    count = 30 * 3_600 * 48_000 // FRAME_SAMPLES // head.frames
    frames = count * head.frames
    whole = Whole(Placement(grid_of(head), frames, frames * FRAME_SAMPLES), LABELS)
    joiner = Mp4Joiner(whole.placement.grid)
    for at in range(count):
        joiner.came(Placed(at, at * head.frames + head.before, head))
    start = joiner.head(whole)
    assert joiner.size(whole) == len(start) + 1_000 * frames > 1 << 32
    assert len(start) < 25_000_000
    tables = start[: start.index(b"mdat") - 4]
    offsets = np.frombuffer(content(tables, *AUDIO, "co64")[8:], dtype=">u8")
    assert int(offsets[-1]) > 1 << 32
    version, *_, length = struct.unpack_from(">B3xQQIQ", content(tables, "moov", "trak", "mdia", "mdhd"))
    assert (version, length) == (1, (frames + 1) * FRAME_SAMPLES)
    assert length > 1 << 32


@pytest.mark.parametrize("first", [0.0, 1.2])
def test_chapters_begin_where_they_begin_also_if_the_first_one_is_late(tmp_path: Path, first: float) -> None:
    made = episode("m4b", 24_000, 1)
    starts = [first, 2.0, 3.1234]
    chapters = [EpisodeChapter(f"{start}", start, end) for start, end in zip(starts, [*starts[1:], 99.0], strict=True)]
    path = tmp_path / "episode.m4b"
    path.write_bytes(joined("m4b", made, replace(LABELS, chapters=chapters)))
    found = [float(chapter["start_time"]) for chapter in probed(path)["chapters"]]
    assert found[1:] == pytest.approx(starts[1:], abs=0.001)


def test_frames_that_are_not_those_of_the_head_are_refused() -> None:
    made = episode("m4b", 24_000, 1)
    joiner = Mp4Joiner(made.placement.grid)
    with pytest.raises(BadAudio, match="not those that its head lists"):
        joiner.add(made.placed[0], made.segments[1].payload)
    with pytest.raises(BadAudio, match="not those that its head lists"):
        joiner.add(made.placed[0], b"\xff" * len(made.segments[0].payload))
