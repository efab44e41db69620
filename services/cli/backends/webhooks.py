"""What `podcast webhooks` needs of the endpoints: in the store itself, or over HTTP. Publishes webhook.requested.

An endpoint is a document as the API shows it, whichever way it comes.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import podcast_client as api
from podcast_client import AsyncPodcastClient
from services.cli.backends import over_http
from services.cli.backends.http_errors import as_ours
from services.cli.backends.reachable import reachable_store
from services.cli.targets import Target
from shared.client import broker, webhook_documents, webhook_endpoints, webhook_payloads
from shared.client.webhook_addresses import checked_url
from shared.client.webhook_documents import EndpointChange
from shared.client.webhook_endpoints import EVENTS, WebhookEndpoint, WebhookEvent
from shared.settings import Settings
from shared.store.port import PAGE, Store

Document = dict[str, Any]


class Webhooks(Protocol):
    """The endpoints, for one command; ids and descriptions are checked before."""

    async def add(self, url: str, *, description: str, events: Sequence[WebhookEvent]) -> Document:
        """Make an endpoint; the document has its `secret`.

        Args:
            url: where it is told.
            description: for people.
            events: what it is told of; empty: everything.

        Raises:
            BadInput: the address cannot be used, or there are too many endpoints.
        """

    async def listed(self) -> list[Document]:
        """All endpoints, oldest first."""

    async def shown(self, endpoint_id: str) -> Document:
        """One endpoint.

        Raises:
            NotFound: there is none with this id; so too with the methods below.
        """

    async def changed(self, endpoint_id: str, change: EndpointChange) -> Document:
        """The endpoint after a change."""

    async def rotated(self, endpoint_id: str) -> Document:
        """The endpoint with its new `secret`."""

    async def test(self, endpoint_id: str) -> str:
        """Send a test; returns its `webhook-id`.

        Raises:
            EndpointDisabled: nothing is sent to it at the moment.
        """

    async def removed(self, endpoint_id: str) -> None:
        """Remove the endpoint."""


@contextlib.asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Webhooks]:
    """The endpoints of the system that a command talks to."""
    if target.api is None:
        yield StoredWebhooks(await reachable_store(target.settings), target.settings)
        return
    async with over_http.connected(target.api) as client:
        yield HttpWebhooks(client)


class StoredWebhooks:
    """The endpoints in a store; no gateway needs to run."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    async def add(self, url: str, *, description: str, events: Sequence[WebhookEvent]) -> Document:
        """Store a new one."""
        made = webhook_endpoints.new_endpoint(
            self._url(url), description=description, events=webhook_documents.in_order(events or EVENTS)
        )
        await webhook_endpoints.add(self._store, made)
        return self._with_secret(made)

    async def listed(self) -> list[Document]:
        """Read them."""
        found: list[Document] = []
        after = ""
        while ids := await webhook_endpoints.ids(self._store, after=after, limit=PAGE):
            some = await webhook_endpoints.some(self._store, after=after, limit=PAGE)
            found += [self._document(one) for one in some]
            after = ids[-1]
        return found

    async def shown(self, endpoint_id: str) -> Document:
        """Read it."""
        return self._document(await webhook_endpoints.find(self._store, endpoint_id))

    async def changed(self, endpoint_id: str, change: EndpointChange) -> Document:
        """Replace it, over the version that was read."""
        if change.url is not None:
            change = dataclasses.replace(change, url=self._url(change.url))
        return self._document(await webhook_endpoints.change(self._store, endpoint_id, change.applied))

    async def rotated(self, endpoint_id: str) -> Document:
        """Store a new secret."""
        return self._with_secret(await webhook_endpoints.rotate(self._store, endpoint_id))

    async def test(self, endpoint_id: str) -> str:
        """Publish it."""
        webhook_documents.enabled(await webhook_endpoints.find(self._store, endpoint_id))
        message = webhook_payloads.of_test(endpoint_id)
        async with broker.opened(self._settings) as client:
            await client.publish(message)
        return message.webhook_id

    async def removed(self, endpoint_id: str) -> None:
        """Delete it."""
        await webhook_endpoints.remove(self._store, endpoint_id)

    def _url(self, url: str) -> str:
        return checked_url(url, allowed=self._settings.webhook_allowed)

    def _document(self, one: WebhookEndpoint) -> Document:
        return webhook_documents.document(one, rotation_seconds=self._settings.webhook_rotation_seconds)

    def _with_secret(self, one: WebhookEndpoint) -> Document:
        return {**self._document(one), "secret": one.secrets[0].key}


class HttpWebhooks:
    """The endpoints of a gateway."""

    def __init__(self, client: AsyncPodcastClient) -> None:
        self._client = client
        self._url = client.configuration.url

    async def add(self, url: str, *, description: str, events: Sequence[WebhookEvent]) -> Document:
        """POST /v1/webhooks."""
        with as_ours(self._url):
            return _document(await self._client.add_webhook(url, description=description, events=events or None))

    async def listed(self) -> list[Document]:
        """GET /v1/webhooks, as many pages as it takes."""
        with as_ours(self._url):
            return [_document(one) async for one in self._client.webhooks()]

    async def shown(self, endpoint_id: str) -> Document:
        """GET /v1/webhooks/{id}."""
        with as_ours(self._url):
            return _document(await self._client.webhook(endpoint_id))

    async def changed(self, endpoint_id: str, change: EndpointChange) -> Document:
        """PATCH /v1/webhooks/{id}."""
        with as_ours(self._url):
            return _document(await self._client.change_webhook(endpoint_id, **dataclasses.asdict(change)))

    async def rotated(self, endpoint_id: str) -> Document:
        """POST /v1/webhooks/{id}/rotate."""
        with as_ours(self._url):
            return _document(await self._client.rotate_webhook(endpoint_id))

    async def test(self, endpoint_id: str) -> str:
        """POST /v1/webhooks/{id}/test."""
        with as_ours(self._url):
            return (await self._client.test_webhook(endpoint_id)).webhook_id

    async def removed(self, endpoint_id: str) -> None:
        """DELETE /v1/webhooks/{id}."""
        with as_ours(self._url):
            await self._client.remove_webhook(endpoint_id)


def _document(one: api.WebhookEndpoint) -> Document:
    return {**dataclasses.asdict(one), "events": list(one.events)}
