"""AAC-LC frames by libavcodec: encoded, decoded, and with the header that makes one decodable on its own."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from ctypes import c_int, c_int64, c_void_p

import numpy as np
from numpy.typing import NDArray

from shared.audio.segments import libav
from shared.errors import BadAudio

FRAME_SAMPLES = 1_024
RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
"""A rate's position is its index in MPEG-4 (ISO/IEC 14496-3, table 1.18)."""
ADTS_HEADER_BYTES = 7
_SAMPLE_BYTES = 4
_NATIVE_ORDER = 1
_LAYOUTS = {1: ("mono", 0x4), 2: ("stereo", 0x3)}
"""Channels -> the layout's name and its mask."""
_PLANES, _LINE_BYTES, _EXTENDED, _SAMPLES, _FORMAT = 0, 64, 96, 112, 116
"""In an AVFrame."""
_PACKET_DATA, _PACKET_BYTES = 24, 32
"""In an AVPacket."""


def encode(planes: NDArray[np.float32], rate: int, options: dict[str, str]) -> list[bytes]:
    """Encode to raw AAC-LC frames without headers; the first one covers the silence before the first sample.

    Args:
        planes: one row a channel, whole frames of `FRAME_SAMPLES`, in [-1, 1].
        rate: one of `RATES`, Hz.
        options: of libavcodec, by name.

    Raises:
        EncoderMissing: it is not installed.
        BadAudio: it did not accept an option or the sound.
    """
    library = libav.load()
    channels, samples = planes.shape
    planes = np.ascontiguousarray(planes, dtype=np.float32)
    layout = _LAYOUTS[channels][0]
    settings = {"ar": str(rate), "ch_layout": layout, "time_base": f"1/{rate}", **options}
    frames: list[bytes] = []
    with libav.opened(library, library.find_encoder(b"aac"), settings) as context, libav.empty_frame(library) as frame:
        _describe(library, frame, rate, channels)
        with libav.empty_packet(library) as packet:
            for start in range(0, samples, FRAME_SAMPLES):
                for channel in range(channels):
                    at = planes.ctypes.data + (channel * samples + start) * _SAMPLE_BYTES
                    c_void_p.from_address(frame + _PLANES + channel * ctypes.sizeof(c_void_p)).value = at
                libav.check(library.send_frame(context, frame), "the sound")
                frames += _received(library, context, packet)
            libav.check(library.send_frame(context, None), "the end of the sound")
            frames += _received(library, context, packet)
    return frames


def decode(frames: Sequence[bytes], rate: int, channels: int) -> NDArray[np.float32]:
    """Decode raw AAC-LC frames: one row a channel, `FRAME_SAMPLES` a frame, in the decoder's own time.

    Raises:
        EncoderMissing: it is not installed.
        BadAudio: a frame is damaged.
    """
    library = libav.load()
    decoded: list[NDArray[np.float32]] = []
    with (
        libav.opened(library, library.find_decoder(libav.AAC), {}) as context,
        libav.empty_frame(library) as frame,
        libav.empty_packet(library) as packet,
    ):
        for data in frames:
            whole = adts(data, rate, channels)
            libav.check(library.grow_packet(packet, len(whole)), "more memory")
            ctypes.memmove(c_void_p.from_address(packet + _PACKET_DATA).value or 0, whole, len(whole))
            libav.check(library.send_packet(context, packet), "a frame")
            library.unref_packet(packet)
            while library.receive_frame(context, frame) >= 0:
                decoded.append(_samples(library, frame, rate, channels))
    return np.concatenate(decoded, axis=1) if decoded else np.zeros((channels, 0), dtype=np.float32)


def adts(frame: bytes, rate: int, channels: int) -> bytes:
    """A raw frame with the header that makes it decodable on its own (ISO/IEC 13818-7, 6.2)."""
    size = len(frame) + ADTS_HEADER_BYTES
    bits = 0xFFF1 << 40  # MPEG-4, no checksum
    bits |= 1 << 38 | RATES.index(rate) << 34 | channels << 30 | size << 13  # low complexity
    bits |= 0x7FF << 2  # variable rate; one block
    return bits.to_bytes(ADTS_HEADER_BYTES) + frame


def _describe(library: libav.AvFunctions, frame: int, rate: int, channels: int) -> None:
    """Fill in what all frames that are sent have in common; the library copies their samples."""
    c_int.from_address(frame + _LINE_BYTES).value = FRAME_SAMPLES * _SAMPLE_BYTES
    c_int.from_address(frame + _SAMPLES).value = FRAME_SAMPLES
    c_int.from_address(frame + _FORMAT).value = libav.FLOAT_PLANAR
    c_int.from_address(frame + library.offsets.rate).value = rate
    layout = frame + library.offsets.layout
    c_int.from_address(layout).value = _NATIVE_ORDER
    c_int.from_address(layout + 4).value = channels
    c_int64.from_address(layout + 8).value = _LAYOUTS[channels][1]


def _received(library: libav.AvFunctions, context: int, packet: int) -> Iterator[bytes]:
    while library.receive_packet(context, packet) >= 0:
        data, size = c_void_p.from_address(packet + _PACKET_DATA), c_int.from_address(packet + _PACKET_BYTES)
        yield ctypes.string_at(data.value or 0, size.value)
        library.unref_packet(packet)


def _samples(library: libav.AvFunctions, frame: int, rate: int, channels: int) -> NDArray[np.float32]:
    """What was decoded. The fields that `_describe` writes are read back: at wrong offsets they would not be there."""
    found = (
        c_int.from_address(frame + _FORMAT).value,
        c_int.from_address(frame + library.offsets.rate).value,
        c_int.from_address(frame + library.offsets.layout + 4).value,
    )
    if found != (libav.FLOAT_PLANAR, rate, channels):
        raise BadAudio(f"libavcodec {library.version} decoded something else: {found}.")
    size = c_int.from_address(frame + _SAMPLES).value * _SAMPLE_BYTES
    planes = c_void_p.from_address(frame + _EXTENDED).value or 0
    rows = [c_void_p.from_address(planes + channel * ctypes.sizeof(c_void_p)).value or 0 for channel in range(channels)]
    return np.stack([np.frombuffer(ctypes.string_at(row, size), dtype=np.float32) for row in rows])
