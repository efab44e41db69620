"""What a gateway does only a few of at a time, shared among its keys: one key cannot take all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from services.gateway.gateway_errors import ShareTaken
from shared.errors import Outage

_RETRY_SECONDS: Final = 5


def share_of(limit: int, share: float) -> int:
    """How many of `limit` one key may have: `share` of them, and one at least."""
    return max(1, int(limit * share))


class KeyShares:
    """Counts what is under way in this process, in all and for each key.

    Args:
        limit: how many there may be.
        share: the part of them that one key may have, 0 to 1.
        what: what is counted, for people: `uploads`.
        full: the error when there are as many as there may be.
    """

    def __init__(self, limit: int, *, share: float, what: str, full: Callable[[], Outage]) -> None:
        self._limit = limit
        self._per_key = share_of(limit, share)
        self._what = what
        self._full = full
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many are under way."""
        return self._taken.total()

    def take(self, key_id: str) -> Callable[[], None]:
        """Take one for a key; call the result to give it back, as often as you like.

        Raises:
            ShareTaken: the key has as many as it may.
            Outage: what `full` says: there is none left.
        """
        if self.taken >= self._limit:
            raise self._full()
        if self._taken[key_id] >= self._per_key:
            raise share_taken(self._per_key, self._limit, self._what)
        self._taken[key_id] += 1
        given_back = False

        def give_back() -> None:
            nonlocal given_back
            if not given_back:
                given_back = True
                self._taken[key_id] -= 1
                if not self._taken[key_id]:
                    del self._taken[key_id]

        return give_back


def share_taken(per_key: int, limit: int, what: str) -> ShareTaken:
    """The error of a key that has as many of something as it may."""
    return ShareTaken(
        f"This key has {per_key} of {limit} {what} under way, which is its share.",
        hint="Try again when one of them has ended.",
        retry_after_seconds=_RETRY_SECONDS,
    )
