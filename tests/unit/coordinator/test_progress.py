"""The bookkeeping of a job's chunks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.coordinator.progress import Progress
from tests.audio_keys import audio_key_of
from tests.unit.coordinator.manifests import manifest


def keys(progress: Progress) -> list[str]:
    return [chunk.audio_key for chunk in progress.take()]


def test_chunks_are_requested_in_order_and_no_more_than_allowed() -> None:
    progress = Progress(manifest("abcdef", max_parallel=2))
    assert keys(progress) == [audio_key_of("a"), audio_key_of("b")]
    assert keys(progress) == []
    progress.finish(audio_key_of("b"))
    assert keys(progress) == [audio_key_of("c")]


def test_equal_chunks_are_spoken_once_and_counted_each() -> None:
    progress = Progress(manifest("abab"))
    assert keys(progress) == [audio_key_of("a"), audio_key_of("b")]
    progress.finish(audio_key_of("a"))
    progress.finish(audio_key_of("b"))
    assert progress.complete
    assert progress.counts.done == 4


def test_what_is_in_the_store_is_not_requested() -> None:
    progress = Progress(manifest("abc"), done=[audio_key_of("b")])
    assert keys(progress) == [audio_key_of("a"), audio_key_of("c")]


def test_hearing_of_a_chunk_twice_changes_nothing() -> None:
    progress = Progress(manifest("ab", max_parallel=1))
    keys(progress)
    assert progress.finish(audio_key_of("a"))
    assert not progress.finish(audio_key_of("a"))
    assert keys(progress) == [audio_key_of("b")]


def test_news_of_a_chunk_of_another_job_is_not_counted() -> None:
    progress = Progress(manifest("ab"))
    assert not progress.finish(audio_key_of("z"))
    assert not progress.fail(audio_key_of("z"), "no")


def test_the_rest_of_a_job_with_a_failed_chunk_still_finishes() -> None:
    progress = Progress(manifest("abc", max_parallel=1))
    keys(progress)
    progress.finish(audio_key_of("a"))
    keys(progress)
    progress.fail(audio_key_of("b"), "it is mute")
    assert keys(progress) == [audio_key_of("c")]
    assert not progress.settled
    progress.finish(audio_key_of("c"))
    assert progress.settled
    assert not progress.complete
    assert [(failure.index, failure.reason) for failure in progress.failures] == [(1, "it is mute")]


def test_a_job_whose_first_chunks_all_fail_is_given_up() -> None:
    progress = Progress(manifest("abcdefgh", max_parallel=3))
    for key in keys(progress):
        progress.fail(key, "no such voice")
    assert progress.settled
    assert keys(progress) == []
    assert progress.counts.failed == 3


def test_a_replayed_chunk_completes_a_failed_job() -> None:
    first = Progress(manifest("ab"))
    keys(first)
    first.finish(audio_key_of("a"))
    first.fail(audio_key_of("b"), "it is mute")
    again = Progress(manifest("ab"), done=[audio_key_of("a")], failed=first.failures)
    assert again.settled
    again.finish(audio_key_of("b"))
    assert again.complete
    assert again.failures == ()


@given(st.data())
def test_every_order_of_news_ends_with_every_chunk_settled_once(data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=30))
    limit = data.draw(st.integers(1, 6))
    progress = Progress(manifest(texts, max_parallel=limit))
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
    assert progress.complete
    assert sorted(requested) == sorted({audio_key_of(text) for text in texts})
    assert progress.counts.done == len(texts)
