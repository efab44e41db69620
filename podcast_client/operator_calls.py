"""The calls of operators: dead letters, keys, webhook endpoints, queues, the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podcast_client.answers import listing, nothing, of, page
from podcast_client.calls import SLOW_SECONDS, Call, part
from podcast_client.documents import Document, Page
from podcast_client.operator_documents import (
    DeadLetter,
    DeadLetterGroup,
    Key,
    LettersDone,
    NewKey,
    NewWebhookEndpoint,
    Queue,
    QueuePaused,
    WebhookEndpoint,
    WebhookTest,
)

_LETTERS = "/v1/dead-letters"


def dead_letter_groups(
    *, queue: str | None, job_id: str | None, limit: int = 100, cursor: str | None = None
) -> Call[Page[DeadLetterGroup]]:
    """A page of the dead letters, those alike in one group."""
    params = {"queue": queue, "job_id": job_id, "limit": limit, "cursor": cursor}
    return Call("GET", _LETTERS, page(DeadLetterGroup, "groups"), params=params, seconds=SLOW_SECONDS)


def dead_letters(
    *, queue: str | None, job_id: str | None, limit: int = 100, cursor: str | None = None
) -> Call[Page[DeadLetter]]:
    """A page of the dead letters, each by itself."""
    params = {"queue": queue, "job_id": job_id, "limit": limit, "cursor": cursor}
    return Call("GET", f"{_LETTERS}/each", page(DeadLetter, "letters"), params=params, seconds=SLOW_SECONDS)


def dead_letter(letter_id: str) -> Call[DeadLetter]:
    """All about one dead letter."""
    return Call("GET", f"{_LETTERS}/{part(letter_id)}", of(DeadLetter), seconds=SLOW_SECONDS)


def export(*, queue: str | None, job_id: str | None) -> Call[None]:
    """The dead letters as JSON lines."""
    params = {"queue": queue, "job_id": job_id}
    return Call("GET", f"{_LETTERS}/export", nothing, params=params, seconds=SLOW_SECONDS)


def replay(selection: Mapping[str, Any], *, payload: Mapping[str, Any] | None, dry_run: bool) -> Call[LettersDone]:
    """Send dead letters back to be handled again."""
    body: dict[str, Any] = {"selection": _chosen(selection), "dry_run": dry_run}
    if payload is not None:
        body["payload"] = dict(payload)
    return Call("POST", f"{_LETTERS}/replay", of(LettersDone), body=body, seconds=SLOW_SECONDS)


def discard(selection: Mapping[str, Any], *, dry_run: bool) -> Call[LettersDone]:
    """Throw dead letters away."""
    body = {"selection": _chosen(selection), "dry_run": dry_run}
    return Call("POST", f"{_LETTERS}/discard", of(LettersDone), body=body, seconds=SLOW_SECONDS)


def _chosen(selection: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in selection.items() if value not in (None, False)}


def keys(*, limit: int = 100, cursor: str | None = None) -> Call[Page[Key]]:
    """A page of the keys."""
    return Call("GET", "/v1/keys", page(Key, "keys"), params={"limit": limit, "cursor": cursor})


def add_key(name: str, scopes: tuple[str, ...], requests_per_minute: int | None) -> Call[NewKey]:
    """Make a key."""
    body: dict[str, Any] = {"name": name, "scopes": list(scopes)}
    if requests_per_minute is not None:
        body["requests_per_minute"] = requests_per_minute
    return Call("POST", "/v1/keys", of(NewKey), body=body)


def revoke_key(key_id: str) -> Call[Key]:
    """Make a key invalid."""
    return Call("DELETE", f"/v1/keys/{part(key_id)}", of(Key))


def webhooks(*, limit: int = 100, cursor: str | None = None) -> Call[Page[WebhookEndpoint]]:
    """A page of the endpoints that are told of jobs' ends."""
    params = {"limit": limit, "cursor": cursor}
    return Call("GET", "/v1/webhooks", page(WebhookEndpoint, "webhooks"), params=params)


def webhook(endpoint_id: str) -> Call[WebhookEndpoint]:
    """One endpoint."""
    return Call("GET", f"/v1/webhooks/{part(endpoint_id)}", of(WebhookEndpoint))


def add_webhook(body: Mapping[str, Any]) -> Call[NewWebhookEndpoint]:
    """Make an endpoint; the answer has its secret, this once."""
    return Call("POST", "/v1/webhooks", of(NewWebhookEndpoint), body=_given(body))


def change_webhook(endpoint_id: str, body: Mapping[str, Any]) -> Call[WebhookEndpoint]:
    """Change an endpoint."""
    return Call("PATCH", f"/v1/webhooks/{part(endpoint_id)}", of(WebhookEndpoint), body=_given(body))


def remove_webhook(endpoint_id: str) -> Call[None]:
    """Remove an endpoint."""
    return Call("DELETE", f"/v1/webhooks/{part(endpoint_id)}", nothing, is_done_if_gone=True)


def rotate_webhook(endpoint_id: str) -> Call[NewWebhookEndpoint]:
    """Give an endpoint a new secret; the answer has it, this once."""
    return Call("POST", f"/v1/webhooks/{part(endpoint_id)}/rotate", of(NewWebhookEndpoint))


def test_webhook(endpoint_id: str) -> Call[WebhookTest]:
    """Send a test to an endpoint."""
    return Call("POST", f"/v1/webhooks/{part(endpoint_id)}/test", of(WebhookTest))


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in body.items() if value is not None
    }


def audit(*, limit: int = 50, cursor: str | None = None) -> Call[Page[Document]]:
    """A page of what operators did."""
    return Call("GET", "/v1/audit", page(dict, "records"), params={"limit": limit, "cursor": cursor})


def queues() -> Call[tuple[Queue, ...]]:
    """The work queues."""
    return Call("GET", "/v1/queues", listing(Queue, "queues"))


def change_queue(name: str, *, paused: bool, reason: str = "") -> Call[QueuePaused]:
    """Pause a queue, or resume it."""
    body = {"paused": paused, **({"reason": reason} if reason else {})}
    return Call("PATCH", f"/v1/queues/{part(name)}", of(QueuePaused), body=body)
