"""MP3 segments: joined, they are the frames of one long encode."""

from __future__ import annotations

import ctypes.util
import json
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from shared.audio.joining.mp3 import Mp3Joiner
from shared.audio.loudness import Samples
from shared.audio.segments import codecs, lame, making, mastering, mp3_frames
from shared.audio.segments import mp3 as mp3_segments
from shared.audio.segments.codecs import codec_for
from shared.audio.segments.crc16 import crc16
from shared.errors import BadAudio
from tests.unit.joining import material
from tests.unit.joining.material import Episode, episode
from tests.unit.segments.material import RATES, chunks, mp3, segments
from tests.unit.segments.mp3_contents import contents


def joined(made: Episode, *, tag: bytes = b"") -> bytes:
    return material.joined("mp3", made, id3=tag)


def decode(path: Path, *, complaints: str = "warning") -> Samples:
    run = subprocess.run(
        ["ffmpeg", "-v", complaints, "-i", path, "-f", "f32le", "-"], check=True, capture_output=True, timeout=60
    )
    assert run.stderr == b""
    return np.frombuffer(run.stdout, dtype=np.float32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", RATES)
def test_joined_segments_are_the_frames_of_one_long_encode(rate: int, channels: int) -> None:
    made = episode("mp3", rate, channels, 12)
    placement, data = made.placement, joined(made)
    info = mp3_frames.frame_bytes(rate, 64)
    delay = 2 * placement.frame_samples
    pcm = np.concatenate((made.pcm, np.zeros(2 * delay, np.float32)))
    found, expected = (contents(stream, rate, channels) for stream in (data[info:], lame.encode(pcm, rate, channels)))
    assert found == expected[: len(found)]
    assert len(found) == placement.frames + 2


def test_two_hundred_chunks_cut_in_the_middle_of_words_decode_to_the_samples_of_one_long_encode(tmp_path: Path) -> None:
    rate = 24_000
    made = episode("mp3", rate, 1, 200, seed=3)
    path = tmp_path / "joined.mp3"
    path.write_bytes(joined(made))
    long = tmp_path / "long.mp3"
    pcm = np.concatenate((made.pcm, np.zeros(4 * 576, np.float32)))
    long.write_bytes(lame.encode(pcm, rate, 1))
    found, expected = decode(path), decode(long, complaints="error")  # its length is guessed
    delay = 576 + 529  # a file without an Info frame keeps them
    assert len(found) == made.placement.samples
    assert np.array_equal(found, expected[delay : delay + len(found)])


@pytest.mark.parametrize("rate", RATES)
def test_all_silent_frames_before_a_chunk_are_needed(rate: int) -> None:
    """The first of them already differs from silence that is far from any sound."""
    [silence] = contents(mp3_segments.silence(rate, 1), rate, 1)
    first = [contents(each.payload, rate, 1)[0] for each in segments(chunks(6, rate), rate, mp3())]
    assert any(frame != silence for frame in first)


@pytest.mark.parametrize(("rate", "channels"), [(24_000, 1), (44_100, 2)])
def test_players_get_length_times_and_checksum(tmp_path: Path, rate: int, channels: int) -> None:
    made = episode("mp3", rate, channels, 20)
    placement, data = made.placement, joined(made)
    path = tmp_path / "joined.mp3"
    path.write_bytes(data)
    probed = subprocess.run(
        ["ffprobe", "-v", "warning", "-show_format", "-show_streams", "-of", "json", path],
        check=True,
        capture_output=True,
        timeout=30,
    )
    assert probed.stderr == b""
    report = json.loads(probed.stdout)
    assert report["streams"][0]["channels"] == channels
    assert len(decode(path)) == placement.samples * channels
    start = data.index(b"Xing")
    flags, frames, total = struct.unpack_from(">III", data, start + 4)
    assert (flags, frames, total) == (0x0F, placement.frames + 2, len(data))
    info = mp3_frames.frame_bytes(rate, 64)
    lame_tag = start + 120
    assert data[lame_tag : lame_tag + 4] == b"LAME"
    assert struct.unpack_from(">I", data, lame_tag + 28)[0] == len(data)
    assert struct.unpack_from(">H", data, lame_tag + 32)[0] == crc16(data[info:])
    assert struct.unpack_from(">H", data, lame_tag + 34)[0] == crc16(data[: lame_tag + 34])
    edges = np.cumsum([info, *mp3_frames.sizes(data[info:], rate, channels)])
    for percent, entry in enumerate(data[start + 16 : start + 116]):
        at = edges[2 + percent * placement.frames // 100]
        assert abs(entry - min(255, at * 256 // len(data))) <= 1, "interpolated between frames that are 1.5 s apart"


def test_a_tag_comes_first() -> None:
    made = episode("mp3", 24_000, 1, 1)
    assert joined(made, tag=b"ID3 and so on") == b"ID3 and so on" + joined(made)


def test_frames_that_are_not_those_of_the_head_are_refused() -> None:
    made = episode("mp3", 24_000, 1, 2)
    joiner, first = Mp3Joiner(made.placement.grid), made.placed[0]
    with pytest.raises(BadAudio, match="not those that its head lists"):
        joiner.add(first, made.segments[1].payload)
    with pytest.raises(BadAudio):
        joiner.add(first, bytes(len(made.segments[0].payload)))


def hostile(rate: int) -> dict[str, Samples]:
    time = np.arange(2 * rate) / rate
    sounds = {
        "alternating at half the rate": np.tile([1.0, -1.0], rate),
        "square at full scale": np.sign(np.sin(2 * np.pi * 97 * time) + 1e-9),
        "constant": np.ones(2 * rate),
        "impulses": (np.arange(2 * rate) % 1_000 == 0) * 1.0,
        "noise": np.random.default_rng(0).standard_normal(2 * rate).clip(-4, 4) / 4,
        "denormal": np.full(2 * rate, 1e-42),
        "silence": np.zeros(2 * rate),
    }
    return {name: samples.astype(np.float32) for name, samples in sounds.items()}


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100])
def test_hostile_sound_is_encoded_or_refused_and_never_ends_the_process(rate: int) -> None:
    codec = mp3()
    for name, samples in hostile(rate).items():
        mastered = mastering.master(samples, rate, "mono", constant_db=None)
        try:
            made = making.make(mastered, rate, codec, channels=1)
        except BadAudio:
            continue
        assert made.head.true_peak_dbtp < 3.0, name


def test_of_a_signal_at_half_the_rate_nothing_is_left_and_that_is_said() -> None:
    samples = np.tile(np.array([0.5, -0.5], dtype=np.float32), 24_000)
    with pytest.raises(BadAudio, match="Nothing of this sound is left"):
        making.make(mastering.Mastered(samples, 0.0), 24_000, mp3(), channels=1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e20])
def test_samples_that_would_abort_lame_are_refused(bad: float) -> None:
    samples = np.zeros(24_000, dtype=np.float32)
    samples[100] = bad
    with pytest.raises(BadAudio, match="no numbers"):
        mp3_segments.CODEC.encode(samples, 24_000, 1)


def test_a_missing_library_is_named_and_leaves_the_format_to_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    lame.library.cache_clear()
    lame.version.cache_clear()
    codecs._loaded.cache_clear()
    monkeypatch.setattr(lame, "_NAMES", ("libnothing.so.9",))
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    try:
        assert codec_for("mp3") is None
        with pytest.raises(codecs.EncoderMissing, match="apt-get install libmp3lame0"):
            lame.version()
    finally:
        lame.library.cache_clear()
        codecs._loaded.cache_clear()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2])
def test_frames_are_those_that_the_head_lists_and_no_others(rate: int, channels: int) -> None:
    [made] = segments(chunks(1, rate), rate, mp3(), channels=channels)
    payload, sizes = made.payload, made.head.sizes
    assert mp3_frames.are_frames(payload, sizes, rate, channels)
    assert mp3_frames.sizes(payload, rate, channels) == sizes.tolist()

    assert not mp3_frames.are_frames(payload, sizes, rate, 3 - channels)
    assert not mp3_frames.are_frames(payload, sizes, next(other for other in RATES if other != rate), channels)
    assert not mp3_frames.are_frames(payload[:-1], sizes, rate, channels)
    assert not mp3_frames.are_frames(
        payload, sizes[::-1] if sizes[0] != sizes[-1] else np.roll(sizes, 5), rate, channels
    )
    second = int(sizes[0])
    for at in range(3):  # the sync word, the version, the bit rate
        damaged = bytearray(payload)
        damaged[second + at] ^= 0x18 if at < 2 else 0x10
        assert not mp3_frames.are_frames(bytes(damaged), sizes, rate, channels)
