"""A chunk that an operator has corrected: the job asks for the corrected one, and for nothing else."""

from __future__ import annotations

import pytest

from services.coordinator import handlers
from shared.dead_letters.correcting import corrected, request_counts
from shared.errors import BadInput
from shared.protocol.manifest import Manifest, correction_key
from shared.protocol.messages import ChunkLost, ChunkRequested, ChunkSynthesized, EpisodeRequested
from shared.settings import Settings
from shared.store import job_manifest, keys
from tests.audio_keys import audio_key_of
from tests.manifests import manifest
from tests.unit.coordinator.harness import Harness

ORIGINAL = manifest("abc").chunk_request(1)


def edited(text: str, letter: ChunkRequested = ORIGINAL) -> ChunkRequested:
    return letter.model_copy(update={"text": text})


async def correct(harness: Harness, text: str = "B", letter: ChunkRequested = ORIGINAL) -> ChunkRequested:
    """What the replay of the second chunk's dead letter sends."""
    return await corrected(harness.store, letter, edited(text, letter))


async def speak(harness: Harness, request: ChunkRequested) -> None:
    await harness.store.put(request.audio_key, b"sound")
    message = ChunkSynthesized(
        job_id=request.job_id,
        index=request.index,
        audio_key=request.audio_key,
        audio_seconds=1.0,
        reused=False,
        seconds=0.1,
    )
    await handlers.chunk_synthesized(message, jobs=harness.jobs, publish=harness.publish)


async def replayed(harness: Harness, request: ChunkRequested) -> None:
    await harness.resume(sent_back_to="synthesizer", index=request.index, object_key=request.audio_key)


async def ends_well(harness: Harness) -> None:
    assert EpisodeRequested(job_id="job") in harness.published
    await harness.assembled()
    assert (await harness.status()).state == "completed"


