"""Refuses addresses that lead to this machine or into a private network, before a job is made of them.

It is the first guard, for a quick answer; the last is the chunker, which checks the address that it connects to. So a
name that cannot be resolved quickly is let through: nobody waits for a stranger's name server.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx

from shared.addresses import Allowed, is_localhost
from shared.checked_network import checked

LOOK_UP_SECONDS: Final = 0.5
"""Most names are resolved within 100 ms."""
_LOOK_UPS: Final = 8
"""Threads that resolve names. A look-up cannot be stopped, so slow ones must not take more than these."""

Resolve = Callable[[str], list[str]]


def _resolve(host: str) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


class AddressCheck:
    """Checks addresses that strangers give.

    Args:
        allowed: what may be connected to although it is not public.
        resolve: the addresses of a host; may block, raises `OSError` if there is none.
    """

    def __init__(self, allowed: Allowed, *, resolve: Resolve = _resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        # Never shut down: its threads end with the process, which waits for none.
        self._threads = ThreadPoolExecutor(_LOOK_UPS, thread_name_prefix="look-up")

    async def check(self, *urls: str) -> None:
        """Return if the addresses may be connected to, or if that cannot be said quickly.

        Args:
            urls: spellings of one address: as the client wrote it, and as it will be used.

        Raises:
            ForbiddenAddress: one of them may not.
        """
        for host in dict.fromkeys(_host(url) for url in urls):
            if host:
                checked(host, await self._addresses(host), self._allowed)

    async def _addresses(self, host: str) -> list[str]:
        if is_localhost(host):
            return ["127.0.0.1", "::1"]
        try:
            # A number in any spelling, such as 0x7f.1, needs no name server.
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
            return [str(each[4][0]) for each in found]
        except (OSError, UnicodeError):
            pass
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._resolve, host)
        except (OSError, UnicodeError):  # TimeoutError is one
            return []


def _host(url: str) -> str:
    """The host of an address, as the chunker will ask for it; empty if it has none."""
    try:
        return httpx.URL(url).raw_host.decode("ascii").strip("[]")
    except (httpx.InvalidURL, ValueError, TypeError):
        return ""
