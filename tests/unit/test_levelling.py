"""Chunks of different loudness become a stream of one loudness, with nothing lost."""

from __future__ import annotations

import numpy as np
import pytest

from shared.audio import chunk_audio
from shared.audio.levelling import MEMORY_BLOCKS, TARGET_LUFS, Levelling
from shared.audio.loudness import LoudnessMeter, Samples, block_samples, decibels, true_peak
from shared.errors import BadAudio

RATE = 24_000
CEILING_DBTP = -3.0


def chunk(seconds: float, amplitude: float, *, rate: int = RATE) -> bytes:
    time = np.arange(round(seconds * rate)) / rate
    syllables = np.clip(np.sin(2 * np.pi * 3 * time) + 0.4, 0, 1)
    return chunk_audio.encode((amplitude * syllables * np.sin(2 * np.pi * 300 * time)).astype(np.float32), rate)


def levelled(*chunks: tuple[bytes, int], ceiling_dbtp: float = CEILING_DBTP) -> Samples:
    levelling = Levelling(RATE, ceiling_dbtp=ceiling_dbtp)
    return np.concatenate([*(levelling.chunk(data, pause) for data, pause in chunks), levelling.finish()])


def loudness(samples: Samples) -> float:
    meter = LoudnessMeter(RATE)
    meter.push(samples)
    return meter.integrated()


def test_the_first_chunk_is_on_target_whatever_its_level() -> None:
    for amplitude in (0.02, 0.2, 0.9):
        assert loudness(levelled((chunk(5, amplitude), 0))) == pytest.approx(TARGET_LUFS, abs=0.3)


def test_chunks_of_a_voice_come_to_one_loudness() -> None:
    levels = [0.2, 0.25, 0.16, 0.22]
    whole = levelled(*((chunk(5, level), 0) for level in levels))
    parts = np.split(whole, len(levels))
    assert [loudness(part) for part in parts] == pytest.approx([TARGET_LUFS] * len(levels), abs=0.5)


def test_a_short_cry_stays_louder_than_what_was_said_before() -> None:
    whole = levelled((chunk(8, 0.1), 0), (chunk(0.5, 0.4), 0))
    assert loudness(whole[8 * RATE :]) > TARGET_LUFS + 2


def test_nothing_is_lost_and_pauses_are_where_they_belong() -> None:
    first, second = chunk(2, 0.3), chunk(1.5, 0.3)
    whole = levelled((first, 700), (second, 0))
    assert len(whole) == round((2 + 0.7 + 1.5) * RATE)
    assert not whole[2 * RATE + 200 : round(2.7 * RATE) - 200].any()


def test_no_peak_is_over_the_ceiling() -> None:
    clicks = np.zeros(4 * RATE, dtype=np.float32)
    clicks[:: RATE // 8] = 0.9
    clicks += np.frombuffer(np.random.default_rng(1).normal(0, 0.01, len(clicks)).astype(np.float32).data, np.float32)
    whole = levelled((chunk_audio.encode(clicks, RATE), 0))
    assert decibels(true_peak(whole, RATE)) <= CEILING_DBTP + 0.2


def test_the_same_chunks_give_the_same_samples() -> None:
    chunks = [(chunk(3, 0.1), 200), (chunk(1, 0.5), 0)]
    assert np.array_equal(levelled(*chunks), levelled(*chunks))


def test_a_silent_chunk_changes_no_level() -> None:
    silent = chunk_audio.encode(np.zeros(RATE, dtype=np.float32), RATE)
    assert np.isfinite(levelled((silent, 0), (chunk(5, 0.2), 0))).all()


def test_what_it_remembers_is_bounded() -> None:
    levelling = Levelling(RATE, ceiling_dbtp=CEILING_DBTP)
    data = chunk(10, 0.2)
    for _ in range(40):
        levelling.chunk(data, 0)
    blocks = sum(len(energies) for energies in levelling._recent)
    assert MEMORY_BLOCKS <= blocks <= MEMORY_BLOCKS + 10 * RATE // block_samples(RATE)


def test_a_chunk_of_another_rate_is_refused() -> None:
    with pytest.raises(BadAudio, match="16000 Hz"):
        levelled((chunk(1, 0.2, rate=16_000), 0))