async def test_a_corrected_chunk_has_a_key_of_its_own_and_completes_the_job(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    request = await correct(harness)
    assert request.text == "B"
    assert request.audio_key not in {audio_key_of("b"), audio_key_of("B")}
    assert not await harness.store.exists(audio_key_of("b")), "the original text has no audio"
    await replayed(harness, request)
    assert harness.requests() == [], "the letter itself asks for it"
    await speak(harness, request)
    await ends_well(harness)


async def test_another_job_with_the_original_paragraph_asks_for_that(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    request = await correct(harness)
    await replayed(harness, request)
    await speak(harness, request)
    await harness.submit("b", job_id="other")
    (asked,) = harness.wanted()
    assert (asked.text, asked.audio_key) == ("b", audio_key_of("b"))
    assert correction_key(edited("B", asked)) != request.audio_key, "nor do two jobs share a correction"


async def test_what_died_while_the_job_goes_on_is_corrected_without_failing_it(harness: Harness) -> None:
    await harness.submit("abc", max_parallel=3)
    requests = harness.wanted()
    await harness.dies(requests[1])
    request = await correct(harness)
    await replayed(harness, request)
    await harness.spoken(0, "a")
    await harness.spoken(2, "c")
    assert (await harness.status()).state == "synthesizing", "it waits for the corrected chunk"
    assert harness.requests() == []
    await speak(harness, request)
    await ends_well(harness)


async def test_a_replay_as_it_is_while_the_job_goes_on_does_not_fail_it_either(harness: Harness) -> None:
    await harness.submit("abc", max_parallel=3)
    requests = harness.wanted()
    await harness.dies(requests[1])
    await harness.resume(sent_back_to="synthesizer", index=1)
    await harness.spoken(0, "a")
    await harness.spoken(2, "c")
    assert (await harness.status()).state == "synthesizing"
    await harness.spoken(1, "b")
    await ends_well(harness)


async def test_audio_that_came_before_the_resume_is_found(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    request = await correct(harness)
    await speak(harness, request)  # the synthesizer was faster
    await replayed(harness, request)
    assert harness.requests() == []
    await ends_well(harness)


async def test_a_correction_whose_replay_was_killed_counts_when_the_job_is_retried(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    request = await correct(harness)  # and nothing was sent
    await harness.resume()
    assert harness.wanted() == [request]


async def test_a_stale_letter_is_no_request_for_the_corrected_chunk(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    request = await correct(harness)
    await replayed(harness, ORIGINAL)
    assert harness.wanted() == [request]


async def test_a_coordinator_that_takes_the_job_up_asks_for_the_corrected_chunk(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    request = await correct(harness)
    await replayed(harness, request)
    harness.restart()
    await harness.reconcile()
    assert harness.wanted() == [request]


async def test_a_checkpoint_of_before_the_correction_does_not_finish_it(harness: Harness) -> None:
    """The original was spoken after all, and then its dead letter was corrected."""
    await harness.submit("abc", max_parallel=3)
    requests = harness.wanted()
    await harness.dies(requests[1])
    for index, text in enumerate("abc"):
        await harness.spoken(index, text)
    assert (await harness.status()).state == "assembling"
    request = await correct(harness)
    harness.restart()
    await harness.reconcile()
    assert harness.wanted() == [request]


async def test_an_assembler_that_read_the_correction_first_has_it_requested(harness: Harness) -> None:
    """The replay was killed after it had recorded the correction."""
    await harness.submit("abc", max_parallel=3)
    requests = harness.wanted()
    await harness.dies(requests[1])
    for index, text in enumerate("abc"):
        await harness.spoken(index, text)
    harness.published.clear()
    request = await correct(harness)
    lost = ChunkLost(job_id="job", index=1, audio_key=request.audio_key, reason="is missing")
    await handlers.chunk_lost(lost, jobs=harness.jobs, publish=harness.publish, settings=Settings())
    assert (await harness.status()).state == "synthesizing"
    assert harness.wanted() == [request]
    await speak(harness, request)
    await ends_well(harness)


async def test_a_corrected_chunk_that_dies_can_be_corrected_again(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    first = await correct(harness)
    await replayed(harness, first)
    await harness.dies(first, reason="still mute")
    status = await harness.status()
    assert (status.state, status.failures[0].text) == ("failed", "B")
    second = await correct(harness, "Bee", letter=first)
    assert second.audio_key != first.audio_key
    await replayed(harness, second)
    await speak(harness, second)
    await ends_well(harness)
    counts = Manifest.model_validate_json(await job_manifest.read_bytes(harness.store, "job"))
    assert [chunk.text for chunk in counts.chunks] == ["a", "Bee", "c"]
    assert [each.audio_key for each in counts.corrections] == [second.audio_key]


async def test_the_same_correction_again_is_the_same(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    first = await correct(harness)
    written = await harness.store.get_versioned(keys.corrected_manifest("job"))
    assert await correct(harness) == first
    assert await harness.store.get_versioned(keys.corrected_manifest("job")) == written
    assert await correct(harness, "Bee") != first
    assert await correct(harness) == first, "the last one counts"
    assert Manifest.model_validate_json(written[0]).chunks[1].audio_key == first.audio_key


async def test_equal_chunks_are_corrected_together(harness: Harness) -> None:
    await harness.submit("abcb", max_parallel=3)
    await harness.dies(harness.wanted()[1])
    request = await correct(harness)
    await replayed(harness, request)
    counts = Manifest.model_validate_json(await job_manifest.read_bytes(harness.store, "job"))
    assert [chunk.text for chunk in counts.chunks] == ["a", "B", "c", "B"]
    for index, text in ((0, "a"), (2, "c")):
        await harness.spoken(index, text)
    await speak(harness, request)
    await ends_well(harness)


async def test_another_voice_or_speed_belongs_to_the_chunk_alone(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    request = await corrected(harness.store, ORIGINAL, ORIGINAL.model_copy(update={"voice": "joe", "speed": 0.8}))
    await harness.resume()
    assert harness.wanted() == [request]
    counts = Manifest.model_validate_json(await job_manifest.read_bytes(harness.store, "job"))
    assert [counts.chunk_request(index).voice for index in range(3)] == ["v", "joe", "v"]
    assert counts.chunk_request(1) == request


async def test_a_message_that_is_not_changed_is_sent_as_it_is(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    assert await correct(harness, "b") == ORIGINAL
    assert not await harness.store.exists(keys.corrected_manifest("job"))


@pytest.mark.parametrize(
    ("letter", "why"),
    [
        (ORIGINAL.model_copy(update={"job_id": "nobody"}), "there is no job"),
        (ORIGINAL.model_copy(update={"index": 7}), "has not asked"),
        (ORIGINAL.model_copy(update={"audio_key": audio_key_of("x")}), "has not asked"),
        (ORIGINAL.model_copy(update={"index": 0}), "has not asked"),
    ],
)
async def test_a_letter_of_no_job_or_that_no_job_has_sent_is_not_corrected(
    harness: Harness, letter: ChunkRequested, why: str
) -> None:
    await harness.fails_for_its_second_chunk()
    with pytest.raises(BadInput, match=why):
        await corrected(harness.store, letter, edited("B", letter))
    assert not await harness.store.exists(keys.corrected_manifest("job"))


async def test_a_completed_job_is_not_corrected(harness: Harness) -> None:
    await harness.submit("abc", max_parallel=3)
    for index, text in enumerate("abc"):
        await harness.spoken(index, text)
    await harness.assembled()
    with pytest.raises(BadInput, match="has its episode"):
        await correct(harness)


async def test_an_edited_request_of_a_job_that_is_known_would_change_nothing_and_is_refused(harness: Harness) -> None:
    await harness.submit("a")
    known = manifest("a", max_parallel=2).request
    await request_counts(harness.store, known)
    with pytest.raises(BadInput, match="first request counts"):
        await request_counts(harness.store, known.model_copy(update={"speed": 2.0}))
    await request_counts(harness.store, known.model_copy(update={"job_id": "new"}))


def test_a_chunk_that_is_corrected_to_another_voice_tells_it() -> None:
    made = manifest("abc")
    request = edited("B").model_copy(update={"voice": "eva", "language": "de", "model": made.model})
    request = request.model_copy(update={"audio_key": correction_key(request)})
    after = made.corrected(request)
    assert (after.chunks[1].voice, after.chunks[1].language, after.chunks[1].model) == ("eva", "de", None)
    assert after.chunk_request(1) == request
    assert Manifest.model_validate_json(after.model_dump_json()) == after
