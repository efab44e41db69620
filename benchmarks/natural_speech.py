"""The instant speech server with a natural voice: espeak-ng at its native 22.05 kHz, synthesized once at the start.

    python -m benchmarks.natural_speech [--port 0] [--delay SECONDS]

The buzz of `tests.servers.instant_speech` is equally loud throughout; measuring the true peak of such a sound costs
three times as much as for speech, which would flatter a comparison with the audio work. Piper, the default, has the
same sample rate.
"""

from __future__ import annotations

import functools
import subprocess
import sys

from tests.servers import instant_speech
from tests.servers.speech_process import SpeechProcess

SAMPLE_RATE = 22_050
LIMIT_SECONDS = 60.0


class NaturalSpeech(SpeechProcess):
    """The server as a child process."""

    def __init__(self, *, delay_seconds: float = 0.0) -> None:
        super().__init__("benchmarks.natural_speech", "--delay", str(delay_seconds))


@functools.cache
def voice() -> bytes:
    """16-bit PCM as long as the longest response; shorter ones are its beginning."""
    text = " ".join(f"At {hour} o'clock the ferry left the quiet harbour, and nobody counted." for hour in range(120))
    said = subprocess.run(
        ("espeak-ng", "--stdin", "--stdout"),
        input=text.encode(),
        check=True,
        capture_output=True,
        timeout=LIMIT_SECONDS,
    )
    pcm = said.stdout.partition(b"data")[2][4:]  # skip the length after "data": it is a placeholder
    assert len(pcm) > 2 * SAMPLE_RATE * instant_speech.LONGEST_SECONDS
    return pcm


if __name__ == "__main__":
    instant_speech.SAMPLE_RATE = SAMPLE_RATE
    instant_speech.voice = voice
    instant_speech.main(sys.argv[1:])
