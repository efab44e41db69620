"""espeak-ng behind `POST /v1/audio/speech`, made worse on purpose: with noise, or louder and softer by chance.

    python -m benchmarks.loudness.altered_speech

prints its port as the first line. The voice of a request says how: `noisy` has white noise 30 dB below the speech;
`uneven` speaks each text with a gain between -6 and +6 dB, derived from the text; any other is as espeak-ng speaks.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import numpy as np
import soundfile

from shared.audio.loudness import Samples
from tests.servers.speech_process import SpeechProcess

NOISE_DB: Final = -30.0
UNEVEN_DB: Final = 6.0
_SPEECH_SECONDS: Final = 60.0
_LEVEL: Final = 0.25
"""espeak-ng is near full scale; with room above it, louder is not distorted."""


class AlteredSpeech(SpeechProcess):
    """The server as a child process."""

    def __init__(self) -> None:
        super().__init__("benchmarks.loudness.altered_speech")


def altered(samples: Samples, text: str, voice: str) -> Samples:
    """The speech of a text as this voice has it; the same every time."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    chance = np.random.default_rng(seed)
    if voice == "noisy":
        level = float(np.sqrt(np.mean(samples**2))) * 10 ** (NOISE_DB / 20)
        return samples + (level * chance.standard_normal(len(samples))).astype(np.float32)
    if voice == "uneven":
        return samples * np.float32(10 ** (chance.uniform(-UNEVEN_DB, UNEVEN_DB) / 20))
    return samples


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b'{"data": []}', "application/json")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = subprocess.run(
            ("espeak-ng", "--stdin", "--stdout"),
            input=asked["input"].encode(),
            check=True,
            capture_output=True,
            timeout=_SPEECH_SECONDS,
        )
        samples, rate = soundfile.read(io.BytesIO(said.stdout), dtype="float32")
        sound = io.BytesIO()
        changed = altered(samples * np.float32(_LEVEL), asked["input"], asked["voice"])
        soundfile.write(sound, changed, rate, format="WAV", subtype="PCM_16")
        self._answer(sound.getvalue(), "audio/wav")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
        pass

    def _answer(self, body: bytes, media_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
