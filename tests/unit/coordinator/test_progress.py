"""The bookkeeping of a job's chunks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.coordinator import plan
from services.coordinator.progress import Progress
from shared.protocol.messages import ChunkRequested
from tests.audio_keys import audio_key_of
from tests.manifests import manifest


def progress_of(texts: Sequence[str], *, max_parallel: int = 5, **earlier: Any) -> Progress:
    made = manifest(texts, max_parallel=max_parallel)
    return Progress(made, plan.of(made), **earlier)


def keys(progress: Progress) -> list[str]:
    """The keys of the chunks to be requested now."""
    return [request.audio_key for request in progress.take() if isinstance(request, ChunkRequested)]


def fail(progress: Progress, key: str, reason: str) -> bool:
    """Report that the request for this chunk became a dead letter."""
    tally = progress.tallies[plan.CHUNK]
    index = tally.index_of(key)
    request = a_strangers_request(key) if index is None else tally.kind.request(index)
    return progress.fail("synthesizer", request, reason)


def a_strangers_request(key: str) -> ChunkRequested:
    fields = {"job_id": "job", "index": 0, "text": "…", "language": "en", "voice": "v", "model": "m", "speed": 1.0}
    return ChunkRequested(**fields, audio_key=key)


def chunks_are_finished(progress: Progress) -> bool:
    return progress.tallies[plan.CHUNK].complete


def test_chunks_are_requested_in_order_and_no_more_than_allowed() -> None:
    progress = progress_of("abcdef", max_parallel=2)
    assert keys(progress) == [audio_key_of("a"), audio_key_of("b")]
    assert keys(progress) == []
    progress.finish(audio_key_of("b"))
    assert keys(progress) == [audio_key_of("c")]


def test_equal_chunks_are_spoken_once_and_counted_each() -> None:
    progress = progress_of("abab")
    assert keys(progress) == [audio_key_of("a"), audio_key_of("b")]
    progress.finish(audio_key_of("a"))
    progress.finish(audio_key_of("b"))
    assert chunks_are_finished(progress)
    assert progress.counts.done == 4


def test_what_is_in_the_store_is_not_requested() -> None:
    earlier = progress_of("abc")
    earlier.finish(audio_key_of("b"))
    progress = progress_of("abc", checkpoints=earlier.checkpoints)
    assert keys(progress) == [audio_key_of("a"), audio_key_of("c")]


def test_hearing_of_a_chunk_twice_changes_nothing() -> None:
    progress = progress_of("ab", max_parallel=1)
    keys(progress)
    assert progress.finish(audio_key_of("a"))
    assert not progress.finish(audio_key_of("a"))
    assert keys(progress) == [audio_key_of("b")]


def test_news_of_a_chunk_of_another_job_is_not_counted() -> None:
    progress = progress_of("ab")
    assert not progress.finish(audio_key_of("z"))
    assert not fail(progress, audio_key_of("z"), "no")


def test_the_rest_of_a_job_with_a_failed_chunk_still_finishes() -> None:
    progress = progress_of("abc", max_parallel=1)
    keys(progress)
    progress.finish(audio_key_of("a"))
    keys(progress)
    fail(progress, audio_key_of("b"), "it is mute")
    assert keys(progress) == [audio_key_of("c")]
    assert not progress.tallies[plan.CHUNK].settled
    progress.finish(audio_key_of("c"))
    assert progress.tallies[plan.CHUNK].settled
    assert not chunks_are_finished(progress)
    assert [(failure.index, failure.reason) for failure in progress.failures] == [(1, "it is mute")]


def test_a_job_whose_first_chunks_all_fail_is_given_up() -> None:
    progress = progress_of("abcdefgh", max_parallel=3)
    for key in keys(progress):
        fail(progress, key, "no such voice")
    assert progress.tallies[plan.CHUNK].settled
    assert keys(progress) == []
    assert progress.counts.failed == 3


def test_a_replayed_chunk_completes_a_failed_job() -> None:
    first = progress_of("ab")
    keys(first)
    first.finish(audio_key_of("a"))
    fail(first, audio_key_of("b"), "it is mute")
    again = progress_of("ab", checkpoints=first.checkpoints, failed=first.failures)
    assert again.tallies[plan.CHUNK].settled
    again.finish(audio_key_of("b"))
    assert chunks_are_finished(again)
    assert again.failures == ()


@given(st.data())
def test_every_order_of_news_ends_with_every_chunk_settled_once(data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=30))
    limit = data.draw(st.integers(1, 6))
    progress = progress_of(texts, max_parallel=limit)
    requested: list[str] = []
    flying: list[str] = []
    while True:
        taken = keys(progress)
        requested += taken
        flying += taken
        assert len(flying) <= limit
        if not flying:
            break
        progress.finish(flying.pop(data.draw(st.integers(0, len(flying) - 1))))
    assert chunks_are_finished(progress)
    assert sorted(requested) == sorted({audio_key_of(text) for text in texts})
    assert progress.counts.done == len(texts)
