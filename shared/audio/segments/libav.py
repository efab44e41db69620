"""AAC by libavcodec, called in this process: its quality mode, without a child process a chunk.

It is the library that ffmpeg consists of, loaded when the first AAC segment is made (ADR 32 says why, and under which
licence). Only exported functions, options by name, and the few fields of its public structs listed here are used. Their
offsets are fixed within a major version of the library; a version that is not listed is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL, POINTER, byref, c_char_p, c_int, c_uint, c_void_p
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.audio.segments.codecs import EncoderMissing
from shared.errors import BadAudio

AAC = 86_018
FLOAT_PLANAR = 8
_QUIET = -8
_CHILDREN_TOO = 1


@dataclass(frozen=True, slots=True)
class Offsets:
    """The offsets of fields that differ between versions; from the headers of Debian's packages.

    Attributes:
        util: major version of the libavutil that belongs to it.
        rate: of the sample rate in an AVFrame.
        layout: of the channel layout in an AVFrame.
        format: of the sample format in an AVCodecContext.
    """

    util: int
    rate: int
    layout: int
    format: int


_VERSIONS = {
    61: Offsets(util=59, rate=192, layout=408, format=348),  # ffmpeg 7, Debian 13
    59: Offsets(util=57, rate=208, layout=448, format=360),  # ffmpeg 5, Debian 12
}


class AvFunctions:
    """The two libraries and the functions used.

    Attributes:
        version: of libavcodec, such as `59.37.100`.
        licence: under which it was built, in its own words.
        offsets: of its structs.
    """

    def __init__(self, codec: CDLL, util: CDLL, offsets: Offsets) -> None:
        self.offsets = offsets
        self.find_encoder = _function(codec, "avcodec_find_encoder_by_name", c_void_p, c_char_p)
        self.find_decoder = _function(codec, "avcodec_find_decoder", c_void_p, c_int)
        self.new_context = _function(codec, "avcodec_alloc_context3", c_void_p, c_void_p)
        self.free_context = _function(codec, "avcodec_free_context", None, POINTER(c_void_p))
        self.open = _function(codec, "avcodec_open2", c_int, c_void_p, c_void_p, c_void_p)
        self.send_frame = _function(codec, "avcodec_send_frame", c_int, c_void_p, c_void_p)
        self.receive_packet = _function(codec, "avcodec_receive_packet", c_int, c_void_p, c_void_p)
        self.send_packet = _function(codec, "avcodec_send_packet", c_int, c_void_p, c_void_p)
        self.receive_frame = _function(codec, "avcodec_receive_frame", c_int, c_void_p, c_void_p)
        self.new_packet = _function(codec, "av_packet_alloc", c_void_p)
        self.grow_packet = _function(codec, "av_new_packet", c_int, c_void_p, c_int)
        self.unref_packet = _function(codec, "av_packet_unref", None, c_void_p)
        self.free_packet = _function(codec, "av_packet_free", None, POINTER(c_void_p))
        self.new_frame = _function(util, "av_frame_alloc", c_void_p)
        self.free_frame = _function(util, "av_frame_free", None, POINTER(c_void_p))
        self.set_option = _function(util, "av_opt_set", c_int, c_void_p, c_char_p, c_char_p, c_int)
        _function(util, "av_log_set_level", None, c_int)(_QUIET)  # its complaints are return codes here
        number = int(_function(codec, "avcodec_version", c_uint)())
        self.version = f"{number >> 16}.{number >> 8 & 0xFF}.{number & 0xFF}"
        self.licence = str(_function(codec, "avcodec_license", c_char_p)(), "ascii")
        if not self.find_encoder(b"aac") or not self.find_decoder(AAC):
            raise _missing(f"libavcodec {self.version} was built without AAC")


@lru_cache(maxsize=1)
def load() -> AvFunctions:
    """The library; loaded once a process.

    Raises:
        EncoderMissing: it is not installed, is of a version that is not listed here, or was built without AAC.
    """
    for major, offsets in _VERSIONS.items():
        try:
            codec, util = CDLL(f"libavcodec.so.{major}"), CDLL(f"libavutil.so.{offsets.util}")
        except OSError:
            continue
        return AvFunctions(codec, util, offsets)
    raise _missing(f"libavcodec is not installed in a version that is known ({', '.join(map(str, _VERSIONS))})")


def check(code: int, what: str) -> None:
    """Raise BadAudio if `code` is an error."""
    if code < 0:
        raise BadAudio(f"libavcodec did not accept {what} ({code}).")


@contextmanager
def opened(library: AvFunctions, codec: int, options: dict[str, str]) -> Iterator[int]:
    """The address of an open encoder or decoder.

    Raises:
        BadAudio: it did not accept an option.
    """
    context = c_void_p(library.new_context(codec))
    try:
        for name, value in options.items():
            check(library.set_option(context, name.encode(), value.encode(), _CHILDREN_TOO), f"{name}={value}")
        c_int.from_address((context.value or 0) + library.offsets.format).value = FLOAT_PLANAR
        check(library.open(context, None, None), "its settings")
        yield context.value or 0
    finally:
        library.free_context(byref(context))


@contextmanager
def empty_frame(library: AvFunctions) -> Iterator[int]:
    """The address of an AVFrame."""
    frame = c_void_p(library.new_frame())
    try:
        yield frame.value or 0
    finally:
        library.free_frame(byref(frame))


@contextmanager
def empty_packet(library: AvFunctions) -> Iterator[int]:
    """The address of an AVPacket."""
    packet = c_void_p(library.new_packet())
    try:
        yield packet.value or 0
    finally:
        library.free_packet(byref(packet))


def _missing(what: str) -> EncoderMissing:
    return EncoderMissing(f"AAC cannot be encoded: {what}.", hint="Install it: apt-get install ffmpeg.")


def _function(library: CDLL, name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function
