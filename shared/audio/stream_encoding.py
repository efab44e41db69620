"""Samples in, a stream in a format that players know out: one ffmpeg child for each stream, none for plain PCM.

Everything between is bounded: a client that does not read fills the child's output pipe, then its input pipe, and then
nothing more is fetched.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Literal

from shared.audio import ffmpeg
from shared.audio.loudness import Samples
from shared.audio.pcm import quantized
from shared.audio.segments.mastering import CEILING_DBTP
from shared.protocol.messages import AudioFormat

StreamFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]

PCM_RATE_HZ: Final = 24_000
"""OpenAI's `pcm`: 24 kHz, 16 bits, one channel, no header."""
_BUFFER_BYTES: Final = 65_536
_PCM_SAMPLES: Final = 24_000
_GATHER_SECONDS: Final = 0.02
"""ffmpeg flushes every packet, so that the end of a chunk does not wait for the next one. Sending each by itself (192
bytes for 24 ms of MP3) would cost more than encoding it; so what comes within this time is sent together."""
_UNKNOWN_LENGTH: Final = 0xFFFF_FFFF
"""What a WAV header of unknown length says; players then read to the end."""
_EXACT_CEILING_DBTP: Final = -1.0


@dataclass(frozen=True)
class Encoding:
    """How a stream is encoded.

    Attributes:
        media_type: of the response.
        episode: the format of the episode that the job makes.
        arguments: ffmpeg's output options; empty: it is not needed.
        ceiling_dbtp: the limit for true peaks before the encoder.
        extra_gain_db: makes up for the encoder's attenuation.
    """

    media_type: str
    episode: AudioFormat
    arguments: tuple[str, ...] = ()
    ceiling_dbtp: float = CEILING_DBTP
    extra_gain_db: float = 0.0


ENCODINGS: Final[dict[StreamFormat, Encoding]] = {
    # CBR without a Xing frame: a stream's length is not known when it begins, and players believe what such a frame
    # says. LAME attenuates by 0.445 dB in this mode.
    "mp3": Encoding(
        "audio/mpeg",
        "mp3",
        ("-c:a", "libmp3lame", "-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3"),
        extra_gain_db=0.445,
    ),
    "opus": Encoding(
        "audio/ogg",
        "opus",
        ("-c:a", "libopus", "-b:a", "40k", "-compression_level", "5", "-page_duration", "200000", "-f", "opus"),
    ),
    "aac": Encoding("audio/aac", "m4b", ("-c:a", "aac", "-aac_coder", "fast", "-b:a", "64k", "-f", "adts")),
    "flac": Encoding(
        "audio/flac", "flac", ("-c:a", "flac", "-sample_fmt", "s16", "-f", "flac"), ceiling_dbtp=_EXACT_CEILING_DBTP
    ),
    "wav": Encoding("audio/wav", "wav", ceiling_dbtp=_EXACT_CEILING_DBTP),
    "pcm": Encoding("audio/pcm", "wav", ceiling_dbtp=_EXACT_CEILING_DBTP),
}
"""Name in the API → how it is made."""


async def encoded(samples: AsyncGenerator[Samples, None], name: StreamFormat, rate: int) -> AsyncGenerator[bytes, None]:
    """Encode samples as they come. If they end with an error, what came before is still encoded, then it is raised.

    Args:
        samples: mono, in [-1, 1]; closed at the end.
        name: the format.
        rate: sample rate of the samples, Hz.

    Raises:
        EncoderFailed: ffmpeg failed.
    """
    arguments = ENCODINGS[name].arguments
    if name == "pcm" and rate != PCM_RATE_HZ:
        arguments = ("-ar", str(PCM_RATE_HZ), "-c:a", "pcm_s16le", "-f", "s16le")
    if not arguments:
        async with aclosing(samples):
            header = _wav_header(rate) if name == "wav" else b""
            async for some in samples:
                for at in range(0, len(some), _PCM_SAMPLES):
                    yield header + _pcm(some[at : at + _PCM_SAMPLES])
                    header = b""
        return
    source = ("-probesize", "32", "-analyzeduration", "0", "-f", "f32le", "-ar", str(rate), "-ac", "1", "-i", "pipe:0")
    exact = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-threads", "1")
    options = [*source, *exact, *arguments, "-flush_packets", "1", "pipe:1"]
    async with (
        aclosing(samples),
        ffmpeg.run(options, feeds=True, reads=True, buffer_bytes=_BUFFER_BYTES) as child,
    ):
        began = asyncio.Event()
        feeding = asyncio.create_task(_feed(child, samples, began))
        try:
            async for piece in child.encoded():
                if not began.is_set():  # the header of a stream without sound: the error follows
                    break
                yield piece
                await asyncio.sleep(_GATHER_SECONDS)
            await feeding
            await child.finish()
        finally:
            feeding.cancel()
            await asyncio.wait({feeding})


async def _feed(child: ffmpeg.Child, samples: AsyncGenerator[Samples, None], began: asyncio.Event) -> None:
    assert child.process.stdin is not None  # noqa: S101 - started with a pipe
    try:
        async for some in samples:
            began.set()
            await child.feed(some.data)
    finally:
        child.process.stdin.close()  # so that it encodes what it has, and ends


def _pcm(samples: Samples) -> bytes:
    return quantized(samples).astype("<i2").tobytes()


def _wav_header(rate: int) -> bytes:
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)
    unknown = struct.pack("<I", _UNKNOWN_LENGTH)
    return b"RIFF" + unknown + b"WAVEfmt " + form + b"data" + unknown
