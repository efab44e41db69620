"""The two tracks of an m4b: the sound, and the titles of the chapters as text, each shown for as long as it lasts."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.audio.joining.mp4_boxes import IDENTITY, box, descriptor, full_box
from shared.audio.segments.aac_frames import FRAME_SAMPLES, RATES

TIMESCALE: Final = 1_000
"""Of the file and of the chapters: milliseconds."""
AUDIO_TRACK: Final = 1
TEXT_TRACK: Final = 2
FRAMES_A_CHUNK: Final = 32
"""Frames that one offset stands for: a second or so, after which a player may have to look again."""
ENABLED, IN_MOVIE = 1, 2
_LONGEST_32: Final = 0xFFFFFFFF
_LOW_COMPLEXITY: Final = 2
_AUDIO_OBJECT: Final = 0x40
_AUDIO_STREAM: Final = 0x15
_ES, _DECODER_CONFIG, _DECODER_SPECIFIC, _SYNC_LAYER = 3, 4, 5, 6
_SELF_CONTAINED: Final = 1
UNITY_VOLUME: Final = 0x100


def media_header(timescale: int, duration: int, language: str) -> bytes:
    """`mdhd`: language in three letters of five bits each."""
    code = 0
    for letter in language if len(language) == 3 and language.isascii() and language.islower() else "und":  # noqa: PLR2004
        code = code << 5 | ord(letter) - 0x60
    tail = struct.pack(">HH", code, 0)
    if duration > _LONGEST_32:
        return full_box(b"mdhd", struct.pack(">QQIQ", 0, 0, timescale, duration), tail, version=1)
    return full_box(b"mdhd", struct.pack(">IIII", 0, 0, timescale, duration), tail)


def track_header(track: int, duration: int, *, flags: int, volume: int) -> bytes:
    """`tkhd`; the duration is in milliseconds."""
    ids = struct.pack(">IIIII", 0, 0, track, 0, duration)
    return full_box(b"tkhd", ids, bytes(8), struct.pack(">HHHH", 0, 0, volume, 0), IDENTITY, bytes(8), flags=flags)


def audio_track(
    sizes: NDArray[np.uint32], samples: int, rate: int, channels: int, *, start: int, language: str, chapters: bool
) -> bytes:
    """The sound.

    Args:
        sizes: bytes of each frame, the encoder's delay included.
        samples: length of the episode; the edit list cuts off the rest at both ends.
        rate: Hz.
        channels: 1 or 2.
        start: offset of the first frame in the file.
        language: ISO 639-2.
        chapters: whether there is a track of chapters.
    """
    milliseconds = -(-samples * TIMESCALE // rate)
    edit = struct.pack(">IIIHH", 1, milliseconds, FRAME_SAMPLES, 1, 0)
    average = int(sizes.sum(dtype=np.int64)) * 8 * rate // (len(sizes) * FRAME_SAMPLES)
    entry = audio_entry(rate, channels, largest_bytes=int(sizes.max()), bits_a_second=average)
    references = box(b"tref", box(b"chap", struct.pack(">I", TEXT_TRACK))) if chapters else b""
    table = box(
        b"stbl",
        full_box(b"stsd", struct.pack(">I", 1), entry),
        full_box(b"stts", struct.pack(">III", 1, len(sizes), FRAME_SAMPLES)),
        _chunks(len(sizes)),
        full_box(b"stsz", struct.pack(">II", 0, len(sizes)), sizes.astype(">u4").tobytes()),
        _offsets(sizes, start),
        # A frame is heard only after the one before it has been decoded: seeking begins one earlier.
        full_box(b"sgpd", b"roll", struct.pack(">IIh", 2, 1, -1), version=1),
        full_box(b"sbgp", b"roll", struct.pack(">III", 1, len(sizes), 1)),
    )
    return box(
        b"trak",
        track_header(AUDIO_TRACK, milliseconds, flags=ENABLED | IN_MOVIE, volume=UNITY_VOLUME),
        box(b"edts", full_box(b"elst", edit)),
        references,
        sound_media(media_header(rate, len(sizes) * FRAME_SAMPLES, language), table),
    )


def text_track(titles: Sequence[bytes], durations: Sequence[int], *, start: int, language: str) -> bytes:
    """The chapters.

    Args:
        titles: as `title_sample` makes them.
        durations: of each chapter in milliseconds.
        start: offset of the first title in the file.
        language: ISO 639-2.
    """
    entry = bytes(6) + struct.pack(">HIi", 1, 0, 1) + bytes(26 + 4) + b"\0"
    table = box(
        b"stbl",
        full_box(b"stsd", struct.pack(">I", 1), box(b"text", entry)),
        full_box(b"stts", struct.pack(">I", len(titles)), *(struct.pack(">II", 1, span) for span in durations)),
        full_box(b"stsc", struct.pack(">IIII", 1, 1, len(titles), 1)),
        full_box(b"stsz", struct.pack(">II", 0, len(titles)), *(struct.pack(">I", len(title)) for title in titles)),
        full_box(b"stco", struct.pack(">II", 1, start)),
    )
    generic = box(b"gmhd", full_box(b"gmin", struct.pack(">H6xHH", 0x40, 0, 0)), box(b"text", IDENTITY))
    return box(
        b"trak",
        track_header(TEXT_TRACK, sum(durations), flags=IN_MOVIE, volume=0),
        box(
            b"mdia",
            media_header(TIMESCALE, sum(durations), language),
            _handler(b"text", b"SubtitleHandler"),
            box(b"minf", generic, _here(), table),
        ),
    )


def title_sample(title: str) -> bytes:
    """A title as the text track holds it: its length, UTF-8, and the note that it is UTF-8."""
    text = title.encode()[:0xFFFF].decode(errors="ignore").encode()
    return struct.pack(">H", len(text)) + text + box(b"encd", struct.pack(">I", 0x100))


def specific_config(rate: int, channels: int) -> bytes:
    """AudioSpecificConfig (ISO/IEC 14496-3): what a decoder has to know of AAC-LC."""
    return (_LOW_COMPLEXITY << 11 | RATES.index(rate) << 7 | channels << 3).to_bytes(2)


def audio_entry(rate: int, channels: int, *, largest_bytes: int, bits_a_second: int) -> bytes:
    """`mp4a`: the codec, the bytes of the largest frame, and how fast the data comes on average."""
    config = descriptor(
        _DECODER_CONFIG,
        struct.pack(">BB", _AUDIO_OBJECT, _AUDIO_STREAM) + largest_bytes.to_bytes(3),
        struct.pack(">II", largest_bytes * 8 * rate // FRAME_SAMPLES, bits_a_second),
        descriptor(_DECODER_SPECIFIC, specific_config(rate, channels)),
    )
    stream = full_box(
        b"esds", descriptor(_ES, struct.pack(">HB", AUDIO_TRACK, 0), config, descriptor(_SYNC_LAYER, b"\x02"))
    )
    fields = bytes(6) + struct.pack(">H8xHHIHH", 1, channels, 16, 0, rate, 0)
    return box(b"mp4a", fields, stream)


def sound_media(media_header: bytes, table: bytes) -> bytes:
    """`mdia` of sound, with the tables of its samples."""
    return box(
        b"mdia",
        media_header,
        _handler(b"soun", b"SoundHandler"),
        box(b"minf", full_box(b"smhd", bytes(4)), _here(), table),
    )


def _chunks(frames: int) -> bytes:
    """`stsc`: all chunks have as many frames, but for the last."""
    full, rest = divmod(frames, FRAMES_A_CHUNK)
    entries = [(1, FRAMES_A_CHUNK)] if full else []
    if rest:
        entries.append((full + 1, rest))
    return full_box(b"stsc", struct.pack(">I", len(entries)), *(struct.pack(">III", *entry, 1) for entry in entries))


def _offsets(sizes: NDArray[np.uint32], start: int) -> bytes:
    """`co64`: where each chunk begins. Always 64 bits, so that the length of the head does not depend on itself."""
    edges = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)[:-1]))[::FRAMES_A_CHUNK] + start
    return full_box(b"co64", struct.pack(">I", len(edges)), edges.astype(">u8").tobytes())


def _handler(kind: bytes, name: bytes) -> bytes:
    return full_box(b"hdlr", bytes(4) + kind + bytes(12) + name + b"\0")


def _here() -> bytes:
    """The data is in this file."""
    return box(b"dinf", full_box(b"dref", struct.pack(">I", 1), full_box(b"url ", flags=_SELF_CONTAINED)))
