"""When a failed request is sent again, and after which pause: pure decisions, made for both clients."""

from __future__ import annotations

import random
import time

from podcast_client.configuration import Retries
from podcast_client.errors import ApiError, ClientError, RateLimited, TooSlow, Unavailable, Unreachable


class Attempts:
    """The attempts of one call.

    Args:
        retries: the limits.
        total_seconds: for all attempts and pauses together.
        is_repeatable: whether sending the request twice does no more than sending it once.
    """

    def __init__(self, retries: Retries, *, total_seconds: float, is_repeatable: bool) -> None:
        self._retries = retries
        self._end = time.monotonic() + total_seconds
        self._is_repeatable = is_repeatable
        self._failed = 0

    @property
    def left_seconds(self) -> float:
        """What is left of the call's time."""
        return max(self._end - time.monotonic(), 0.0)

    def pause_after(self, error: ClientError) -> float:
        """How many seconds to wait before the next attempt.

        Raises:
            ClientError: the given one, if there is no next attempt.
        """
        self._failed += 1
        pause = backoff(self._retries, self._failed)
        if isinstance(error, ApiError) and error.retry_after is not None:
            pause = max(error.retry_after, pause)
        if self._failed >= self._retries.attempts or not self._may_repeat(error) or pause >= self.left_seconds:
            raise error
        return pause

    def _may_repeat(self, error: ClientError) -> bool:
        match error:
            case RateLimited():
                return True  # the server has not looked at the request
            case Unreachable():
                return self._is_repeatable or not error.was_sent
            case Unavailable() | TooSlow():
                return self._is_repeatable
            case _:
                return False


class Outage:
    """How long a stream that broke is opened again, without anything new from the server.

    Args:
        retries: the limits.
    """

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._began: float | None = None
        self._failed = 0

    def is_over(self) -> None:
        """Something new has arrived."""
        self._began, self._failed = None, 0

    def is_partial(self) -> None:
        """The server answers, but there is nothing new: it may go on like this, with long pauses."""
        self._began = None

    @property
    def is_lasting(self) -> bool:
        """Whether exactly one attempt has failed since the last arrival: a second failure is worth a word."""
        return self._failed == 1

    def pause_after(self, error: ClientError) -> float:
        """How many seconds to wait before the stream is opened again.

        Raises:
            ClientError: the given one, if it does not pass by itself, or has lasted too long.
        """
        if not isinstance(error, Unreachable | TooSlow | Unavailable | RateLimited):
            raise error
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        if now - self._began > self._retries.outage:
            raise error
        self._failed += 1
        pause = backoff(self._retries, self._failed)
        asked = error.retry_after if isinstance(error, ApiError) else None
        return max(pause, min(asked or 0.0, self._retries.outage))


def backoff(retries: Retries, failed: int) -> float:
    """The pause after this many failures: it doubles, and chance shortens it so that clients do not come together."""
    longest = min(retries.first_pause * 2.0 ** min(failed - 1, 30), retries.longest_pause)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
