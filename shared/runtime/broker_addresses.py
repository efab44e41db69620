"""The addresses of a broker's nodes, and a connection that goes to the next one when a node is lost.

`PODCAST_AMQP_URL` may list the nodes of a cluster: `amqp://user:password@one:5672/,amqp://user:password@two:5672/`. All
of them serve every queue, so it does not matter which one a client is connected to.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from collections.abc import Sequence
from typing import Any

from aio_pika import RobustConnection
from yarl import URL

from shared.errors import Misconfigured

_BETWEEN = re.compile(r"\s*,\s*(?=amqps?://)")
"""A comma followed by the next address: a password may contain a comma."""


def addresses(amqp_url: str) -> list[str]:
    """The addresses that the setting names.

    Raises:
        Misconfigured: one of them is no address, or they differ in more than host and port.
    """
    found = _BETWEEN.split(amqp_url.strip())
    try:
        same = {url.with_host("node").with_port(None).human_repr() for url in map(URL, found)}
    except ValueError as error:
        raise Misconfigured(
            "PODCAST_AMQP_URL is no address of a broker.", hint="Write amqp://USER:PASSWORD@HOST:PORT/VHOST."
        ) from error
    if len(same) > 1:
        raise Misconfigured(
            "The addresses in PODCAST_AMQP_URL are not those of one cluster.",
            hint="They may differ in host and port only; user, password and virtual host are the same at every node.",
        )
    return found


def shuffled(amqp_url: str) -> list[str]:
    """The addresses in random order, so that processes spread over the nodes."""
    found = addresses(amqp_url)
    return random.sample(found, len(found))


class FailoverConnection(RobustConnection):
    """A connection that is opened again at the next node when it is lost, or when a node cannot be reached."""

    def __init__(self, url: URL | str, *, nodes: Sequence[str], **options: Any) -> None:
        """Open a connection.

        Args:
            url: the first node's address, with the parameters of the connection.
            nodes: all addresses.
            options: as of `RobustConnection`.
        """
        super().__init__(URL(url), **options)
        first = self.url
        others = [first.with_host(node.host or "").with_port(node.port) for node in map(URL, nodes)]
        start = next((place for place, other in enumerate(others) if _where(other) == _where(first)), 0)
        self._next = itertools.cycle(others[start + 1 :] + others[: start + 1])

    async def _on_connection_close(self, closing: asyncio.Future[Any]) -> None:
        # Also called when an attempt has failed.
        self.url = next(self._next)
        await super()._on_connection_close(closing)


def _where(url: URL) -> tuple[str | None, int | None]:
    return url.host, url.port
