"""espeak-ng: a child process for each text. Runs in a worker process only."""

from __future__ import annotations

import struct
import subprocess

import numpy as np

from services.speech.encoding import Pcm
from shared.workers.lifeline import die_with_parent

WORDS_A_MINUTE = 175
"""espeak-ng's own pace, speed 1."""
TEXT_DEADLINE_SECONDS = 30.0
"""4,096 characters take 0.2 s; a child that takes this long is killed."""
_RIFF_HEADER_BYTES = 44


class Espeak:
    """espeak-ng, with the voice that each request names."""

    def speak(self, text: str, voice: str, speed: float) -> tuple[Pcm, int]:
        """`text` as mono PCM and its rate in Hz.

        Raises:
            RuntimeError: espeak-ng failed; the message is espeak-ng's own.
        """
        # `[[` would start phonemes instead of words.
        spoken = text.replace("[[", "[ [")
        rate = round(WORDS_A_MINUTE * speed)
        done = subprocess.run(
            ["espeak-ng", "-b", "1", "-v", voice, "-s", str(rate), "--stdin", "--stdout"],
            input=spoken.encode(),
            capture_output=True,
            timeout=TEXT_DEADLINE_SECONDS,
            check=False,
            # The worker has one thread, so code between fork and exec is safe.
            preexec_fn=die_with_parent,
        )
        if done.returncode != 0 or len(done.stdout) < _RIFF_HEADER_BYTES:
            reason = done.stderr.decode(errors="replace").strip() or f"exit {done.returncode}"
            raise RuntimeError(f"espeak-ng failed: {reason}")
        # It streams, so the length in its header is wrong: the samples are all that follows the header.
        (sample_rate,) = struct.unpack_from("<I", done.stdout, 24)
        samples = done.stdout[_RIFF_HEADER_BYTES:]
        return np.frombuffer(samples[: len(samples) // 2 * 2], "<i2").astype(np.int16), sample_rate
