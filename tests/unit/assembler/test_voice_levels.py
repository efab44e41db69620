"""Voices of one episode are about equally loud."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from services.assembler.handlers import assemble_episode
from services.assembler.timeline import ChunkMeasurement
from services.assembler.timing import Timing
from services.assembler.voice_levels import gains_db, levelled
from shared.audio import chunk_audio
from shared.audio.loudness import block_energies, integrated_loudness
from shared.protocol.manifest import Manifest
from tests.unit.assembler.material import RATE, SENTENCES, Harness, manifest, spoken


def with_voices(*voices: str | None, **changed: Any) -> Manifest:
    made = manifest(SENTENCES[: len(voices)], chapters=1, **changed)
    chunks = tuple(replace(chunk, voice=voice) for chunk, voice in zip(made.chunks, voices, strict=True))
    return made.model_copy(update={"chunks": chunks})


def measured(*levels_db: float, blocks: int = 50) -> list[ChunkMeasurement]:
    return [ChunkMeasurement(blocks * RATE // 10, np.full(blocks, 10 ** (level / 10)), level) for level in levels_db]


def test_one_voice_is_left_as_it_is() -> None:
    measurements = measured(-20, -30)
    assert levelled(with_voices(None, None), measurements) == measurements


def test_a_softer_voice_is_brought_to_that_which_speaks_most() -> None:
    found = levelled(with_voices(None, "other", None), measured(-20, -26, -20))
    assert [each.gain_db for each in found] == [0, pytest.approx(6, abs=0.05), 0]
    assert found[1].true_peak_dbtp == pytest.approx(-20, abs=0.05)
    assert found[1].energies == pytest.approx(found[0].energies, rel=0.02)


@pytest.mark.parametrize(("level", "gain"), [(-21.5, 0), (-18.5, 0), (-40, 12), (-2, -12), (-1_000, 0)])
def test_small_differences_stay_and_large_ones_have_a_limit(level: float, gain: float) -> None:
    assert gains_db(with_voices(None, None, "other"), measured(-20, -20, level))[2] == gain


def test_a_word_is_too_short_to_have_a_loudness() -> None:
    measurements = [*measured(-20, -20), *measured(-30, blocks=5)]
    assert gains_db(with_voices(None, None, "other"), measurements) == [0, 0, 0]


async def test_two_voices_of_an_episode_are_equally_loud_in_the_file(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    made = with_voices(None, "soft", None, "soft", formats=("flac",))
    await harness.put(made)
    for chunk in made.chunks[1::2]:  # 12 dB softer
        await harness.store.put(chunk.audio_key, chunk_audio.encode(spoken(chunk.text) * np.float32(0.25), RATE))
    await assemble_episode(harness.request, store=harness.store, settings=harness.settings, publish=harness.publish)
    timing = Timing.model_validate_json(harness.path("timing.json").read_bytes())
    samples, _ = soundfile.read(harness.path("flac"), dtype="float32")
    loudness = [
        integrated_loudness(block_energies(samples[each.start : each.start + each.frames], RATE))
        for each in timing.timeline.chunks
    ]
    assert max(loudness) - min(loudness) < 4  # sentences of one voice differ as well
