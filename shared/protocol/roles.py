"""Who may publish and consume what; the broker's users are made from this (`deploy/broker`).

A test compares it with what the services say that they publish. A service is one role. Besides them there are clients
(they submit jobs and watch them), operators (they read, replay and discard dead letters, and do what clients do) and
the gateway, which is both for those who use the HTTP API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

from shared.protocol.messages import (
    ENDINGS,
    EventName,
    FeedPollRequested,
    JobCancelRequested,
    JobRequest,
    JobResumeRequested,
    Message,
    PreviewRequested,
    ReconcileRequested,
    WebhookRequested,
    WorkRetried,
)
from shared.protocol.topology import CHUNKER, COORDINATOR, FEEDS, MOVED, STAGES, WEBHOOKS, WORK_QUEUES, WorkQueue

OF_CLIENTS: Final = (JobRequest, JobCancelRequested, JobResumeRequested)
"""What whoever may use the broker as a client publishes."""
_OF_JOBS: Final = (*get_args(EventName), MOVED)


@dataclass(frozen=True)
class Role:
    """What one kind of process does with the broker.

    Attributes:
        name: of the service, or `gateway`, `client`, `operator`.
        publishes: to `podcast`.
        consumes: its own queue, whose retries and dead letters it publishes.
        sends_back_to: other queues that it puts messages into directly: replays, and a job that must be read again.
        events: those that it publishes to `podcast.events`.
        watches: it has queues of its own for events.
        reads_event_log: it reads the log of changes of state, and declares it.
        operates: it reads, replays and discards dead letters.
    """

    name: str
    publishes: tuple[type[Message], ...] = ()
    consumes: WorkQueue | None = None
    sends_back_to: tuple[WorkQueue, ...] = ()
    events: tuple[str, ...] = ()
    watches: bool = False
    reads_event_log: bool = False
    operates: bool = False


def _service(queue: WorkQueue, *publishes: type[Message], events: tuple[str, ...] = ()) -> Role:
    retried = (WorkRetried.EVENT,) if queue.advances_jobs else ()
    return Role(queue.name, publishes, consumes=queue, events=(*events, *retried))


_REQUESTS: Final = tuple(
    message for stage in STAGES for message in stage.consumes if message not in {JobRequest, PreviewRequested}
)

COORDINATING: Final = Role(
    COORDINATOR.name,
    (*_REQUESTS, ReconcileRequested, *ENDINGS.values()),
    consumes=COORDINATOR,
    sends_back_to=(CHUNKER,),
    events=(*_OF_JOBS, WorkRetried.EVENT),
)
GATEWAY: Final = Role(
    "gateway",
    (*OF_CLIENTS, PreviewRequested, WebhookRequested, FeedPollRequested),
    sends_back_to=WORK_QUEUES,
    watches=True,
    reads_event_log=True,
    operates=True,
)
CLIENT: Final = Role("client", (*OF_CLIENTS, PreviewRequested), watches=True)
OPERATOR: Final = Role(
    "operator",
    (*OF_CLIENTS, PreviewRequested, FeedPollRequested),
    sends_back_to=WORK_QUEUES,
    watches=True,
    operates=True,
)

ROLES: Final = (
    *(_service(stage, *stage.announces) for stage in STAGES),
    COORDINATING,
    _service(WEBHOOKS, WebhookRequested),
    _service(FEEDS, JobRequest, FeedPollRequested),
    GATEWAY,
    CLIENT,
    OPERATOR,
)
"""Every role."""


ROLE_NAMES: Final = tuple(role.name for role in ROLES)


def role_named(name: str) -> Role:
    """The role with this name.

    Raises:
        KeyError: there is none.
    """
    return {role.name: role for role in ROLES}[name]
