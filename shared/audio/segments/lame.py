"""libmp3lame in this process, through ctypes: the only way to set the one option that makes segments exact.

LAME adapts its hearing threshold to the loudness of earlier frames. With that switched off (`athaa_type` 0), no bit
reservoir and a frame or two of silence on each side, its frames depend on nothing but the sound in them. ffmpeg, PyAV
and lameenc cannot switch it off. The library (LGPL) is linked at run time and never copied; a call into it releases the
interpreter's lock.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from ctypes import c_char_p, c_float, c_int, c_void_p
from functools import lru_cache
from typing import Any, Final

import numpy as np

from shared.audio.loudness import Samples
from shared.audio.segments.codecs import EncoderMissing
from shared.errors import BadAudio

QUALITY: Final = 4.0
"""VBR quality 4: 60 (piper) to 80 kbit/s (espeak-ng) for speech at 24 kHz; docs/benchmarks.md compares its noise."""
_VBR_MTRH: Final = 4
_JOINT_STEREO: Final = 1
_MONO: Final = 3

_NAMES: Final = ("libmp3lame.so.0", "libmp3lame.0.dylib", "libmp3lame.dll")
_LOUDEST: Final = 8.0
"""Full scale is 1; beyond a limiter nothing is louder than this."""


@lru_cache(maxsize=1)
def library() -> Any:
    """The library, with the types of the functions that are used here.

    Raises:
        EncoderMissing: it is not installed.
    """
    for name in (*_NAMES, ctypes.util.find_library("mp3lame")):
        if name is None:
            continue
        try:
            lame = ctypes.CDLL(name)
        except OSError:
            continue
        return _typed(lame)
    raise EncoderMissing("libmp3lame is not installed.", hint="Install it: apt-get install libmp3lame0.")


def _typed(lame: Any) -> Any:
    lame.lame_init.argtypes, lame.lame_init.restype = [], c_void_p
    lame.get_lame_version.argtypes, lame.get_lame_version.restype = [], c_char_p
    for setter in (
        *("in_samplerate", "out_samplerate", "num_channels", "mode", "VBR", "disable_reservoir", "bWriteVbrTag"),
        *("athaa_type", "write_id3tag_automatic"),
    ):
        getattr(lame, f"lame_set_{setter}").argtypes = [c_void_p, c_int]
    lame.lame_set_VBR_quality.argtypes = [c_void_p, c_float]
    lame.lame_init_params.argtypes = [c_void_p]
    lame.lame_get_framesize.argtypes = [c_void_p]
    lame.lame_encode_buffer_ieee_float.argtypes = [c_void_p, c_void_p, c_void_p, c_int, c_void_p, c_int]
    lame.lame_close.argtypes = [c_void_p]
    return lame


@lru_cache(maxsize=1)
def version() -> str:
    """The version of the library; asked once, since each call into it waits for the interpreter's lock afterwards.

    Raises:
        EncoderMissing: it is not installed.
    """
    return str(library().get_lame_version().decode("ascii", "replace"))


def encode(samples: Samples, rate: int, channels: int) -> bytes:
    """The frames that are complete after `samples`; the first two are the encoder's delay.

    Args:
        samples: mono; full scale is [-1, 1].
        rate: Hz; MPEG-1 from 32 kHz on, MPEG-2 below.
        channels: 1, or 2 that are both `samples`.

    Raises:
        BadAudio: there are samples that are not numbers, or far over full scale: LAME ends the process on these.
        EncoderMissing: the library is not installed.
    """
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    # `calc_energy: Assertion el >= 0` is what LAME says of a NaN, and of a sum that overflows.
    if not bool(np.isfinite(samples).all()) or float(np.abs(samples).max(initial=0.0)) > _LOUDEST:
        raise BadAudio("This sound cannot be encoded: it holds samples that are no numbers, or far over full scale.")
    lame = library()
    encoder = lame.lame_init()
    if not encoder:
        raise MemoryError
    try:
        lame.lame_set_in_samplerate(encoder, rate)
        lame.lame_set_out_samplerate(encoder, rate)
        lame.lame_set_num_channels(encoder, channels)
        lame.lame_set_mode(encoder, _MONO if channels == 1 else _JOINT_STEREO)
        lame.lame_set_VBR(encoder, _VBR_MTRH)
        lame.lame_set_VBR_quality(encoder, QUALITY)
        lame.lame_set_disable_reservoir(encoder, 1)
        lame.lame_set_bWriteVbrTag(encoder, 0)
        lame.lame_set_athaa_type(encoder, 0)
        lame.lame_set_write_id3tag_automatic(encoder, 0)
        if lame.lame_init_params(encoder) < 0:
            raise BadAudio(f"LAME cannot encode {channels} channels at {rate} Hz.")
        room = 5 * len(samples) // 4 + 7_200  # lame.h: the worst case
        buffer = ctypes.create_string_buffer(room)
        address = samples.ctypes.data
        written = lame.lame_encode_buffer_ieee_float(encoder, address, address, len(samples), buffer, room)
        if written < 0:
            raise BadAudio(f"LAME failed with code {written}.")
        return buffer.raw[:written]
    finally:
        lame.lame_close(encoder)
