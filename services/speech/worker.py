"""A worker process: reads texts from stdin, speaks them, writes audio to stdout. One text at a time, no event loop.

    python -m services.speech.worker PARENT_PID

It is killed by the server when a text takes too long, and by the kernel when the server ends. It is the only process
that imports piper (GPL-3). Engines are loaded when first requested.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, BinaryIO

import numpy as np

from services.speech import frames
from services.speech.encoding import Pcm, encode
from shared.workers import lifeline

INAUDIBLE = 16
"""A peak below this, out of 32,767 (-66 dBFS), is not speech."""


class Engines:
    """The engines that this worker has loaded so far."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def load(self, engine: str, voice_source: str) -> Any:
        """The engine, ready to speak; piper has one model per voice."""
        key = f"{engine} {voice_source}" if engine == "piper" else engine
        if key not in self._loaded:
            self._loaded[key] = _load(engine, voice_source)
        return self._loaded[key]

    def speak(self, asked: dict[str, Any]) -> tuple[Pcm, int]:
        """The text of a request as PCM and its rate in Hz."""
        engine, source = asked["engine"], asked["voice_source"]
        loaded = self.load(engine, source)
        result: tuple[Pcm, int]
        if engine == "piper":
            result = loaded.speak(asked["text"], asked["speed"])
        else:
            result = loaded.speak(asked["text"], source, asked["speed"])
        return result


def _load(engine: str, voice_source: str) -> Any:
    # Imported here, so that a worker for espeak-ng does not load 130 MB of onnxruntime.
    if engine == "piper":
        from services.speech.engine_piper import Piper  # noqa: PLC0415

        return Piper(voice_source)
    if engine == "kokoro":
        from services.speech.engine_kokoro import Kokoro  # noqa: PLC0415

        return Kokoro.beside(voice_source)
    from services.speech.engine_espeak import Espeak  # noqa: PLC0415

    return Espeak()


def answer(engines: Engines, asked: dict[str, Any]) -> bytes:
    """The frame that answers one request; an engine's exception becomes `error`."""
    try:
        if asked.get("load"):
            engines.load(asked["engine"], asked["voice_source"])
            return frames.pack({"ok": True})
        pcm, sample_rate = engines.speak(asked)
        if not pcm.size or np.abs(pcm).max() < INAUDIBLE:
            return frames.pack(
                {"ok": False, "nothing_to_speak": True, "error": "the engine found nothing to pronounce"}
            )
        audio = encode(pcm, sample_rate, asked["audio_format"])
        return frames.pack({"ok": True, "seconds": pcm.size / sample_rate}, audio)
    except Exception as error:  # noqa: BLE001 - whatever an engine raises is this text's answer; the worker goes on
        return frames.pack({"ok": False, "error": f"{type(error).__name__}: {error}"})


def run(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until the server closes the pipe."""
    engines = Engines()
    while (asked := frames.read(requests)) is not None:
        answers.write(answer(engines, asked))
        answers.flush()


def main(parent: int) -> None:
    """Answer the server with pid `parent` until it ends."""
    lifeline.die_with_parent()
    if lifeline.orphaned(parent):
        return
    # Ctrl-C reaches the whole process group, but the server decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Libraries print to stdout; only frames may reach the server.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    run(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main(int(sys.argv[1]))
