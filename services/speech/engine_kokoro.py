"""Kokoro-82M as int8: the best voice, at about the pace of speech on one core. Runs in a worker process only."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import kokoro_onnx
import numpy as np
import numpy.typing as npt
import onnxruntime
from kokoro_onnx.config import SAMPLE_RATE

from services.speech.catalogue import KOKORO_MODEL
from services.speech.encoding import Pcm

LANGUAGES = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-br",
    "z": "cmn",
}
"""First letter of a voice's name → espeak-ng's name for its language."""
_FULL_SCALE = 32_767


class Kokoro:
    """The loaded model; voices are 0.5 MB each and read when requested."""

    def __init__(self, model: Path, any_voice: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(model), sess_options=options, providers=["CPUExecutionProvider"])
        self._kokoro = kokoro_onnx.Kokoro.from_session(session, str(any_voice))

    @classmethod
    def beside(cls, voice_source: str) -> Self:
        """The model in the folder above the voice's own."""
        voice = Path(voice_source)
        return cls(voice.parent.parent / KOKORO_MODEL, voice)

    def speak(self, text: str, voice_source: str, speed: float) -> tuple[Pcm, int]:
        """`text` as mono PCM and its rate in Hz."""
        path = Path(voice_source)
        style: npt.NDArray[np.float32] = np.load(path)
        language = LANGUAGES.get(path.stem[:1], "en-us")
        # `[[` would start phonemes instead of words, and the words around a line break would be joined.
        spoken = " ".join(text.replace("[[", "[ [").split())
        phonemes = self._kokoro.tokenizer.phonemize(spoken, language)
        if not any(phoneme.isalpha() for phoneme in phonemes):
            return np.zeros(0, np.int16), SAMPLE_RATE
        wave, rate = self._kokoro.create(phonemes, style, speed, language, is_phonemes=True)
        return (np.clip(wave, -1.0, 1.0) * _FULL_SCALE).astype(np.int16), rate
