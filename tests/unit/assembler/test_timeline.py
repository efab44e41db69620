"""The plan: everything on one grid, nothing overlaps, and the loudness of the whole is known beforehand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.assembler.timeline import ChunkMeasurement, by_chapter, gain_db, plan, whole_energies
from shared.audio import chunk_audio
from shared.audio.joining.placement import LEAD_IN_BLOCKS, LEAD_OUT_BLOCKS, pause_blocks
from shared.audio.loudness import block_energies, block_samples, integrated_loudness
from shared.errors import Permanent
from shared.protocol.manifest import Chapter, Manifest, PauseClass
from shared.protocol.messages import PauseLengths
from tests.unit.assembler.material import RATE, SENTENCES, manifest, spoken

PAUSES: list[PauseClass] = ["none", "sentence", "paragraph", "heading", "chapter"]


@settings(max_examples=60, deadline=None)
@given(
    blocks=st.lists(st.integers(1, 400), min_size=1, max_size=60),
    kinds=st.lists(st.sampled_from(PAUSES), min_size=60, max_size=60),
    lengths=st.lists(st.integers(0, 10_000), min_size=4, max_size=4),
    rate=st.sampled_from([16_000, 22_050, 24_000, 44_100, 48_000]),
    chapters=st.integers(1, 9),
)
def test_chunks_and_pauses_fill_the_episode_without_gap_or_overlap(
    blocks: list[int], kinds: list[PauseClass], lengths: list[int], rate: int, chapters: int
) -> None:
    base = manifest([f"Chunk {n}." for n in range(len(blocks))], chapters=min(chapters, len(blocks)))
    sentence, paragraph, heading, chapter = lengths
    job = base.model_copy(
        update={
            "pauses": PauseLengths(sentence=sentence, paragraph=paragraph, heading=heading, chapter=chapter),
            "chunks": tuple(replace(chunk, pause_after=kind) for chunk, kind in zip(base.chunks, kinds, strict=False)),
        }
    )
    block = rate // 10

    timeline = plan(job, [n * block for n in blocks], rate)

    position = timeline.lead_in
    for chunk, timed, count in zip(job.chunks, timeline.chunks, blocks, strict=True):
        assert timed.start == position
        assert timed.start % block == timed.pause % block == 0
        assert timed.frames == count * block
        if chunk is not job.chunks[-1]:
            pause_ms = max(100, job.pause_ms(chunk))
            assert abs(timed.pause / rate * 1_000 - pause_ms) <= 50.01
        position += timed.frames + timed.pause
    assert position == timeline.frames
    assert timeline.lead_in == LEAD_IN_BLOCKS * block
    assert timeline.chunks[-1].pause == LEAD_OUT_BLOCKS * block

    assert timeline.chapters[0].start == 0
    assert timeline.chapters[-1].end == timeline.frames
    for one, following in zip(timeline.chapters, timeline.chapters[1:], strict=False):
        assert one.start < one.end == following.start
    assert {c.start for c in timeline.chapters[1:]} <= {c.start for c in timeline.chunks}
    energies = whole_energies(timeline, [ChunkMeasurement(n * block, np.ones(n)) for n in blocks])
    assert len(energies) * block == timeline.frames
    assert energies.sum() == sum(blocks)


@given(st.lists(st.integers(1, 90), min_size=1, max_size=30), st.integers(1, 9))
def test_chapters_alone_have_every_chunk_once_with_the_silence_of_an_episode_around_them(
    blocks: list[int], chapters: int
) -> None:
    block = block_samples(RATE)
    job = manifest([f"{n} {blocks[n]}" for n in range(len(blocks))], chapters=min(chapters, len(blocks)))
    whole = plan(job, [n * block for n in blocks], RATE)

    parts = by_chapter(whole)

    assert [part.chapters[0].title for part in parts] == [chapter.title for chapter in whole.chapters]
    assert [chunk.index for part in parts for chunk in part.chunks] == list(range(len(blocks)))
    for part, chapter in zip(parts, whole.chapters, strict=True):
        first, last = part.chunks[0], part.chunks[-1]
        assert first.start == LEAD_IN_BLOCKS * block
        assert last.start + last.frames + LEAD_OUT_BLOCKS * block == part.frames == part.chapters[0].end
        shift = whole.chunks[first.index].start - first.start
        assert all(whole.chunks[chunk.index].start - chunk.start == shift for chunk in part.chunks)
        assert chapter.start <= whole.chunks[first.index].start < chapter.end


def _parts(job: Manifest) -> tuple[list[ChunkMeasurement], list[np.ndarray]]:
    measurements, sounds = [], []
    for chunk in job.chunks:
        data = chunk_audio.encode(spoken(chunk.text), RATE)
        measurement = chunk_audio.read_measurement(data)
        measurements.append(ChunkMeasurement(measurement.frames, np.array(measurement.energies)))
        sounds.append(chunk_audio.decode(data)[0])
    return measurements, sounds


def test_the_loudness_predicted_from_the_parts_is_that_of_the_joined_sound() -> None:
    job = manifest(SENTENCES)
    measurements, sounds = _parts(job)
    timeline = plan(job, [each.frames for each in measurements], RATE)
    whole = np.zeros(timeline.frames, dtype=np.float32)
    for timed, sound in zip(timeline.chunks, sounds, strict=True):
        whole[timed.start : timed.start + timed.frames] = sound

    predicted = integrated_loudness(whole_energies(timeline, measurements))

    assert predicted == pytest.approx(integrated_loudness(block_energies(whole, RATE)), abs=0.02)
    assert gain_db(whole_energies(timeline, measurements), "mono") == pytest.approx(-19 - predicted)
    assert gain_db(whole_energies(timeline, measurements), "stereo") == pytest.approx(-16 - predicted - 3.01, abs=0.01)


def test_silence_alone_is_refused() -> None:
    with pytest.raises(Permanent, match="no sound"):
        gain_db(np.zeros(100), "mono")


@pytest.mark.parametrize(("milliseconds", "blocks"), [(0, 1), (49, 1), (50, 1), (350, 4), (450, 5), (1_800, 18)])
def test_pauses_are_rounded_to_100_ms_halves_up_and_never_shorter(milliseconds: int, blocks: int) -> None:
    assert pause_blocks(milliseconds) == blocks


def test_chapters_that_begin_together_are_one_with_both_titles() -> None:
    job = manifest(["One.", "Two.", "Three."], chapters=1)
    chapters = tuple(Chapter(title=title, level=1, first_chunk=at) for title, at in [("I", 0), ("A", 0), ("B", 2)])
    block = RATE // 10

    timeline = plan(job.model_copy(update={"chapters": chapters}), [block] * 3, RATE)

    assert [chapter.title for chapter in timeline.chapters] == ["I: A", "B"]
