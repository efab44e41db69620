"""The proof of completeness: it accepts what our encoders do, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from services.assembler.failures import EpisodeIncomplete
from services.assembler.timeline import ChunkMeasurement, Timeline, plan, whole_energies
from services.assembler.verification import Decoded, prove_complete
from shared.audio.loudness import Energies, Samples, block_energies
from tests.unit.assembler.material import RATE, SENTENCES, manifest, spoken

BLOCK = RATE // 10


def _sounds() -> list[Samples]:
    sounds = [spoken(text) for text in SENTENCES]
    return [np.pad(sound, (0, -len(sound) % BLOCK)) for sound in sounds]


def _planned() -> tuple[Timeline, Energies]:
    measurements = [ChunkMeasurement(len(sound), block_energies(sound, RATE)) for sound in _sounds()]
    timeline = plan(manifest(SENTENCES), [each.frames for each in measurements], RATE)
    return timeline, whole_energies(timeline, measurements)


def _joined(timeline: Timeline, order: list[int | None]) -> Decoded:
    """What would be decoded if the chunks' audio were in this `order` (None: silence)."""
    whole = np.zeros(timeline.frames + 60 * RATE, dtype=np.float32)
    sounds = _sounds()
    position = timeline.lead_in
    for timed, which in zip(timeline.chunks, order, strict=False):
        sound = np.zeros(timed.frames, dtype=np.float32) if which is None else sounds[which]
        whole[position : position + len(sound)] = sound
        position += len(sound) + timed.pause
    energies = block_energies(whole[:position], RATE)
    return Decoded(seconds=position / RATE, loudness_lufs=-19, true_peak_dbtp=-3, energies=energies)


def _prove(decoded: Decoded) -> None:
    timeline, sent = _planned()
    prove_complete(timeline, sent, decoded, padding_seconds=0.1)


def test_every_chunk_in_its_place_passes() -> None:
    timeline, _ = _planned()
    _prove(_joined(timeline, list(range(8))))


@pytest.mark.parametrize("chunk", range(8))
def test_a_chunk_replaced_by_silence_is_found(chunk: int) -> None:
    timeline, _ = _planned()
    order: list[int | None] = list(range(8))
    order[chunk] = None
    with pytest.raises(EpisodeIncomplete, match=f"Chunk {chunk} is not at"):
        _prove(_joined(timeline, order))


def test_two_chunks_that_changed_places_are_found_although_the_length_is_right() -> None:
    timeline, _ = _planned()
    decoded = _joined(timeline, [1, 0, *range(2, 8)])
    assert decoded.seconds == pytest.approx(timeline.frames / RATE)
    with pytest.raises(EpisodeIncomplete, match="Chunk 0"):
        _prove(decoded)


def test_a_chunk_said_twice_in_place_of_another_is_found() -> None:
    timeline, _ = _planned()
    with pytest.raises(EpisodeIncomplete):
        _prove(_joined(timeline, [0, 1, 2, 3, 4, 5, 5, 7]))


def test_an_episode_that_ends_early_or_late_is_found() -> None:
    timeline, _ = _planned()
    whole = _joined(timeline, list(range(8)))
    for seconds in (whole.seconds - 0.01, whole.seconds + 0.2):
        with pytest.raises(EpisodeIncomplete, match="s long instead of"):
            _prove(Decoded(seconds, whole.loudness_lufs, whole.true_peak_dbtp, whole.energies))
