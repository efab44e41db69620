"""The bookkeeping of one kind of piece, whatever happens to it."""

from __future__ import annotations

from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from services.coordinator import plan
from services.coordinator.tally import Tally
from tests.manifests import manifest


@given(st.lists(st.sampled_from("abcdefghijkl"), min_size=1, max_size=40), st.data())
def test_a_checkpoint_says_what_is_finished_after_any_history(texts: list[str], data: st.DataObject) -> None:
    made = manifest(texts)
    tally = Tally(plan.chunks(made))
    keys = [chunk.audio_key for chunk in made.chunks]
    believed: set[str] = set()
    for _ in range(data.draw(st.integers(0, 30))):
        key = data.draw(st.sampled_from(keys))
        match data.draw(st.sampled_from(["finish", "lose", "fail", "take", "ask again"])):
            case "finish":
                assert tally.finish(key) == (key not in believed)
                believed.add(key)
            case "lose":
                assert tally.lose(key) == (key in believed)
                believed.discard(key)
            case "fail":
                assert tally.fail(key, "it is mute") == (key not in believed)
            case "take":
                taken = [keys[index] for index in tally.take()]
                assert not believed & set(taken)
                assert len(tally.in_flight) <= tally.kind.parallel
            case _:
                tally.ask_again()
        if data.draw(st.booleans()):  # it is not looked at after each change
            assert tally.frontier == without_a_gap(keys, believed)
    assert set(tally.finished()) == believed
    assert tally.done == sum(key in believed for key in keys)
    again = Tally(plan.chunks(made))
    again.restore(tally.checkpoint())
    assert (set(again.finished()), again.done) == (believed, tally.done)
    assert tally.frontier == again.frontier == without_a_gap(keys, believed)


def without_a_gap(keys: list[str], believed: set[str]) -> int:
    """How many pieces from the first one on are finished."""
    return len(list(takewhile(believed.__contains__, keys)))


def test_the_frontier_counts_equal_pieces_and_goes_back_when_one_is_lost() -> None:
    made = manifest("abacad")
    a, b, c, d = (made.chunks[index].audio_key for index in (0, 1, 3, 5))
    tally = Tally(plan.chunks(made))
    tally.finish(b)
    assert tally.frontier == 0
    tally.finish(a)
    assert tally.frontier == 3, "a, b and a again"
    tally.finish(c)
    assert tally.frontier == 5
    tally.lose(b)
    assert tally.frontier == 1
    tally.finish(d)
    tally.finish(b)
    assert tally.frontier == 6


def test_the_frontier_of_a_book_is_found_by_looking_at_each_piece_once() -> None:
    made = manifest([f"{number}" for number in range(20_000)])
    tally = Tally(plan.chunks(made))
    looks = 0
    is_finished = tally.is_finished

    def counted(key: str) -> bool:
        nonlocal looks
        looks += 1
        return is_finished(key)

    tally.is_finished = counted  # type: ignore[method-assign] # to count its calls
    for number, chunk in enumerate(made.chunks, 1):
        tally.finish(chunk.audio_key)
        assert tally.frontier == number
    assert looks < 2 * len(made.chunks)
