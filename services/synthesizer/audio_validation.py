"""Checks that the answer may be the requested text: decodes what a speech server sent and judges it, all in memory.

A server may answer 200 with nothing, silence, noise, half of the audio, or a file whose header is wrong. Half of the
audio is the hard case: it is detected by the pace. Measured paces in seconds per letter or digit, at speed 1:
espeak-ng 0.063 (French) to 0.076 (Finnish), Arabic 0.11, Hindi 0.13, Thai 0.14, Japanese kana 0.14, Korean 0.18,
Chinese 0.41; piper's `joe` 0.072 to 0.082; numbers and addresses 0.17 to 0.25.
"""

from __future__ import annotations

import io
import math
import re
import struct
import unicodedata

import numpy as np
import soundfile
from numpy.typing import NDArray

from shared.audio.loudness import Samples
from shared.errors import BadAudio

FASTEST_LETTERS_PER_SECOND = 22.0
"""At speed 1: faster than any voice measured (16); half of the audio at an ordinary pace (14) exceeds it."""
FASTEST_DENSE_LETTERS_PER_SECOND = 15.0
"""The same for scripts that write few or no vowels as letters: Hebrew, Arabic, the scripts of India, Thai, Tibetan."""
FASTEST_WIDE_LETTERS_PER_SECOND = 9.0
"""The same for Chinese, Japanese and Korean characters."""
SURE_SECONDS = 1.8
"""For a text shorter than this the pace says less, and the bound is lowered in proportion."""

SLOWEST_SECONDS_PER_LETTER = 0.35
SLOWEST_SECONDS_PER_SIGN = 1.5
"""Digits, capitals (spelled out), wide characters and symbols may be whole words."""
SLOWEST_EXTRA_SECONDS = 4.0

WINDOW_SECONDS = 0.05
SILENCE_DBFS = -60.0
"""A window below this is silent; so is an answer that consists only of such windows."""
LONGEST_PAUSE_SECONDS = 1.0
"""Longer silence within an answer, or at its ends, is not part of the speech: the pace is judged without it."""

NOISE_FLATNESS = 0.4
"""Spectral flatness: white noise 0.56, speech below 0.2 in the median (0.03 measured), a tone 0."""
NOISE_WINDOWS = 48
NOISE_WINDOW_SAMPLES = 512

SPEECH_BAND_HZ = 4_000.0
"""Speech has most of its energy below; encoders keep nothing at the end of the spectrum."""
SPEECH_BAND_SHARE = 0.001
"""Of the energy, at least: a long `sh` has a hundred times more of it there."""

STREAMING_LENGTH_BYTES = 0x7F00_0000
"""A WAV data length of this or more (or 0) was written before the length was known; the data goes on to the end."""


