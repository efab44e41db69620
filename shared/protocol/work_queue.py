"""The exchanges' names, and what a service's queue is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.protocol.messages import Message

EXCHANGE: Final = "podcast"
DEAD_EXCHANGE: Final = "podcast.dead"
EVENTS_EXCHANGE: Final = "podcast.events"
OPERATORS_EXCHANGE: Final = "podcast.operators"
"""Direct: an operator who waits for the lock asks its holder through it who that is."""

WAIT_SECONDS: Final = (1, 4, 15, 60, 300)
"""Delays of the wait queues. The n-th retry waits in the n-th queue, later ones in the last."""


@dataclass(frozen=True)
class WorkQueue:
    """A service's queue.

    Attributes:
        name: of the queue, and of the service that consumes it.
        consumes: the messages routed to it from `podcast`, each by its `ROUTING_KEY`.
        hears_deaths_of: work queues whose dead letters are copied to it.
        single_active: one consumer at a time, the others stand by.
        announces: what a stage reports to the coordinator; an additional stage announces its `PieceFinished`.
        wait_seconds: delays of its wait queues, the longest last.
        advances_jobs: jobs wait for what its messages ask for, except those that say otherwise (`advances_job`).
        length_limit: the most messages in it, and in its dead-letter queue; None: no limit. The oldest go first: from
            the queue to the dead letters, from there for good. For a queue that nobody may be consuming.
    """

    name: str
    consumes: tuple[type[Message], ...]
    hears_deaths_of: tuple[str, ...] = ()
    single_active: bool = False
    announces: tuple[type[Message], ...] = ()
    wait_seconds: tuple[float, ...] = WAIT_SECONDS
    advances_jobs: bool = True
    length_limit: int | None = None

    def advances_job(self, kind: str) -> bool:
        """Whether a job may wait for what such a message asks for.

        If so, its watchers hear of a retry, and a replay of a dead letter reopens the job.

        Args:
            kind: the message's type, or its routing key; one that the queue does not know may be a misnamed request.
        """
        return self.advances_jobs and all(
            message.ADVANCES_JOB for message in self.consumes if kind == message.ROUTING_KEY
        )

    @property
    def dead(self) -> str:
        """Its dead-letter queue."""
        return f"{self.name}.dead"

    @property
    def direct_exchange(self) -> str:
        """Leads to this queue and its wait queues alone, by their names: for retries and replays.

        The default exchange leads to every queue of the broker, so whoever may publish through it could put messages
        into the queues of other services.
        """
        return f"{EXCHANGE}.to.{self.name}"

    def wait(self, seconds: float) -> str:
        """Its wait queue for a delay from `wait_seconds`."""
        return f"{self.name}.wait.{seconds:g}"

    @property
    def waits(self) -> tuple[str, ...]:
        """Its wait queues."""
        return tuple(self.wait(seconds) for seconds in self.wait_seconds)
