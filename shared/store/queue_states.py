"""Which work queues are paused: `queues/<queue>.json`, changed by conditional writes.

RabbitMQ cannot pause a queue, so its consumers stop consuming: each process of a service reads the record of its queue
(`shared.runtime.pausing`). The coordinator reads all records, so that no job fails for the time that it had to wait.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Final, Literal

import structlog
from pydantic import Field, TypeAdapter, ValidationError

from shared.errors import BadInput, NotFound
from shared.protocol import reading
from shared.protocol.messages import Frozen, Line
from shared.protocol.topology import STAGES
from shared.protocol.work_queue import WorkQueue
from shared.store import changing, keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

PAUSABLE: Final = STAGES
"""The stages of a job. The coordinator has to go on, or no job could end or be cancelled; webhook endpoints can be
disabled one by one, and feeds paused."""


_LINE: Final[TypeAdapter[str]] = TypeAdapter(Line)


class QueueState(Frozen):
    """Whether the messages of a queue are taken."""

    version: Literal[1] = 1
    paused_at: float | None = Field(None, strict=False, description="seconds since the epoch; None: it is not paused")
    reason: Line = Field("", description="why it was paused, for people")
    resumed_at: float = Field(0.0, strict=False, description="when it was last resumed, seconds since the epoch")

    @property
    def is_paused(self) -> bool:
        """Whether no process may take messages from the queue."""
        return self.paused_at is not None


def pausable(name: str, queues: Sequence[WorkQueue] = PAUSABLE) -> WorkQueue:
    """The queue with this name.

    Raises:
        BadInput: there is none, or it cannot be paused.
    """
    for queue in queues:
        if queue.name == name:
            return queue
    names = ", ".join(queue.name for queue in queues)
    raise BadInput(f"The queue {name!r} cannot be paused.", hint=f"Those that can be are {names}.")


def checked_reason(text: str) -> str:
    """Why a queue is paused, if it can be kept.

    Raises:
        BadInput: it is too long, or is more than one line.
    """
    try:
        return _LINE.validate_python(text)
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]["msg"]
        raise BadInput(f"The reason cannot be kept: {problem}.", hint="Write one short line.") from None


async def read(store: Store, name: str) -> QueueState:
    """The state of a queue. One that was never paused has no record; one whose record cannot be read is not paused.

    Raises:
        StoreDown: the store does not answer.
    """
    return (await _versioned(store, name))[0]


async def of_all(store: Store) -> dict[str, QueueState]:
    """The states of all queues that can be paused, by name.

    Raises:
        StoreDown: the store does not answer.
    """
    return {queue.name: await read(store, queue.name) for queue in PAUSABLE}


async def pause(store: Store, name: str, *, reason: str = "") -> QueueState:
    """Have the consumers of a queue take no more messages from it. What they have begun, they finish.

    Returns:
        The state as it is now; a queue that is paused already keeps its time, and its reason where none is given.

    Raises:
        StoreDown: the store does not answer.
    """
    return await _change(store, name, paused=True, reason=reason)


async def resume(store: Store, name: str) -> QueueState:
    """Have messages taken from a queue again. The deadline of every job that has not ended begins anew.

    Raises:
        StoreDown: the store does not answer.
    """
    return await _change(store, name, paused=False)


async def _change(store: Store, name: str, *, paused: bool, reason: str = "") -> QueueState:
    change = partial(_changed, paused=paused, reason=reason)
    return await changing.changed(store, keys.queue(name), lambda: _versioned(store, name), change)


def _changed(before: QueueState, *, paused: bool, reason: str) -> QueueState:
    if paused:
        since = time.time() if before.paused_at is None else before.paused_at
        return before.model_copy(update={"paused_at": since, "reason": reason or before.reason})
    return QueueState(resumed_at=time.time()) if before.is_paused else before


async def _versioned(store: Store, name: str) -> tuple[QueueState, str | None]:
    try:
        data, version = await store.get_versioned(keys.queue(name))
    except NotFound:
        return QueueState(), None
    try:
        return reading.read(QueueState, data, strict=False), version
    except ValidationError:
        log.error("the state of a queue cannot be read", queue=name)  # noqa: TRY400 - there is nothing to add
        return QueueState(), version
