"""How many answers with speech a gateway sends at a time, and how many of them to one key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.gateway import metrics
from services.gateway.gateway_errors import SpeechStreamsFull
from services.gateway.key_shares import KeyShares

_RETRY_SECONDS: Final = 5


class StreamSlots:
    """How many answers with speech this gateway sends at a time.

    Args:
        limit: how many.
        share: the part of them that one key may have, 0 to 1.
        what: `streams` or `samples`.
    """

    def __init__(self, limit: int, *, share: float, what: str) -> None:
        self._gauge = metrics.SPEECH.labels(what)

        def full() -> SpeechStreamsFull:
            return SpeechStreamsFull(
                f"This gateway sends {limit} {what} at a time.",
                hint="Try again in a moment.",
                retry_after_seconds=_RETRY_SECONDS,
            )

        self._shares = KeyShares(limit, share=share, what=what, full=full)

    def take(self, key_id: str) -> Callable[[], None]:
        """Take one for a key; call the result to give it back, as often as you like.

        Raises:
            ShareTaken: the key has as many as it may.
            SpeechStreamsFull: there is none left.
        """
        take_back = self._shares.take(key_id)
        self._gauge.set(self._shares.taken)

        def give_back() -> None:
            take_back()
            self._gauge.set(self._shares.taken)

        return give_back
