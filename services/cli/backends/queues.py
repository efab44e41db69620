"""What `podcast queues` needs of the queues: of the broker and the store themselves, or over HTTP."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Any, Protocol

from podcast_client import AsyncPodcastClient
from services.cli.backends import over_http
from services.cli.backends.http_errors import as_ours
from services.cli.backends.reachable import reachable_store
from services.cli.targets import Target
from shared.protocol.topology import WORK_QUEUES
from shared.runtime.broker import calling, connected
from shared.runtime.queue_counts import count
from shared.settings import Settings
from shared.store import queue_states
from shared.store.port import Store
from shared.store.queue_states import QueueState

Document = dict[str, Any]


class Queues(Protocol):
    """The queues, for one command; names are checked before."""

    async def listed(self) -> list[Document]:
        """All work queues, with what the API shows of each.

        Raises:
            BrokerDown: the broker does not answer.
        """

    async def paused(self, name: str, *, reason: str) -> Document:
        """The queue after it was paused."""

    async def resumed(self, name: str) -> Document:
        """The queue after it was resumed."""


@contextlib.asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Queues]:
    """The queues of the system that a command talks to."""
    if target.api is None:
        yield DirectQueues(await reachable_store(target.settings), target.settings)
        return
    async with over_http.connected(target.api) as client:
        yield HttpQueues(client)


class DirectQueues:
    """The queues of a broker, and their states in a store; no gateway needs to run."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    async def listed(self) -> list[Document]:
        """Ask the broker, and read the states."""
        states = await queue_states.of_all(self._store)
        async with (
            connected(self._settings) as connection,
            calling(self._settings.publish_deadline_seconds, "reading the queues"),
            connection.channel() as channel,
        ):
            found = [await count(channel, queue) for queue in WORK_QUEUES]
        return [
            {**dataclasses.asdict(one), "can_pause": one.name in states, **_state(states.get(one.name, QueueState()))}
            for one in found
        ]

    async def paused(self, name: str, *, reason: str) -> Document:
        """Write its state."""
        return {"name": name, **_state(await queue_states.pause(self._store, name, reason=reason))}

    async def resumed(self, name: str) -> Document:
        """Write its state."""
        return {"name": name, **_state(await queue_states.resume(self._store, name))}


class HttpQueues:
    """The queues of a gateway."""

    def __init__(self, client: AsyncPodcastClient) -> None:
        self._client = client
        self._url = client.configuration.url

    async def listed(self) -> list[Document]:
        """GET /v1/queues."""
        with as_ours(self._url):
            return [dataclasses.asdict(one) for one in await self._client.queues()]

    async def paused(self, name: str, *, reason: str) -> Document:
        """PATCH /v1/queues/{name}."""
        with as_ours(self._url):
            return dataclasses.asdict(await self._client.pause_queue(name, reason=reason))

    async def resumed(self, name: str) -> Document:
        """PATCH /v1/queues/{name}."""
        with as_ours(self._url):
            return dataclasses.asdict(await self._client.resume_queue(name))


def _state(state: QueueState) -> Document:
    return {"paused_at": state.paused_at, "paused_reason": state.reason}
