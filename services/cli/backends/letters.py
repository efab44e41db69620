"""What `podcast dlq` needs of the dead letters, and how it gets that over HTTP.

Over AMQP this is `shared.dead_letters.browser.DeadLetters`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import IO, Any, Final, Protocol, TypeVar

import podcast_client as api
from podcast_client import AsyncPodcastClient
from services.cli.backends.http_errors import ours
from shared.dead_letters.letter import DeadLetter
from shared.dead_letters.selection import Named, Selection
from shared.errors import BadInput
from shared.protocol.envelope import Attempt
from shared.protocol.topology import WORK_QUEUES
from shared.text import one_line

T = TypeVar("T")

_AT_A_TIME: Final = 500
"""Ids in a request."""
_BUSY_SECONDS: Final = 1.0
_BUSY: Final = "operator-busy"


class Letters(Protocol):
    """The dead letters, for one command."""

    async def find(self, selection: Selection, *, limit: int | None = None) -> list[DeadLetter]:
        """The selected ones, oldest first within their queue; at most `limit`."""

    async def named(self, prefixes: Sequence[str]) -> list[DeadLetter]:
        """One for each of these ids, which may be abbreviated."""

    async def opened(self, prefix: str) -> tuple[DeadLetter, bytes]:
        """The one with this id, which may be abbreviated, and its body."""

    async def replay(
        self,
        selection: Selection,
        *,
        limit: int | None = None,
        edited: str | None = None,
        confirmed: Callable[[DeadLetter], None] = ...,
    ) -> bool:
        """Send them back; `confirmed` is called with each that is."""

    async def discard(
        self, selection: Selection, *, limit: int | None = None, removing: Callable[[DeadLetter], None] = ...
    ) -> bool:
        """Remove them; `removing` is called with each that is."""


class HttpLetters:
    """The dead letters of a gateway.

    Args:
        client: of its API.
        wait_seconds: how long to wait for another operator.
        say: called once with a message while it waits.
    """

    def __init__(self, client: AsyncPodcastClient, *, wait_seconds: float, say: Callable[[str], None]) -> None:
        self._client = client
        self._wait_seconds = wait_seconds
        self._say = say

    async def find(self, selection: Selection, *, limit: int | None = None) -> list[DeadLetter]:
        """GET /v1/dead-letters/each, as many pages as it takes."""

        async def look() -> list[DeadLetter]:
            found: list[DeadLetter] = []
            async for letter in self._each(selection):
                if limit is not None and len(found) >= limit:
                    break
                if selection.has(letter):
                    found.append(letter)
            return found

        return await self._patiently(look)

    async def named(self, prefixes: Sequence[str]) -> list[DeadLetter]:
        """Those among all letters whose ids begin like this."""

        async def look() -> list[DeadLetter]:
            asked = Named(prefixes)
            async for letter in self._each(Selection()):
                asked.see(letter)
            return asked.found()

        return await self._patiently(look)

    async def opened(self, prefix: str) -> tuple[DeadLetter, bytes]:
        """GET /v1/dead-letters/{id}."""
        (letter,) = await self.named([prefix])
        whole = await self._patiently(lambda: self._client.dead_letter(letter.id))
        return _letter(whole), b"" if whole.payload is None else json.dumps(whole.payload).encode()

    async def replay(
        self,
        selection: Selection,
        *,
        limit: int | None = None,
        edited: str | None = None,
        confirmed: Callable[[DeadLetter], None] = lambda _: None,
    ) -> bool:
        """POST /v1/dead-letters/replay, for the letters that are there now."""
        payload = None if edited is None else _object_in(edited)
        return await self._carry_out(
            selection, limit, lambda ids: self._client.replay(ids=list(ids), payload=payload), confirmed
        )

    async def discard(
        self,
        selection: Selection,
        *,
        limit: int | None = None,
        removing: Callable[[DeadLetter], None] = lambda _: None,
    ) -> bool:
        """POST /v1/dead-letters/discard, for the letters that are there now."""
        return await self._carry_out(selection, limit, lambda ids: self._client.discard(ids=list(ids)), removing)

    async def export(self, selection: Selection, spool: IO[bytes]) -> int:
        """GET /v1/dead-letters/export; returns how many there are."""

        async def fetch() -> int:
            spool.seek(0)
            spool.truncate()
            count = 0
            for queue in _queues(selection):
                async for data in self._client.export_dead_letters(queue=queue, job_id=selection.job_id):
                    spool.write(data)
                    count += data.count(b"\n")
            return count

        return await self._patiently(fetch)

    async def _carry_out(
        self,
        selection: Selection,
        limit: int | None,
        call: Callable[[Sequence[str]], Awaitable[api.LettersDone]],
        tell: Callable[[DeadLetter], None],
    ) -> bool:
        found = await self.find(selection, limit=None if limit is None else limit + 1)
        chosen = {letter.id: letter for letter in found[:limit]}
        ids = list(chosen)
        for start in range(0, len(ids), _AT_A_TIME):
            some = ids[start : start + _AT_A_TIME]
            done = await self._patiently(lambda some=some: call(some))  # type: ignore[misc] # bound at once
            for letter_id in done.ids:
                tell(chosen[letter_id])
        return len(found) > len(chosen)

    async def _each(self, selection: Selection) -> AsyncIterator[DeadLetter]:
        for name in _queues(selection):
            async for letter in self._client.dead_letters(queue=name, job_id=selection.job_id):
                yield _letter(letter)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Carry out a call, again while another operator is at the dead letters."""
        give_up = time.monotonic() + self._wait_seconds
        has_told = False
        while True:
            try:
                return await call()
            except api.ClientError as error:
                is_busy = isinstance(error, api.ApiError) and error.kind == _BUSY
                if not is_busy or time.monotonic() >= give_up:
                    raise ours(error, self._client.configuration.url) from error
                if not has_told:
                    self._say(one_line(f"{error} Waiting."))
                    has_told = True
            await asyncio.sleep(_BUSY_SECONDS)


def _queues(selection: Selection) -> list[str | None]:
    """The queues to ask for, one after the other; None: all of them at once."""
    return [None] if selection.queues == WORK_QUEUES else [queue.name for queue in selection.queues]


def _letter(found: api.DeadLetter) -> DeadLetter:
    values = {field.name: getattr(found, field.name) for field in dataclasses.fields(DeadLetter)}
    attempts = tuple(Attempt(attempt=one.attempt, at=one.at, error=one.error) for one in found.attempts)
    return DeadLetter(**{**values, "attempts": attempts})


def _object_in(edited: str) -> Mapping[str, Any]:
    try:
        found = json.loads(edited)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The edited message is not JSON: {error}.", hint="Correct it, then replay again.") from error
    if not isinstance(found, dict):
        raise BadInput("The edited message is no JSON object.", hint="Correct it, then replay again.")
    return found
