"""piper: neural voices as ONNX files. GPL-3, so only the worker process imports it, and is reached over pipes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
from piper import PiperVoice
from piper.config import PiperConfig, SynthesisConfig

from services.speech.encoding import Pcm

SENTENCE_PAUSE_SECONDS = 0.25
"""Between the sentences of one text, at speed 1: piper itself leaves about 0.1 s, which sounds breathless."""
_FULL_SCALE = 32_767


class Piper:
    """One loaded voice."""

    def __init__(self, model: str) -> None:
        options = onnxruntime.SessionOptions()
        # A worker is meant to use one core: parallel texts need more workers.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # The memory arena stays on: a worker then keeps the peak memory of its longest sentence (570 MB for 350
        # characters, 290 for 116), but without it the peak is even higher, and page faults make synthesis a quarter
        # slower. The higher optimisation levels cost 0.8 s at start and have no measurable benefit.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        session = onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])
        config = PiperConfig.from_dict(json.loads(Path(f"{model}.json").read_text(encoding="utf-8")))
        self._voice = PiperVoice(session=session, config=config)

    def speak(self, text: str, speed: float) -> tuple[Pcm, int]:
        """`text` as mono PCM and its rate in Hz; empty when there is nothing to pronounce."""
        rate = self._voice.config.sample_rate
        pause = np.zeros(round(SENTENCE_PAUSE_SECONDS / speed * rate), np.float32)
        # normalize_audio would scale every sentence to the same peak, so loudness would jump between sentences.
        config = SynthesisConfig(length_scale=self._voice.config.length_scale / speed, normalize_audio=False)
        parts: list[np.ndarray] = []
        # `[[` would start phonemes instead of words.
        for sentence in self._voice.synthesize(text.replace("[[", "[ ["), config):
            parts += [pause, sentence.audio_float_array]
        if not parts:
            return np.zeros(0, np.int16), rate
        wave = np.concatenate(parts[1:]).clip(-1.0, 1.0) * _FULL_SCALE
        return wave.astype(np.int16), rate
