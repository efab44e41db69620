"""A service's work queue: how its messages are handled, and which of them are in flight."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from shared.protocol.topology import WorkQueue
from shared.runtime.publishing import Publisher
from shared.runtime.quarantine import Quarantine
from shared.runtime.retry_notices import RetryNotices
from shared.runtime.slots import HandlingSlots

if TYPE_CHECKING:
    from shared.runtime.delivery import Delivery


class Subscription:
    """A service's work queue, and how its messages are handled.

    Attributes:
        queue: the work queue.
        in_flight: the tasks that are handling a message now, or wait for a slot to do so, each with its delivery.
        slots: how many are handled at a time.
        notices: notifies a job's watchers that its work is retried.
        pause_limit_seconds: the longest pause that a server may ask for.
        wait_seconds: delays of the wait queues, the longest last.
        stopping: set when the process stops; a cancelled handler then hands its message back.
    """

    def __init__(
        self,
        queue: WorkQueue,
        *,
        service: str,
        slots: HandlingSlots,
        deadline_seconds: float,
        attempts_limit: int,
        publisher: Publisher,
        quarantine: Quarantine,
        pause_limit_seconds: float,
    ) -> None:
        self.queue = queue
        self.service = service
        self.slots = slots
        self.deadline_seconds = deadline_seconds
        self.attempts_limit = attempts_limit
        self.publisher = publisher
        self.quarantine = quarantine
        self.notices = RetryNotices(service, publisher.retried)
        self.pause_limit_seconds = pause_limit_seconds
        self.wait_seconds = queue.wait_seconds
        self.in_flight: dict[asyncio.Task[Any], Delivery] = {}
        self.stopping = False

    def in_hand(self) -> list[str]:
        """The messages in flight, as readable names."""
        return [delivery.name for delivery in list(self.in_flight.values())]

    def lost(self) -> None:
        """The connection or the consumer's channel is lost: give up what it delivered, immediately."""
        for task, delivery in list(self.in_flight.items()):
            if delivery.is_taken_back:
                delivery.note_loss()
                task.cancel()
