"""Opus packets of 20 ms by libopus (BSD), called in this process; its API: https://opus-codec.org/docs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import CDLL, POINTER, byref, c_char_p, c_int, c_int32, c_ubyte, c_void_p
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.audio.segments.codecs import EncoderMissing
from shared.errors import BadAudio

PACKETS_A_SECOND = 50
PACKET_BYTES = 1_275
"""The largest packet of one frame (RFC 6716, section 3.4)."""
_AUDIO = 2_049
"""The application: neither telephony nor the lowest delay."""
SET_BITRATE, SET_VBR, SET_VBR_CONSTRAINT, SET_COMPLEXITY, _GET_LOOKAHEAD = 4_002, 4_006, 4_020, 4_010, 4_027
_CELT = 16
"""Configurations from this one on are CELT alone (RFC 6716, table 2)."""


class OpusFunctions:
    """The functions used.

    Attributes:
        version: such as `libopus-1.5.2`.
    """

    def __init__(self, library: CDLL) -> None:
        self.new_encoder = _function(library, "opus_encoder_create", c_void_p, c_int32, c_int, c_int, POINTER(c_int))
        self.new_decoder = _function(library, "opus_decoder_create", c_void_p, c_int32, c_int, POINTER(c_int))
        self.free_encoder = _function(library, "opus_encoder_destroy", None, c_void_p)
        self.free_decoder = _function(library, "opus_decoder_destroy", None, c_void_p)
        self.encode = _function(library, "opus_encode_float", c_int32, c_void_p, c_void_p, c_int, c_void_p, c_int32)
        arguments = (c_void_p, c_char_p, c_int32, c_void_p, c_int, c_int)
        self.decode = _function(library, "opus_decode_float", c_int, *arguments)
        self.control = _function(library, "opus_encoder_ctl", c_int)  # variadic, so every argument carries its type
        self.version = str(_function(library, "opus_get_version_string", c_char_p)(), "ascii").replace(" ", "-")


@lru_cache(maxsize=1)
def load() -> OpusFunctions:
    """The library; loaded once a process.

    Raises:
        EncoderMissing: it is not installed.
    """
    try:
        return OpusFunctions(CDLL("libopus.so.0"))
    except OSError:
        raise EncoderMissing(
            "Opus cannot be encoded: libopus is not installed.", hint="Install it: apt-get install libopus0."
        ) from None


def encode(samples: NDArray[np.float32], rate: int, settings: dict[int, int]) -> tuple[list[bytes], int]:
    """Encode to packets of 20 ms.

    Args:
        samples: one column a channel, whole packets, in [-1, 1].
        rate: 8, 12, 16, 24 or 48 kHz.
        settings: requests of `opus_encoder_ctl`, and their values.

    Returns:
        The packets, and by how many samples the decoded sound is late.

    Raises:
        EncoderMissing: it is not installed.
        BadAudio: it did not accept the sound or a setting, or left the mode that joins (CELT).
    """
    library = load()
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    length, channels = samples.shape
    size = rate // PACKETS_A_SECOND
    room = (c_ubyte * PACKET_BYTES)()
    packets = []
    with _encoder(library, rate, channels) as encoder:
        for request, value in settings.items():
            _check(library.control(encoder, c_int(request), c_int32(value)), f"setting {request} = {value}")
        delay = c_int32()
        _check(library.control(encoder, c_int(_GET_LOOKAHEAD), byref(delay)), "the question for its delay")
        for start in range(0, length, size):
            at = samples.ctypes.data + start * samples.strides[0]
            used = _check(library.encode(encoder, at, size, room, PACKET_BYTES), "the sound")
            packets.append(bytes(room[:used]))
            if packets[-1][0] >> 3 < _CELT:
                raise BadAudio("libopus left the mode that joins.")
    return packets, delay.value


def decode(packets: Sequence[bytes], rate: int, channels: int) -> NDArray[np.float32]:
    """Decode packets of 20 ms: one column a channel, late by the encoder's delay.

    Raises:
        EncoderMissing: it is not installed.
        BadAudio: a packet is damaged.
    """
    library = load()
    size = rate // PACKETS_A_SECOND
    samples = np.zeros((len(packets) * size, channels), dtype=np.float32)
    with _decoder(library, rate, channels) as decoder:
        for number, packet in enumerate(packets):
            at = samples.ctypes.data + number * size * samples.strides[0]
            if _check(library.decode(decoder, packet, len(packet), at, size, 0), "a packet") != size:
                raise BadAudio(f"libopus found a packet that is not {1_000 // PACKETS_A_SECOND} ms long.")
    return samples


def _function(library: CDLL, name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(library, name)
    function.restype = result
    if arguments:
        function.argtypes = arguments
    return function


def _check(code: int, what: str) -> int:
    if code < 0:
        raise BadAudio(f"libopus did not accept {what} ({code}).")
    return code


@contextmanager
def _encoder(library: OpusFunctions, rate: int, channels: int) -> Iterator[c_void_p]:
    error = c_int()
    encoder = c_void_p(library.new_encoder(rate, channels, _AUDIO, byref(error)))
    _check(error.value, f"{rate} Hz and {channels} channels")
    try:
        yield encoder
    finally:
        library.free_encoder(encoder)


@contextmanager
def _decoder(library: OpusFunctions, rate: int, channels: int) -> Iterator[c_void_p]:
    error = c_int()
    decoder = c_void_p(library.new_decoder(rate, channels, byref(error)))
    _check(error.value, f"{rate} Hz and {channels} channels")
    try:
        yield decoder
    finally:
        library.free_decoder(decoder)