def decode(answer: bytes, *, at_most_seconds: float = math.inf) -> tuple[Samples, int]:
    """The samples (mono, float) and the rate in Hz of what a speech server sent; WAV, FLAC, MP3 or Ogg.

    Args:
        answer: the file.
        at_most_seconds: no more than this is decoded, since a small file can hold hours of silence.

    Raises:
        BadAudio: it is not audio, is damaged, or is shorter than its own header says.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(_true_length(answer))) as file:
            rate = file.samplerate
            samples = file.read(int(min(file.frames, rate * at_most_seconds)), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, struct.error) as error:
        raise BadAudio(f"The speech server's answer of {len(answer):,} bytes cannot be decoded as audio.") from error
    if not np.isfinite(samples).all():
        raise BadAudio("The speech server's answer holds samples that are no numbers.")
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    return np.ascontiguousarray(mono, dtype=np.float32), rate


def validate(samples: Samples, rate: int, text: str, *, speed: float) -> None:
    """Accept that `samples` may be `text`, or raise why not.

    For a text without a letter or digit (an ornament, an emoji) anything is accepted.

    Raises:
        BadAudio: empty, silent, noise, or too short or too long for its text.
    """
    if not any(map(str.isalnum, text)):
        return
    if not len(samples):
        raise BadAudio("The speech server's answer has no sound in it.")
    audible = audible_seconds(samples, rate)
    if not audible:
        raise BadAudio(f"The speech server answered {len(text)} characters with silence.")
    shortest = shortest_seconds(text, speed=speed)
    if audible < shortest:
        raise BadAudio(
            f"The speech server answered {len(text)} characters with {audible:.2f} s of sound; "
            f"at least {shortest:.2f} s were expected, so something is missing."
        )
    longest = longest_seconds(text, speed=speed)
    if len(samples) / rate > longest:
        raise BadAudio(
            f"The speech server answered {len(text)} characters with {len(samples) / rate:.1f} s of sound; "
            f"at most {longest:.1f} s were expected."
        )
    if flatness(samples) > NOISE_FLATNESS:
        raise BadAudio(f"The speech server answered {len(text)} characters with noise.")
    if speech_band_share(samples, rate) < SPEECH_BAND_SHARE:
        raise BadAudio(f"The speech server answered {len(text)} characters with a sound too high for speech.")


def shortest_seconds(text: str, *, speed: float) -> float:
    """The least time that `text` can take; `speed` may be ignored by the server, but only downwards."""
    spoken = re.sub(r"(.)\1{2,}", r"\1\1", text)  # repeated characters ("nooooo", 1,000,000) take no longer
    seconds = sum(1 / _fastest(letter) for letter in spoken if letter.isalnum())
    return seconds * min(1.0, seconds / SURE_SECONDS) / max(speed, 1.0)


def longest_seconds(text: str, *, speed: float) -> float:
    """The most time that `text` can take, generously estimated."""
    letters = sum(character.isalpha() and not _is_sign(character) for character in text)
    signs = sum(not character.isspace() for character in text) - letters
    seconds = letters * SLOWEST_SECONDS_PER_LETTER + signs * SLOWEST_SECONDS_PER_SIGN
    return (SLOWEST_EXTRA_SECONDS + seconds) / min(speed, 1.0)


def audible_seconds(samples: Samples, rate: int) -> float:
    """How long something is audible, short pauses included."""
    window = max(1, round(rate * WINDOW_SECONDS))
    count = len(samples) // window or 1
    windows = np.resize(samples, window) if len(samples) < window else samples[: count * window]
    windows = windows.reshape(count, window)
    energies = np.einsum("ij,ij->i", windows, windows) / window - np.square(windows.mean(axis=1))
    loud = np.flatnonzero(energies > 10 ** (SILENCE_DBFS / 10))
    if not len(loud):
        return 0.0
    steps = np.diff(loud) * WINDOW_SECONDS
    return float(np.where(steps > LONGEST_PAUSE_SECONDS, WINDOW_SECONDS, steps).sum()) + WINDOW_SECONDS


def flatness(samples: Samples) -> float:
    """Median spectral flatness of windows spread over the audio: 0 is a tone, 0.56 white noise."""
    if len(samples) < NOISE_WINDOW_SAMPLES:
        return 0.0
    windows = _windows(samples)
    windows = windows[np.square(windows).mean(axis=1) > 10 ** (SILENCE_DBFS / 10)]
    if not len(windows):
        return 0.0
    power = np.square(np.abs(np.fft.rfft(windows)[:, 1:-1])) + 1e-12
    return float(np.median(np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)))


def speech_band_share(samples: Samples, rate: int) -> float:
    """The share of the energy below `SPEECH_BAND_HZ`, in windows spread over the audio; 1 for silence."""
    if len(samples) < NOISE_WINDOW_SAMPLES:
        return 1.0
    power = np.square(np.abs(np.fft.rfft(_windows(samples)))).sum(axis=0)
    total = float(power.sum())
    low = int(SPEECH_BAND_HZ * NOISE_WINDOW_SAMPLES / rate) + 1
    return float(power[:low].sum()) / total if total > 0 else 1.0


def _windows(samples: Samples) -> NDArray[np.float64]:
    """`NOISE_WINDOWS` weighted windows, spread over at least one window of audio."""
    starts = np.linspace(0, len(samples) - NOISE_WINDOW_SAMPLES, NOISE_WINDOWS).astype(int)
    return np.asarray(samples[starts[:, None] + np.arange(NOISE_WINDOW_SAMPLES)] * np.hanning(NOISE_WINDOW_SAMPLES))


def _fastest(letter: str) -> float:
    """Letters of this kind per second, at most."""
    if "\N{HEBREW ACCENT ETNAHTA}" <= letter < "\N{MYANMAR LETTER KA}":  # Unicode's blocks from Hebrew to Tibetan
        return FASTEST_DENSE_LETTERS_PER_SECOND
    return FASTEST_WIDE_LETTERS_PER_SECOND if _is_wide(letter) else FASTEST_LETTERS_PER_SECOND


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in {"W", "F"}


def _is_sign(character: str) -> bool:
    return character.isupper() or _is_wide(character)


def _true_length(answer: bytes) -> bytes:
    """`answer` with a placeholder for its length replaced by the length; anything but such a WAV is unchanged.

    Raises:
        BadAudio: a WAV that is shorter than its header says.
    """
    if answer[:4] != b"RIFF" or answer[8:12] != b"WAVE":
        return answer
    place = 12
    while place + 8 <= len(answer):
        name, length = struct.unpack_from("<4sI", answer, place)
        held = len(answer) - place - 8
        if name == b"data":
            if length == 0 or length >= STREAMING_LENGTH_BYTES:
                return answer[: place + 4] + struct.pack("<I", held) + answer[place + 8 :]
            if length > held:
                raise BadAudio(f"The speech server's answer was cut: {held:,} bytes of sound came of {length:,}.")
            return answer
        place += 8 + length + length % 2
    return answer
