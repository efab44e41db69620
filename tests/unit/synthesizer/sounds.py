"""Sounds for the tests: real speech (espeak-ng), text as tones (minimodem), and things that are neither."""

from __future__ import annotations

import io
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from shared.audio.loudness import Samples

TEXT = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "it was the epoch of belief."
)


@cache
def espeak(text: str = TEXT, *, language: str = "en", words_a_minute: int = 175) -> bytes:
    """A WAV of real speech, with the placeholder length that espeak-ng writes."""
    command = ["espeak-ng", "--stdout", "-v", language, "-s", str(words_a_minute), text]
    return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout


@cache
def speech(text: str = TEXT, *, language: str = "en") -> tuple[Samples, int]:
    """The same as samples and rate."""
    samples, rate = soundfile.read(io.BytesIO(espeak(text, language=language)), dtype="float32")
    return samples, rate


@cache
def tones(text: str) -> bytes:
    """A WAV that encodes `text` in tones, 0.067 s per byte."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tones.wav"
        command = ["minimodem", "--tx", "150", "--file", str(path), "--samplerate", "24000"]
        subprocess.run(command, input=text.encode(), check=True, timeout=30)
        return path.read_bytes()


def heard(samples: Samples, rate: int) -> str:
    """The text encoded in tones."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "heard.wav"
        soundfile.write(path, samples, rate, subtype="PCM_16")
        command = ["minimodem", "--rx", "150", "--quiet", "--file", str(path)]
        return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout.decode()


def wav(samples: Samples, rate: int = 24_000, *, subtype: str = "PCM_16", container: str = "WAV") -> bytes:
    """An audio file with these samples (frames, or frames by channels)."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=container, subtype=subtype)
    return buffer.getvalue()


def silence(seconds: float, rate: int = 24_000) -> Samples:
    return np.zeros(round(seconds * rate), dtype=np.float32)


def noise(seconds: float, rate: int = 24_000) -> Samples:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * rate)).astype(np.float32)
