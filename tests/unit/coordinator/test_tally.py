"""The bookkeeping of one kind of piece, whatever happens to it."""

from __future__ import annotations

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
    assert set(tally.finished()) == believed
    assert tally.done == sum(key in believed for key in keys)
    again = Tally(plan.chunks(made))
    again.restore(tally.checkpoint())
    assert (set(again.finished()), again.done) == (believed, tally.done)
