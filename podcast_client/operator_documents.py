"""What the server answers operators with, as frozen dataclasses: dead letters, keys, webhook endpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class DeadLetterGroup:
    """Dead letters of one queue and one job with the same reason.

    Attributes:
        id: of the oldest one.
        letters: how many.
        queue: the work queue they died in.
        job_id: the job they belong to; None: unknown.
        title: of the job; empty: unknown.
        reason: why.
        oldest_at, newest_at: when the first and the last died, ISO 8601; None: unknown.
    """

    id: str
    letters: int
    queue: str
    reason: str
    job_id: str | None = None
    title: str = ""
    error: str = ""
    oldest_at: str | None = None
    newest_at: str | None = None


@dataclass(frozen=True)
class FailedTry:
    """A try to handle a message."""

    attempt: int
    at: str
    error: str


@dataclass(frozen=True)
class DeadLetter:
    """A message that could not be handled.

    Attributes:
        id: the same at every look.
        queue: the work queue it died in.
        type: the kind of message.
        job_id, chunk: what it is about; None: unknown.
        reason: why it is here.
        error: the class of the exception; empty: the broker gave it up.
        attempts: the failed tries, oldest first.
        time: when it died, ISO 8601; None: unknown.
        text: what was to be spoken, or else the body; None: it is no text.
        size_bytes: of its body.
        replays: how often it has been replayed before.
        stacktrace: where it failed; may be empty.
        message_id: not unique.
        payload: the message itself, in the answer of `dead_letter`.
    """

    id: str
    queue: str
    type: str
    reason: str
    size_bytes: int
    job_id: str | None = None
    chunk: int | None = None
    error: str = ""
    attempts: tuple[FailedTry, ...] = ()
    time: str | None = None
    text: str | None = None
    replays: int = 0
    stacktrace: str = ""
    message_id: str | None = None
    payload: Any = None


@dataclass(frozen=True)
class LettersDone:
    """What was done with dead letters, or would be.

    Attributes:
        count: how many.
        ids: which.
        missing: ids that were asked for and are not there (any more).
        more: whether there are more of the selected ones: ask again.
        dry_run: whether it was only counted.
    """

    count: int
    ids: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    more: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Key:
    """What the server tells of a key.

    Attributes:
        id: names it.
        name: what people call it.
        scopes: what it may do.
        requests_per_minute: how often; None: as often as the server allows any key.
        created_at: when it was made.
        revoked_at: when it was made invalid; None: it is valid.
    """

    id: str
    name: str = ""
    scopes: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    created_at: float = 0.0
    revoked_at: float | None = None


@dataclass(frozen=True)
class NewKey(Key):
    """A key that was just made; this is the only time that it is shown.

    Attributes:
        key: the key itself.
    """

    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class WebhookEndpoint:
    """An endpoint that is told of jobs' ends. Times are in seconds since the epoch.

    Attributes:
        id: names it.
        url: where it is told.
        description: for people.
        events: what it is told of: `job.completed`, `job.failed`, `job.cancelled`.
        enabled: whether anything is sent to it.
        disabled_at: when it was disabled; None: it is enabled.
        disabled_reason: why.
        created_at: when it was made.
        rotated_at: when its secret was made.
        rotating_until: until when the previous secret signs too; None: it does not.
    """

    id: str
    url: str = ""
    description: str = ""
    events: tuple[str, ...] = ()
    enabled: bool = True
    disabled_at: float | None = None
    disabled_reason: str | None = None
    created_at: float = 0.0
    rotated_at: float = 0.0
    rotating_until: float | None = None


@dataclass(frozen=True)
class NewWebhookEndpoint(WebhookEndpoint):
    """An endpoint with a new secret; this is the only time that the secret is shown.

    Attributes:
        secret: signs what is sent to it.
    """

    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class WebhookTest:
    """A test that is on its way.

    Attributes:
        webhook_id: the header `webhook-id` that it will have.
    """

    webhook_id: str


@dataclass(frozen=True)
class Queue:
    """A work queue. Times are in seconds since the epoch.

    Attributes:
        name: of the queue, and of the service that takes its messages.
        ready: messages that no process has taken yet.
        waiting: messages that wait to be tried again.
        dead: dead letters.
        consumers: processes that take messages from it.
        can_pause: whether it can be paused.
        paused_at: since when nobody takes messages from it; None: it is not paused.
        paused_reason: why, in the words of who paused it.
    """

    name: str
    ready: int = 0
    waiting: int = 0
    dead: int = 0
    consumers: int = 0
    can_pause: bool = False
    paused_at: float | None = None
    paused_reason: str = ""


@dataclass(frozen=True)
class QueuePaused:
    """Whether a work queue is paused.

    Attributes:
        name: of the queue.
        paused_at: since when, in seconds since the epoch; None: it is not.
        paused_reason: why, in the words of who paused it.
    """

    name: str
    paused_at: float | None = None
    paused_reason: str = ""
