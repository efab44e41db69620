"""FLAC and WAV files that are joined of segments: the samples are exactly those that went in."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC
from mutagen.wave import WAVE
from numpy.typing import NDArray

from services.assembler import id3
from shared.audio.joining.flac import FlacJoiner
from shared.audio.joining.joiner import Whole
from shared.audio.joining.placement import Placement, grid_of
from shared.audio.joining.wav import WavJoiner
from shared.audio.pcm import quantized
from shared.audio.segments import flac_frames
from shared.errors import BadAudio, TooLarge
from tests.unit.joining.material import KINDS, LABELS, Episode, decoded, episode, joined, picture, probed


def expected(made: Episode, channels: int) -> NDArray[np.int16]:
    return np.repeat(quantized(made.pcm)[:, None], channels, axis=1)


@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_a_flac_file_holds_exactly_the_samples(tmp_path: Path, rate: int, channels: int) -> None:
    made = episode("flac", rate, channels)
    assert made.placement.frames * made.placement.frame_samples == made.placement.samples
    path = tmp_path / "episode.flac"
    path.write_bytes(joined("flac", made, LABELS))
    samples = expected(made, channels)
    found, found_rate = soundfile.read(path, dtype="int16", always_2d=True)
    assert found_rate == rate
    assert np.array_equal(found, samples)
    assert np.array_equal(decoded(path, channels) * 32_768, samples)
    info = FLAC(path).info  # type: ignore[no-untyped-call]  # mutagen has no types
    assert info.total_samples == made.placement.samples
    assert info.md5_signature == int.from_bytes(hashlib.md5(samples.astype("<i2").tobytes()).digest())  # noqa: S324
    sizes = [len(frame) for frame in numbered(made)]
    assert info.max_framesize == max(sizes)
    assert 0 < info.min_framesize <= min(sizes)


def numbered(made: Episode) -> list[bytes]:
    """The frames of the chunks as they are in the file."""
    frames = []
    for placed, segment in zip(made.placed, made.segments, strict=True):
        edges = np.cumsum([0, *segment.head.sizes])
        pieces = [segment.payload[start:end] for start, end in pairwise(edges)]
        frames += flac_frames.numbered(pieces, placed.first)
    return frames


def test_seeking_leads_to_the_right_sample(tmp_path: Path) -> None:
    made = episode("flac", 24_000, 1, 30)
    path = tmp_path / "episode.flac"
    path.write_bytes(joined("flac", made, LABELS))
    samples = expected(made, 1)[:, 0]
    with soundfile.SoundFile(path) as file:
        for at in range(1, len(samples) - 1_000, len(samples) // 17):
            file.seek(at)
            assert np.array_equal(file.read(1_000, dtype="int16"), samples[at : at + 1_000])
    table: Any = FLAC(path).seektable  # type: ignore[no-untyped-call]  # mutagen has no types
    assert [point.first_sample for point in table.seekpoints] == list(range(0, len(samples), 240_000))


def test_tags_chapters_and_cover_of_a_flac_file_are_read_by_others(tmp_path: Path) -> None:
    made = episode("flac", 24_000, 1)
    path = tmp_path / "episode.flac"
    path.write_bytes(joined("flac", made, replace(LABELS, cover=picture())))
    tags = FLAC(path)  # type: ignore[no-untyped-call]  # mutagen has no types
    assert tags["title"] == [LABELS.fields["title"]]
    assert tags["chapter001name"] == ["Zwei — 第二"]
    assert [each.data for each in tags.pictures] == [picture().data]
    assert [chapter["tags"]["title"] for chapter in probed(path)["chapters"]] == ["One = first", "Zwei — 第二"]


def test_a_cover_that_flac_cannot_hold_is_refused() -> None:
    made = episode("flac", 24_000, 1)
    large = replace(picture(), data=bytes(17_000_000))
    with pytest.raises(TooLarge, match="FLAC block"):
        FlacJoiner(made.placement.grid).head(Whole(made.placement, replace(LABELS, cover=large)))


@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_a_wav_file_holds_exactly_the_samples(tmp_path: Path, rate: int, channels: int) -> None:
    made = episode("wav", rate, channels)
    path = tmp_path / "episode.wav"
    path.write_bytes(joined("wav", made, id3=id3.tag([id3.text("TIT2", "Töne")])))
    samples = expected(made, channels)
    found, found_rate = soundfile.read(path, dtype="int16", always_2d=True)
    assert found_rate == rate
    assert np.array_equal(found, samples)
    assert np.array_equal(decoded(path, channels) * 32_768, samples)
    assert WAVE(path)["TIT2"].text == ["Töne"]  # type: ignore[no-untyped-call]  # mutagen has no types


def test_a_wav_file_of_more_than_four_gigabytes_is_rf64(tmp_path: Path) -> None:
    """Sparse: its header and its last samples are written, and read where they belong."""
    made = episode("wav", 48_000, 2)
    head = made.segments[0].head
    count = (1 << 32) // head.payload_bytes + 1
    frames = count * head.frames
    whole = Whole(Placement(grid_of(head), frames, frames * head.frame_samples))
    joiner = WavJoiner(whole.placement.grid)
    start, size = joiner.head(whole), joiner.size(whole)
    assert start[:4] == b"RF64"
    assert struct.unpack_from("<Q", start, 20)[0] == size - 8
    path = tmp_path / "episode.wav"
    with path.open("wb") as file:
        file.write(start)
        file.seek(size - head.payload_bytes)
        file.write(made.segments[0].payload)
    with soundfile.SoundFile(path) as sound:
        assert sound.frames == frames * head.frame_samples
        sound.seek(sound.frames - head.samples)
        assert np.array_equal(sound.read(dtype="int16"), np.frombuffer(made.segments[0].payload, "<i2").reshape(-1, 2))
    assert float(probed(path)["format"]["duration"]) == pytest.approx(frames / 10)


def test_payloads_that_are_not_those_of_the_head_are_refused() -> None:
    lossless = episode("flac", 24_000, 1)
    with pytest.raises(BadAudio, match="FLAC"):
        FlacJoiner(lossless.placement.grid).add(lossless.placed[0], lossless.segments[1].payload)
    damaged = bytearray(lossless.segments[0].payload)
    damaged[100] ^= 1
    with pytest.raises(BadAudio, match="FLAC"):
        FlacJoiner(lossless.placement.grid).add(lossless.placed[0], bytes(damaged))
    plain = episode("wav", 24_000, 1)
    with pytest.raises(BadAudio, match="WAV"):
        WavJoiner(plain.placement.grid).add(plain.placed[0], plain.segments[0].payload[:-2])
