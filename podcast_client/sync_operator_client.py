# Derived by docs/sync_client.py from async_operator_client.py: change that one.
"""The methods of the client for operators: dead letters, keys, webhook endpoints, queues, the audit log."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from podcast_client import operator_calls as calls
from podcast_client.documents import Document
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
from podcast_client.sync_transport import Transport


class OperatorMethods:
    """What a key with the scope `operate` allows."""

    _transport: Transport

    def dead_letter_groups(
        self, *, queue: str | None = None, job_id: str | None = None
    ) -> Generator[DeadLetterGroup, None]:
        """The groups of dead letters that are alike, fetched a page at a time.

        Args:
            queue: only those that died in this work queue.
            job_id: only those of this job.
        """
        cursor: str | None = None
        while True:
            page = self._transport.run(calls.dead_letter_groups(queue=queue, job_id=job_id, cursor=cursor))
            for group in page.items:
                yield group
            cursor = page.next
            if cursor is None:
                return

    def dead_letters(self, *, queue: str | None = None, job_id: str | None = None) -> Generator[DeadLetter, None]:
        """The dead letters, each by itself. Takes what `dead_letter_groups` takes."""
        cursor: str | None = None
        while True:
            page = self._transport.run(calls.dead_letters(queue=queue, job_id=job_id, cursor=cursor))
            for letter in page.items:
                yield letter
            cursor = page.next
            if cursor is None:
                return

    def dead_letter(self, letter_id: str) -> DeadLetter:
        """All about one dead letter, with its message."""
        return self._transport.run(calls.dead_letter(letter_id))

    def export_dead_letters(self, *, queue: str | None = None, job_id: str | None = None) -> Generator[bytes, None]:
        """The dead letters as JSON lines, whole and without loss. Takes what `dead_letter_groups` takes.

        Raises:
            Unreachable: the export was broken off; what has arrived is not all.
        """
        call = calls.export(queue=queue, job_id=job_id)
        with self._transport.stream(call.method, call.path, params=call.query, read_seconds=call.seconds) as answer:
            for data in answer.parts():
                yield data

    def replay(
        self, *, dry_run: bool = False, payload: Mapping[str, Any] | None = None, **selection: Any
    ) -> LettersDone:
        """Send dead letters back to be handled again; a failed job then goes on.

        Args:
            dry_run: only say which.
            payload: a corrected message in place of the one letter's own.
            selection: which: `ids`; or any of `queue`, `job_id` and `reason`; or `all=True`.
        """
        return self._transport.run(calls.replay(selection, payload=payload, dry_run=dry_run))

    def discard(self, *, dry_run: bool = False, **selection: Any) -> LettersDone:
        """Throw dead letters away for good. Takes what `replay` takes, but no `payload`."""
        return self._transport.run(calls.discard(selection, dry_run=dry_run))

    def keys(self) -> Generator[Key, None]:
        """The keys, revoked ones too, fetched a page at a time."""
        cursor: str | None = None
        while True:
            page = self._transport.run(calls.keys(cursor=cursor))
            for key in page.items:
                yield key
            cursor = page.next
            if cursor is None:
                return

    def add_key(self, name: str, *scopes: str, requests_per_minute: int | None = None) -> NewKey:
        """Make a key; it is shown this once.

        Args:
            name: what people call it.
            scopes: `submit`, `read`, `operate`; only those that your own key has.
            requests_per_minute: how often it may be used; None: as often as the server allows any key.
        """
        return self._transport.run(calls.add_key(name, scopes, requests_per_minute))

    def revoke_key(self, key_id: str) -> Key:
        """Make a key invalid, within seconds."""
        return self._transport.run(calls.revoke_key(key_id))

    def webhooks(self) -> Generator[WebhookEndpoint, None]:
        """The endpoints that are told of jobs' ends, oldest first, fetched a page at a time."""
        cursor: str | None = None
        while True:
            page = self._transport.run(calls.webhooks(cursor=cursor))
            for endpoint in page.items:
                yield endpoint
            cursor = page.next
            if cursor is None:
                return

    def webhook(self, endpoint_id: str) -> WebhookEndpoint:
        """One endpoint."""
        return self._transport.run(calls.webhook(endpoint_id))

    def add_webhook(
        self, url: str, *, description: str | None = None, events: Sequence[str] | None = None
    ) -> NewWebhookEndpoint:
        """Make an endpoint; the answer has its secret, this once.

        Args:
            url: where it is told: an http or https address.
            description: for people.
            events: what it is told of: `job.completed`, `job.failed`, `job.cancelled`; None: all of them.
        """
        body = {"url": url, "description": description, "events": None if events is None else tuple(events)}
        return self._transport.run(calls.add_webhook(body))

    def change_webhook(
        self,
        endpoint_id: str,
        *,
        url: str | None = None,
        description: str | None = None,
        events: Sequence[str] | None = None,
        enabled: bool | None = None,
    ) -> WebhookEndpoint:
        """Change an endpoint; what is None stays as it is. Takes what `add_webhook` takes.

        Args:
            endpoint_id: of the endpoint.
            url: where it is told.
            description: for people.
            events: what it is told of.
            enabled: true: send to it again; false: send nothing more to it.
        """
        body = {"url": url, "description": description, "events": None if events is None else tuple(events)}
        return self._transport.run(calls.change_webhook(endpoint_id, {**body, "enabled": enabled}))

    def remove_webhook(self, endpoint_id: str) -> None:
        """Remove an endpoint; what is still on its way to it is dropped."""
        self._transport.run(calls.remove_webhook(endpoint_id))

    def rotate_webhook(self, endpoint_id: str) -> NewWebhookEndpoint:
        """Give an endpoint a new secret; the answer has it, this once. The old one stays valid for a while."""
        return self._transport.run(calls.rotate_webhook(endpoint_id))

    def test_webhook(self, endpoint_id: str) -> WebhookTest:
        """Send a test to an endpoint."""
        return self._transport.run(calls.test_webhook(endpoint_id))

    def audit(self) -> Generator[Document, None]:
        """What operators did, newest first, fetched a page at a time."""
        cursor: str | None = None
        while True:
            page = self._transport.run(calls.audit(limit=100, cursor=cursor))
            for entry in page.items:
                yield entry
            cursor = page.next
            if cursor is None:
                return

    def queues(self) -> tuple[Queue, ...]:
        """The work queues: how many messages wait, how many processes take them, whether they are paused."""
        return self._transport.run(calls.queues())

    def pause_queue(self, name: str, *, reason: str = "") -> QueuePaused:
        """Stop a service from taking messages of its queue; what was begun is finished. No job fails because of it.

        Args:
            name: `chunker`, `synthesizer` or `assembler`.
            reason: why, for people.
        """
        return self._transport.run(calls.change_queue(name, paused=True, reason=reason))

    def resume_queue(self, name: str) -> QueuePaused:
        """Let a service take the messages of its queue again."""
        return self._transport.run(calls.change_queue(name, paused=False))
