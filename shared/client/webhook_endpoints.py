"""Endpoints that are told of every job's end: `webhooks/<id>.json` in the store, changed by conditional writes.

A secret is kept as it is, since signing needs it: whoever can read the store can sign. It is shown once, when it is
made, and by nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal

import uuid_utils
from pydantic import ConfigDict, Field, ValidationError

from shared.client.webhook_secrets import WebhookSecret, new_secret
from shared.concurrency import gathered
from shared.errors import BadInput, Conflict, NotFound, Permanent
from shared.protocol import reading
from shared.protocol.messages import Cut, Frozen, Line
from shared.store import changing, keys
from shared.store.port import PAGE, Store

WebhookEvent = Literal["job.completed", "job.failed", "job.cancelled"]
EVENTS: Final[tuple[WebhookEvent, ...]] = ("job.completed", "job.failed", "job.cancelled")
ENDPOINTS_LIMIT: Final = 100
"""Each end of a job becomes a message for each endpoint."""
_KEPT_SECRETS: Final = 2
_READ_AT_A_TIME: Final = 16


class EndpointDisabled(Conflict):
    """The endpoint gets nothing at the moment."""


class UnreadableEndpoint(Permanent):
    """What the store has of an endpoint cannot be read."""


class WebhookEndpoint(Frozen):
    """An endpoint as the store has it."""

    model_config = ConfigDict(hide_input_in_errors=True)  # an error must not quote a secret

    version: Literal[1] = 1
    endpoint_id: str = Field(pattern=r"^we_[0-9a-f]{32}$", description="later ones are greater")
    url: str = Field(max_length=2_083)
    description: Line = ""
    events: tuple[WebhookEvent, ...] = Field(EVENTS, min_length=1, max_length=len(EVENTS))
    secrets: tuple[WebhookSecret, ...] = Field(min_length=1, max_length=_KEPT_SECRETS, description="the newest first")
    created_at: float = Field(strict=False, description="seconds since the epoch; it hears of what ends from then on")
    disabled_at: float | None = Field(None, strict=False, description="seconds since the epoch; None: it is enabled")
    disabled_reason: Cut | None = None

    def signing(self, *, rotation_seconds: float, now: float | None = None) -> list[WebhookSecret]:
        """The secrets to sign with: the newest, and for a while after a rotation the one before it."""
        newest, *before = self.secrets
        is_rotating = (time.time() if now is None else now) - newest.created_at < rotation_seconds
        return [newest, *(before if is_rotating else [])]


def new_endpoint(
    url: str, *, description: str = "", events: tuple[WebhookEvent, ...] = EVENTS, secret: str | None = None
) -> WebhookEndpoint:
    """A new endpoint with a secret, not stored yet.

    Args:
        url: as `webhook_addresses.checked_url` returned it.
        description: for people.
        events: what it wants to hear of.
        secret: the receiver's own (`whsec_…`); None: a new one.

    Raises:
        BadInput: the secret is not one.
    """
    now = time.time()
    first = WebhookSecret.of(secret) if secret is not None else WebhookSecret(key=new_secret(), created_at=now)
    return WebhookEndpoint(
        endpoint_id=f"we_{uuid_utils.uuid7().hex}",
        url=url,
        description=description,
        events=events,
        secrets=(first,),
        created_at=now,
    )


async def add(store: Store, endpoint: WebhookEndpoint) -> None:
    """Store a new endpoint.

    Raises:
        BadInput: there are as many as there may be.
        StoreDown: the store does not answer.
    """
    if len(await ids(store)) >= ENDPOINTS_LIMIT:
        raise BadInput(f"There are {ENDPOINTS_LIMIT} webhook endpoints, which is the limit.", hint="Delete one.")
    await store.create(
        keys.webhook(endpoint.endpoint_id), endpoint.model_dump_json().encode(), content_type="application/json"
    )


async def ids(store: Store, *, after: str = "", limit: int = PAGE) -> list[str]:
    """The ids of at most `limit` endpoints, oldest first, after the id `after`."""
    names = await store.page(keys.WEBHOOKS, after=keys.webhook(after) if after else "", limit=limit)
    return [name.removeprefix(keys.WEBHOOKS).removesuffix(".json") for name in names]


async def find(store: Store, endpoint_id: str) -> WebhookEndpoint:
    """The endpoint with this id.

    Raises:
        NotFound: there is none.
        UnreadableEndpoint: what is stored is not an endpoint.
        StoreDown: the store does not answer.
    """
    return (await _versioned(store, endpoint_id))[0]


async def some(store: Store, *, after: str = "", limit: int = PAGE) -> list[WebhookEndpoint]:
    """At most `limit` endpoints, oldest first, after the id `after`; those that cannot be read are left out."""
    found: dict[str, WebhookEndpoint] = {}

    async def look(endpoint_id: str) -> None:
        try:
            found[endpoint_id] = await find(store, endpoint_id)
        except (NotFound, UnreadableEndpoint):
            return

    await gathered(look, await ids(store, after=after, limit=limit), at_a_time=_READ_AT_A_TIME)
    return [found[endpoint_id] for endpoint_id in sorted(found)]


async def change(
    store: Store, endpoint_id: str, changed: Callable[[WebhookEndpoint], WebhookEndpoint]
) -> WebhookEndpoint:
    """Change an endpoint; `changed` is called again if somebody else has changed it meanwhile.

    Returns:
        The endpoint as it is now.

    Raises:
        NotFound: there is none with this id.
        UnreadableEndpoint: what is stored is not an endpoint.
        StoreDown: the store does not answer.
    """
    return await changing.changed(store, keys.webhook(endpoint_id), lambda: _versioned(store, endpoint_id), changed)


async def rotate(store: Store, endpoint_id: str) -> WebhookEndpoint:
    """Give an endpoint a new secret. The one before it signs for a while too; any older one is forgotten at once.

    Raises:
        NotFound, UnreadableEndpoint, StoreDown: as in `change`.
    """
    made = WebhookSecret(key=new_secret(), created_at=time.time())
    return await change(
        store, endpoint_id, lambda one: one.model_copy(update={"secrets": (made, *one.secrets)[:_KEPT_SECRETS]})
    )


async def disable(store: Store, endpoint_id: str, *, url: str, reason: str) -> WebhookEndpoint:
    """Send nothing more to an endpoint, unless its address has been changed from `url` meanwhile.

    Raises:
        NotFound, UnreadableEndpoint, StoreDown: as in `change`.
    """
    off = {"disabled_at": time.time(), "disabled_reason": reason}
    return await change(
        store,
        endpoint_id,
        lambda one: one.model_copy(update=off) if one.url == url and one.disabled_at is None else one,
    )


async def remove(store: Store, endpoint_id: str) -> None:
    """Remove an endpoint; what is still on its way to it is dropped.

    Raises:
        NotFound: there is none with this id.
        StoreDown: the store does not answer.
    """
    await _stored(store, endpoint_id)
    await store.delete(keys.webhook(endpoint_id))


async def _versioned(store: Store, endpoint_id: str) -> tuple[WebhookEndpoint, str]:
    data, version = await _stored(store, endpoint_id)
    try:
        return reading.read(WebhookEndpoint, data, strict=False), version
    except ValidationError:
        # From None: the validation error would name the content, and with it the secrets.
        raise UnreadableEndpoint(
            f"What the store has of the webhook endpoint {endpoint_id} cannot be read.",
            hint="Delete it and add it anew.",
        ) from None


async def _stored(store: Store, endpoint_id: str) -> tuple[bytes, str]:
    try:
        return await store.get_versioned(keys.webhook(endpoint_id))
    except NotFound as error:
        raise NotFound(
            f"There is no webhook endpoint {endpoint_id}.",
            hint="`podcast webhooks list` shows the endpoints.",
        ) from error
