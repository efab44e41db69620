"""ffmpeg's encodes of a whole episode, and what they decode to."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from benchmarks.noise_to_mask import RATE
from services.assembler.encoders import ENCODERS
from shared.audio.loudness import Samples
from shared.audio.segments import lame
from shared.protocol.messages import AudioFormat

LIMIT_SECONDS: Final = 300.0
SAME_RATE_OPTIONS: Final[dict[AudioFormat, tuple[str, ...]]] = {"mp3": ("-abr", "1"), "m4b": ("-aac_pns", "0")}
"""LAME has fixed steps in CBR mode (64, 80 kbit/s), so MP3 gets an average bit rate. AAC goes without noise
substitution: noise in place of other noise counts in full in a difference of waveforms, so ffmpeg fares better without
it."""
_MONO: Final = 1
RATE_STEPS: Final[dict[AudioFormat, int]] = {"mp3": 1_000}
"""LAME is told an average in kbit/s."""
_CLOSE: Final = 0.003
_RATE_TOLERANCE: Final = 0.015
_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Encode:
    """A file and its bit rate.

    Attributes:
        path: the file.
        bits_a_second: of its packets, over the length of the original; neither tags nor tables count.
    """

    path: Path
    bits_a_second: float


def as_the_assembler(mastered: Samples, rate: int, name: AudioFormat, folder: Path) -> Encode:
    """What the assembler makes of it where it cannot join segments: its whole-file encoder."""
    return _encode(mastered, rate, name, folder / f"whole.{name}")


def at_the_same_rate(mastered: Samples, rate: int, name: AudioFormat, folder: Path, wanted: float) -> Encode:
    """The same encoder, told whatever bit rate gives a file that really has `wanted` bits a second.

    Args:
        mastered: the original.
        rate: of it, Hz.
        name: the format.
        folder: for the file.
        wanted: bits a second.

    Raises:
        RuntimeError: no bit rate gives it within 1.5 %.
    """
    step = RATE_STEPS.get(name, 1)
    asked = round(wanted / step) * step
    made: dict[int, Encode] = {}
    while asked not in made and len(made) < _TRIES:
        options = (*SAME_RATE_OPTIONS.get(name, ()), "-b:a", str(asked))
        made[asked] = _encode(mastered, rate, name, folder / f"same-{asked}.{name}", options)
        if abs(made[asked].bits_a_second / wanted - 1) <= _CLOSE:
            break
        asked = round(asked * wanted / made[asked].bits_a_second / step) * step
    best = min(made.values(), key=lambda encode: abs(encode.bits_a_second - wanted))
    if abs(best.bits_a_second / wanted - 1) > _RATE_TOLERANCE:
        raise RuntimeError(f"ffmpeg's {name} has {best.bits_a_second:.0f} bits a second; {wanted:.0f} were wanted.")
    return best


def with_reservoir(mastered: Samples, rate: int, folder: Path) -> Encode:
    """An MP3 of the variable bit rate that segments have, but with a bit reservoir, which segments cannot have."""
    path = folder / "reservoir.mp3"
    _run(_command(rate, ("-c:a", "libmp3lame", "-q:a", f"{lame.QUALITY:g}"), path), mastered)
    return Encode(path, bits_a_second(path, len(mastered) / rate))


def decoded(path: Path) -> Samples:
    """The sound of a file at `RATE`, by ffmpeg, which cuts the encoder's delay off as the file says."""
    command = ("ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a", "-f", "f32le", "-")
    sound = np.frombuffer(_run(command), dtype="<f4")
    probe = ("ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=sample_rate", "-of", "csv=p=0")
    return at_rate(sound, int(_run((*probe, str(path))).split()[0]))


def at_rate(samples: Samples, rate: int) -> Samples:
    """At `RATE`."""
    return samples if rate == RATE else np.asarray(soxr.resample(samples, rate, RATE, quality="VHQ"), dtype=np.float32)


def bits_a_second(path: Path, seconds: float) -> float:
    """Of a file's audio packets."""
    command = ("ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "packet=size", "-of", "csv=p=0")
    return 8 * sum(int(size.split(b",")[0]) for size in _run((*command, str(path))).split()) / seconds


def _encode(mastered: Samples, rate: int, name: AudioFormat, path: Path, options: tuple[str, ...] = ()) -> Encode:
    encoder = ENCODERS[name]
    filters = ("-af", f"volume={encoder.gain_db}dB:precision=float") if encoder.gain_db else ()
    _run(_command(rate, (*filters, *encoder.arguments[_MONO], *options), path), mastered)
    return Encode(path, bits_a_second(path, len(mastered) / rate))


def _command(rate: int, options: tuple[str, ...], path: Path) -> tuple[str, ...]:
    source = ("-f", "f32le", "-ar", str(rate), "-ac", "1", "-i", "pipe:0")
    return ("ffmpeg", "-v", "error", "-y", *source, *options, str(path))


def _run(command: tuple[str, ...], given: Samples | None = None) -> bytes:
    pcm = b"" if given is None else given.astype("<f4").tobytes()
    return subprocess.run(command, input=pcm, check=True, capture_output=True, timeout=LIMIT_SECONDS).stdout
