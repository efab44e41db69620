"""Text as tones and back: the modem behind the tone speech server.

Bell 103 frequencies, eight bits, one start and one stop bit: what `minimodem --tx 200 -M 1270 -S 1070` sends.
Measured through the steps of the real system (edge fades, pauses of 350 to 1,800 ms, another level, a limiter), with
texts of 300 characters including Chinese and emoji: 300 of 300 were exact after MP3 at 64 kbit/s, 100 of 100 after
Opus at 48, 60 of 60 after Opus at 40 and after AAC at 64, and 99 of 100 after Opus at 32. Frequencies further apart
(1600/1000, 1500/900) gave stray bytes at the edges. A character takes 0.05 s for each of its UTF-8 bytes, which audio
validation accepts; at 300 baud it mistook some texts for cut audio.

A text is framed by STX and ETX, so that `hear` can tell a pause from an end, and whatever the modem makes of the fades
at the edges is outside the frame. 150 ms of carrier on both sides keep fades and trimming away from the first and last
byte.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

BAUD = 200
SAMPLE_RATE = 24_000
"""Hz; 120 samples per bit."""
MARK_HZ = 1_270.0
SPACE_HZ = 1_070.0
AMPLITUDE = 0.3
"""Relative to full scale: about -14 LUFS, between the levels of piper and espeak-ng."""
CARRIER_SECONDS = 0.15
SILENCE_SECONDS = 0.05
"""Silence on both sides, so that there is something to trim."""
EDGE_SECONDS = 0.004

STX, ETX = b"\x02", b"\x03"
CUT = "[cut]"
"""What `hear` appends to a text whose end is missing."""

HEARING_RATE = 12_000
"""Hz; enough for the modem, and five hours stay under half a gigabyte on disk."""


def seconds(text: str) -> float:
    """How long `text` takes to speak."""
    return (len(text.encode()) + 2) * 10 / BAUD + 2 * (CARRIER_SECONDS + SILENCE_SECONDS)


def speak(text: str, *, sample_rate: int = SAMPLE_RATE) -> npt.NDArray[np.int16]:
    """`text` as mono PCM.

    Raises:
        ValueError: the text holds STX or ETX.
    """
    data = text.encode()
    if STX in data or ETX in data:
        raise ValueError("The tone modem cannot speak U+0002 and U+0003: they mark where a text begins and ends.")
    octets = np.frombuffer(STX + data + ETX, np.uint8)
    frames = np.ones((len(octets), 10), np.uint8)  # start bit 0, eight bits with the lowest first, stop bit 1
    frames[:, 0] = 0
    frames[:, 1:9] = np.unpackbits(octets[:, None], axis=1, bitorder="little")
    bounds = np.round(np.arange(frames.size + 1) * (sample_rate / BAUD)).astype(np.int64)
    tones = np.repeat(np.where(frames.ravel(), MARK_HZ, SPACE_HZ), np.diff(bounds))
    carrier = np.full(round(CARRIER_SECONDS * sample_rate), MARK_HZ)
    phase = np.cumsum(np.concatenate([carrier, tones, carrier])) * (2 * np.pi / sample_rate)
    wave = AMPLITUDE * np.sin(phase)
    edge = np.sin(np.linspace(0, np.pi / 2, round(EDGE_SECONDS * sample_rate))) ** 2
    wave[: len(edge)] *= edge
    wave[-len(edge) :] *= edge[::-1]
    silence = np.zeros(round(SILENCE_SECONDS * sample_rate))
    return np.asarray(np.concatenate([silence, wave, silence]) * 32_767, dtype=np.int16)


def hear_texts(audio: Path, *, deadline_seconds: float = 300) -> list[str]:
    """The texts spoken in `audio` (anything ffmpeg reads), in order; a text without its end is followed by `[cut]`."""
    with tempfile.TemporaryDirectory() as directory:
        wav = Path(directory) / "heard.wav"
        decode = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(audio), "-map", "0:a:0", "-ac", "1"]
        subprocess.run(
            [*decode, "-ar", str(HEARING_RATE), "-c:a", "pcm_s16le", "-rf64", "auto", str(wav)],
            check=True,
            timeout=deadline_seconds,
        )
        demodulate = ["minimodem", "--rx", "--quiet", "-8", "-M", str(MARK_HZ), "-S", str(SPACE_HZ), "-f", str(wav)]
        heard = subprocess.run([*demodulate, str(BAUD)], check=True, capture_output=True, timeout=deadline_seconds)
    texts = []
    for burst in heard.stdout.split(STX)[1:]:
        text, end, _stray = burst.partition(ETX)
        texts.append(text.decode(errors="replace") + ("" if end else CUT))
    return texts


def hear(audio: Path, *, deadline_seconds: float = 300) -> str:
    """Everything spoken in `audio`, the chunks joined by a space."""
    return " ".join(hear_texts(audio, deadline_seconds=deadline_seconds))
