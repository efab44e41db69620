"""How many requests each key has made in the present minute, and the headers that say so.

The counts are those of this process: a stateless gateway shares none. They protect a gateway from one client; they are
no accounting.
"""

from __future__ import annotations

import math
import time
from typing import Final

from fastapi import Request

from services.gateway.gateway_errors import RateLimited

_WINDOW_SECONDS: Final = 60.0
_WINDOWS_LIMIT: Final = 10_000
"""From this number of keys on, those that have not been used for a while are forgotten."""


class RateWindows:
    """A window of a minute for each key."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[float, int]] = {}

    def count(self, key_id: str, requests_per_minute: int, request: Request) -> None:
        """Count a request, and note what its response says about the limit.

        Raises:
            RateLimited: the key has used up its requests.
        """
        now = time.monotonic()
        began, count = self._windows.get(key_id, (now, 0))
        if now - began >= _WINDOW_SECONDS:
            began, count = now, 0
        if key_id not in self._windows and len(self._windows) >= _WINDOWS_LIMIT:
            self._windows = {k: window for k, window in self._windows.items() if now - window[0] < _WINDOW_SECONDS}
        is_over = count >= requests_per_minute
        self._windows[key_id] = (began, count if is_over else count + 1)
        left_seconds = max(1, math.ceil(began + _WINDOW_SECONDS - now))
        remaining = max(0, requests_per_minute - count - 1)
        # draft-ietf-httpapi-ratelimit-headers-10: the policy (quota, window), and what is left of it (for how long).
        request.state.rate_limit = {
            "RateLimit-Policy": f'"key";q={requests_per_minute};w={_WINDOW_SECONDS:.0f}',
            "RateLimit": f'"key";r={remaining};t={left_seconds}',
        }
        if is_over:
            raise RateLimited(
                f"This key is limited to {requests_per_minute} requests per minute.",
                hint=f"Try again in {left_seconds} s.",
                retry_after_seconds=left_seconds,
            )
