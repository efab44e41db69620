"""Bounds what can be sent to an address that a job names for itself.

Whoever may submit a job may name anybody's address, and nothing proves that it is theirs. So a host gets only so many
of these a minute, whoever names it, and an address that has answered 410 gets no more of them for a day. Endpoints are
not limited: only an operator registers one. Each process has its own counts and forgets them when it ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from services.webhooks.sending import EndpointGone
from shared.host_turns import HostBusy

_WINDOW_SECONDS: Final = 60.0
_GONE_SECONDS: Final = 86_400.0
_REMEMBERED: Final = 10_000
"""Hosts, and addresses, that are remembered at a time; the oldest are forgotten first."""


class OwnWebhookLimits:
    """The hosts and addresses that jobs' own webhooks were sent to lately.

    Args:
        per_minute: how many a host gets a minute.
        clock: monotonic seconds.
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}
        self._gone: dict[str, float] = {}

    def check(self, url: str) -> None:
        """Count one that is about to be sent.

        Raises:
            EndpointGone: the address wants none.
            HostBusy: its host has had enough for now; the message waits, and the attempt does not count.
        """
        now = self._clock()
        if now - self._gone.get(url, -_GONE_SECONDS) < _GONE_SECONDS:
            raise EndpointGone(
                f"{urlsplit(url).hostname} answered an earlier webhook with 410.",
                hint="For a day it gets no more of those that jobs name themselves.",
            )
        host = urlsplit(url).hostname or ""
        began, count = self._windows.pop(host, (now, 0))
        if now - began >= _WINDOW_SECONDS:
            began, count = now, 0
        is_over = count >= self._per_minute
        self._windows[host] = (began, count if is_over else count + 1)  # now the youngest
        _forget(self._windows)
        if is_over:
            raise HostBusy(
                f"{host} gets at most {self._per_minute} webhooks of jobs a minute.",
                hint="An endpoint that an operator has registered is not limited.",
                retry_after_seconds=began + _WINDOW_SECONDS - now,
            )

    def gone(self, url: str) -> None:
        """Note that an address has answered 410."""
        self._gone.pop(url, None)
        self._gone[url] = self._clock()
        _forget(self._gone)


def _forget(remembered: dict[str, tuple[float, int]] | dict[str, float]) -> None:
    if len(remembered) > _REMEMBERED:
        del remembered[next(iter(remembered))]
