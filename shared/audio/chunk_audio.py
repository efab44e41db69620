"""A chunk's audio as it is stored: one FLAC object that holds the samples and their measurement.

The measurement (JSON in the FLAC's comment) precedes the samples, so it can be read from the first
`HEADER_BYTES` of the object. Audio and measurement cannot disagree: a chunk is written in one call.
See docs/adr/0004-chunk-audio.md.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Annotated, Literal

import soundfile
from pydantic import Field, ValidationError

from shared.audio.loudness import (
    ABSOLUTE_GATE_LUFS,
    Samples,
    block_energies,
    block_samples,
    decibels,
    integrated_loudness,
    true_peak,
)
from shared.audio.pcm import floating, quantized
from shared.errors import BadAudio
from shared.protocol.messages import Frozen

CONTENT_TYPE = "audio/flac"
HEADER_BYTES = 65_536
"""A measurement takes about 11 bytes for each 100 ms, so this is enough for nearly ten minutes of speech."""
LENGTH_BYTES = 42
"""A FLAC's signature and its STREAMINFO, which has the rate, the number of samples, and their MD5 at the end."""
MD5_BYTES = 16
_STREAMINFO = b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22"
_SAMPLES_BITS = 36

Number = Annotated[float, Field(strict=False)]


class Measurement(Frozen):
    """The measurement of the samples as stored."""

    version: Literal[1] = 1
    frames: int = Field(ge=1, description="samples; a whole number of 100 ms blocks")
    sample_rate: int = Field(ge=8_000)
    loudness_lufs: Number = Field(description="integrated, one channel; -70 where there is nothing to hear")
    true_peak_dbtp: Number = Field(description="dBTP; -120 for digital silence")
    energies: tuple[Number, ...] = Field(description="K-weighted mean square of each 100 ms block")

    @property
    def seconds(self) -> float:
        """The duration."""
        return self.frames / self.sample_rate


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk and its stored form.

    Attributes:
        data: the object.
        samples: what decoding it yields.
        measurement: what is in it.
    """

    data: bytes
    samples: Samples
    measurement: Measurement

    @property
    def md5(self) -> str:
        """Names the samples: see `read_md5`."""
        return read_md5(self.data)


def make(samples: Samples, rate: int) -> StoredChunk:
    """The stored form of mono `samples` in [-1, 1]: 16-bit FLAC with its measurement.

    Silence is added at the end up to a whole number of 100 ms blocks, so that chunks and pauses can be concatenated on
    one grid, and their energies too. Samples over full scale are clipped.

    Raises:
        ValueError: no samples, or a rate at which 100 ms is not a whole number of samples.
    """
    if not len(samples):
        raise ValueError("there is no audio to encode")
    pcm = quantized(samples, whole=block_samples(rate))
    kept = floating(pcm)
    measurement = measure(kept, rate)
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate, channels=1, subtype="PCM_16", format="FLAC") as file:
        file.comment = measurement.model_dump_json()
        file.write(pcm)
    return StoredChunk(buffer.getvalue(), kept, measurement)


def encode(samples: Samples, rate: int) -> bytes:
    """The object alone; see `make`."""
    return make(samples, rate).data


def measure(samples: Samples, rate: int) -> Measurement:
    """Measure mono `samples` as they are. Energies are rounded to 5 digits: an error of at most 0.0005 LU."""
    energies = block_energies(samples, rate)
    return Measurement(
        frames=len(samples),
        sample_rate=rate,
        loudness_lufs=round(max(integrated_loudness(energies), ABSOLUTE_GATE_LUFS), 3),
        true_peak_dbtp=round(max(decibels(true_peak(samples, rate)), -120.0), 3),
        energies=tuple(float(f"{energy:.5g}") for energy in energies),
    )


def read_measurement(data: bytes) -> Measurement:
    """The measurement of a stored chunk, from the whole object or its first bytes (usually `HEADER_BYTES`).

    Raises:
        BadAudio: not one of our chunks, damaged, or the measurement is longer than the given bytes.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            measurement = Measurement.model_validate_json(file.comment or "")
            agrees = (file.frames, file.samplerate) == (measurement.frames, measurement.sample_rate)
    except (soundfile.LibsndfileError, ValidationError) as error:
        raise _damaged(f"its header cannot be read ({_first_line(error)})") from error
    if not agrees:
        raise _damaged("its measurement does not fit its sound")
    return measurement


def read_length(start: bytes) -> tuple[int, int]:
    """The samples of a stored chunk and their rate in Hz, from its first `LENGTH_BYTES`.

    Raises:
        BadAudio: these are not the first bytes of one.
    """
    if len(start) < LENGTH_BYTES or not start.startswith(_STREAMINFO):
        raise _damaged("it does not begin as a FLAC")
    (fields,) = struct.unpack_from(">Q", start, 18)  # rate in 20 bits, channels in 3, bits a sample in 5, samples
    return fields & ((1 << _SAMPLES_BITS) - 1), fields >> (64 - 20)


def read_md5(start: bytes) -> str:
    """The MD5 of a stored chunk's 16-bit samples in hexadecimal, which names them, from its first `LENGTH_BYTES`."""
    return start[LENGTH_BYTES - MD5_BYTES : LENGTH_BYTES].hex()


def load(data: bytes) -> StoredChunk:
    """A chunk from its stored form; the samples are mono float32 in [-1, 1].

    Raises:
        BadAudio: the object is damaged, truncated or not one of our chunks. FLAC has a checksum on every frame.
    """
    measurement = read_measurement(data)
    try:
        samples = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=False)[0]
    except soundfile.LibsndfileError as error:
        raise _damaged(f"its sound cannot be decoded ({_first_line(error)})") from error
    if samples.shape != (measurement.frames,):
        raise _damaged(f"it holds {len(samples)} samples instead of {measurement.frames}")
    return StoredChunk(data, samples, measurement)


def decode(data: bytes) -> tuple[Samples, int]:
    """The samples of a stored chunk, and their rate in Hz; see `load`."""
    chunk = load(data)
    return chunk.samples, chunk.measurement.sample_rate


def _damaged(what: str) -> BadAudio:
    return BadAudio(
        f"A stored chunk is damaged: {what}.",
        hint="Delete the object and submit the job again; the chunk is then spoken anew.",
    )


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
