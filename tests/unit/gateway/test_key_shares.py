"""One key cannot take all of what a gateway does at a time."""

from __future__ import annotations

import pytest

from services.gateway.gateway_errors import ShareTaken, SpeechStreamsFull
from services.gateway.key_shares import KeyShares, share_of


def shares(limit: int, share: float = 0.5) -> KeyShares:
    return KeyShares(limit, share=share, what="things", full=lambda: SpeechStreamsFull("There are no more."))


def test_one_key_takes_its_share_and_another_still_gets_through() -> None:
    things = shares(4)
    back = [things.take("greedy") for _ in range(2)]
    with pytest.raises(ShareTaken, match="2 of 4 things"):
        things.take("greedy")
    things.take("other")
    things.take("third")
    with pytest.raises(SpeechStreamsFull):
        things.take("fourth")
    back[0]()
    back[0]()  # once more has no effect
    assert things.taken == 3
    things.take("greedy")
    with pytest.raises(SpeechStreamsFull):
        things.take("greedy")


@pytest.mark.parametrize(
    ("limit", "share", "expected"), [(16, 0.5, 8), (1, 0.5, 1), (3, 0.5, 1), (16, 0.01, 1), (5, 1.0, 5)]
)
def test_a_share_is_at_least_one(limit: int, share: float, expected: int) -> None:
    assert share_of(limit, share) == expected
