"""AAC, Opus, FLAC and WAV segments: what goes in comes out in its place, and no sound ends the process."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import soxr

from shared.audio.loudness import Samples
from shared.audio.segments import aac_frames, codecs, flac_frames, libav, libopus, making, mastering
from shared.audio.segments.codecs import EncoderMissing, codec_for
from shared.errors import BadAudio
from shared.protocol.messages import AudioFormat
from tests.unit.joining.material import KINDS, difference_db
from tests.unit.segments.material import chunks, codec
from tests.unit.segments.test_mp3 import hostile

FORMATS: tuple[AudioFormat, ...] = ("m4b", "opus", "flac", "wav")
NOISE_DB: dict[AudioFormat, float] = {"m4b": -25.0, "opus": -15.0, "flac": -60.0, "wav": -60.0}
"""What an encoder may add, beside speech."""


@pytest.mark.parametrize(("rate", "channels"), KINDS)
@pytest.mark.parametrize("name", FORMATS)
def test_a_chunk_is_decoded_in_its_place(name: AudioFormat, rate: int, channels: int) -> None:
    samples = chunks(1, rate)[0]
    encoded = codec(name).encode(samples, rate, channels)
    size = codec(name).frame_samples(rate)
    assert len(encoded.frames) == encoded.before + -(-len(samples) // size) + encoded.after
    expected = samples
    if encoded.decoded_rate != rate:
        expected = np.asarray(soxr.resample(samples, rate, encoded.decoded_rate), dtype=np.float32)
    assert len(encoded.decoded) == len(expected)
    assert difference_db(encoded.decoded, expected) < NOISE_DB[name]


@pytest.mark.parametrize("name", FORMATS)
def test_a_chunk_is_encoded_to_the_same_frames_every_time(name: AudioFormat) -> None:
    samples = chunks(1, 24_000)[0]
    assert codec(name).encode(samples, 24_000, 1).frames == codec(name).encode(samples, 24_000, 1).frames


@pytest.mark.parametrize("name", FORMATS)
def test_threads_do_not_disturb_each_other(name: AudioFormat) -> None:
    made = chunks(4, 24_000)
    alone = [codec(name).encode(samples, 24_000, 2).frames for samples in made]
    with ThreadPoolExecutor(4) as threads:
        together = threads.map(lambda samples: codec(name).encode(samples, 24_000, 2).frames, made * 3)
        assert list(together) == alone * 3


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("name", FORMATS)
def test_hostile_sound_is_encoded_or_refused_and_never_ends_the_process(name: AudioFormat, rate: int) -> None:
    for kind, samples in hostile(rate).items():
        mastered = mastering.master(samples, rate, "mono", constant_db=None)
        try:
            made = making.make(mastered, rate, codec(name), channels=1)
        except BadAudio:
            continue
        assert made.head.true_peak_dbtp < 3.0, kind


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_aac_refuses_what_is_no_sound(bad: float) -> None:
    with pytest.raises(BadAudio, match="did not accept the sound"):
        codec("m4b").encode(np.full(24_000, bad, dtype=np.float32), 24_000, 1)


def test_damaged_frames_are_refused() -> None:
    with pytest.raises(BadAudio, match="libavcodec"):
        aac_frames.decode([b"\xff" * 40], 24_000, 1)
    with pytest.raises(BadAudio, match="libopus"):
        libopus.decode([b"\xff" * 3], 24_000, 1)
    frame = flac_frames.encode_block(np.arange(2_400, dtype=np.int16), 24_000, 1)
    with pytest.raises(BadAudio, match="FLAC frames"):
        flac_frames.decode([frame[:-1] + bytes([frame[-1] ^ 1])], 24_000, 1, 2_400)


def test_opus_that_would_leave_its_mode_is_refused() -> None:
    """At 10 kbit/s it would be speech coding (SILK), which remembers for longer."""
    with pytest.raises(BadAudio, match="left the mode"):
        libopus.encode(np.zeros((4_800, 1), dtype=np.float32), 24_000, {libopus.SET_BITRATE: 10_000})


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("number", [0, 1, 127, 128, 2_047, 2_048, 65_535, 65_536, 2_097_151, 2_097_152])
def test_flac_frames_get_numbers_and_both_checksums(number: int, channels: int) -> None:
    samples = np.repeat(chunks(1, 24_000)[0][:4_800], 1)
    encoded = codec("flac").encode(samples, 24_000, channels)
    for at, frame in enumerate(flac_frames.numbered(encoded.frames, number), start=number):
        coded = flac_frames.coded(at)
        end = 4 + len(coded) + 2  # sync and codes, number, length of the block
        assert frame[4 : 4 + len(coded)] == coded
        assert frame[end] == bit_by_bit(frame[:end], 0x07, 8)
        assert int.from_bytes(frame[-2:]) == bit_by_bit(frame[:-2], 0x8005, 16)


def test_flac_numbers_are_coded_as_utf_8_is() -> None:
    for number in (0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF):
        assert flac_frames.coded(number) == chr(number).encode("utf-8", "surrogatepass")
    edges = [flac_frames.coded(1 << bits) for bits in (21, 26, 31, 35)]
    assert [len(coded) for coded in edges] == [5, 6, 7, 7]
    assert all(len(left) <= len(right) for left, right in pairwise(edges))


def bit_by_bit(data: bytes, polynomial: int, width: int) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << width - 8
        for _ in range(8):
            crc = (crc << 1 ^ (polynomial if crc >> width - 1 else 0)) & (1 << width) - 1
    return crc


@pytest.fixture
def without_libraries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No library can be loaded, as if none was installed."""

    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    caches = (libav.load, libopus.load, codecs._loaded)
    for cache in caches:
        cache.cache_clear()
    for module in (libav, libopus):
        monkeypatch.setattr(module, "CDLL", missing)
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.mark.usefixtures("without_libraries")
@pytest.mark.parametrize(("name", "package"), [("m4b", "ffmpeg"), ("opus", "libopus0")])
def test_a_missing_library_is_named_and_leaves_the_format_to_ffmpeg(name: AudioFormat, package: str) -> None:
    assert codec_for(name) is None
    load = {"m4b": libav.load, "opus": libopus.load}[name]
    with pytest.raises(EncoderMissing, match=f"apt-get install {package}"):
        load()


@pytest.mark.parametrize("error", [BadAudio("It has no option of this name."), AttributeError("undefined symbol")])
def test_a_library_that_was_built_in_another_way_leaves_the_format_to_ffmpeg(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """It would fail each chunk of each job."""

    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(aac_frames, "encode", fails)
    codecs._loaded.cache_clear()
    try:
        assert codec_for("m4b") is None
    finally:
        codecs._loaded.cache_clear()


def test_nothing_is_kept_of_what_was_encoded() -> None:
    """A leak of one frame a second would be 2 MB here."""
    codec("m4b").encode(chunks(1, 24_000)[0], 24_000, 2)
    long: Samples = np.zeros(60 * 24_000, dtype=np.float32)
    before = _heap_bytes()
    for _ in range(4):
        for name in ("m4b", "opus"):
            codec(name).encode(long, 24_000, 2)
    assert _heap_bytes() - before < 500_000


def _heap_bytes() -> int:
    """What C code has allocated and not freed."""

    names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")

    class Info(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in names]

    library = ctypes.CDLL(None)
    library.mallinfo2.restype = Info
    found = library.mallinfo2()
    return int(found.uordblks + found.hblkhd)
