"""`job.completed`, `job.failed`, `job.cancelled` in, one `webhook.requested` for each endpoint out. Recipient list.

`webhook.requested` in, one HTTP POST out. What comes twice has the same id both times, so that a receiver can tell.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from pydantic import ValidationError

from services.webhooks import metrics, sending, signing
from services.webhooks.own_limits import OwnWebhookLimits
from shared.checked_network import Resolve, resolve
from shared.client import webhook_endpoints, webhook_payloads
from shared.client.webhook_endpoints import EndpointDisabled
from shared.client.webhook_secrets import WebhookSecret, read_secret
from shared.concurrency import gathered
from shared.errors import NotFound
from shared.host_turns import HostTurns
from shared.protocol import reading
from shared.protocol.messages import JobEnded, JobRequest, JobWebhook, WebhookRequested
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store
from shared.tracing import http_calls

log = structlog.get_logger(__name__)

_PUBLISHED_AT_A_TIME: Final = 16
_CLOCK_MARGIN_SECONDS: Final = 60.0
"""The clocks of the gateway, which made an endpoint, and of the coordinator, which ended a job, may differ."""


async def job_ended(event: JobEnded, *, store: Store, publish: Callable[[WebhookRequested], Awaitable[None]]) -> None:
    """Have everybody told who wants to hear of this: one message for each, so that one that is down delays no other.

    An endpoint does not hear of what ended before it was made: this service may have been off for a month.

    Raises:
        StoreDown, BrokerDown: a server does not answer; doing it all again makes the same messages.
    """
    kind = type(event).ROUTING_KEY
    receivers: list[str | None] = [
        endpoint.endpoint_id
        for endpoint in await webhook_endpoints.some(store)
        if endpoint.disabled_at is None
        and kind in endpoint.events
        and event.ended_at >= endpoint.created_at - _CLOCK_MARGIN_SECONDS
    ]
    if await _own(store, event.job_id) is not None:
        receivers.append(None)

    async def request(endpoint_id: str | None) -> None:
        await publish(webhook_payloads.of_ending(event, endpoint_id))

    await gathered(request, receivers, at_a_time=_PUBLISHED_AT_A_TIME)


async def deliver(
    message: WebhookRequested,
    *,
    store: Store,
    settings: Settings,
    turns: HostTurns,
    own_limits: OwnWebhookLimits,
    resolve: Resolve = resolve,
) -> None:
    """Send one webhook to its receiver. If that was removed meanwhile, there is nothing to do.

    Raises:
        EndpointDisabled: the endpoint gets nothing at the moment; a dead letter that can be replayed.
        EndpointGone: it answered 410, and is disabled from now on; or the address that a job names did so lately.
        ForbiddenAddress, NotDelivered, DeadlineExceeded: it was not delivered.
        HostBusy: enough is being sent to its host already, or was sent to it in this minute.
        StoreDown: the store does not answer.
    """
    try:
        url, secrets = await _receiver(message, store=store, settings=settings)
    except NotFound as error:
        log.info("nobody to tell any more", webhook=message.webhook_id, reason=error.message)
        return
    payload = message.payload.encode()
    if message.endpoint_id is None:
        own_limits.check(url)
    headers = signing.headers(message.webhook_id, payload, secrets, timestamp=int(time.time()))
    with metrics.measured():
        async with turns.of(url):
            try:
                with http_calls.calling("POST", url):
                    status = await sending.post(
                        url,
                        payload,
                        headers={**headers, **http_calls.headers()},
                        deadline_seconds=settings.webhook_deadline_seconds,
                        connect_timeout_seconds=settings.connect_timeout_seconds,
                        allowed=settings.webhook_allowed,
                        resolve=resolve,
                    )
            except sending.EndpointGone as error:
                if message.endpoint_id is None:
                    own_limits.gone(url)
                else:
                    with contextlib.suppress(NotFound):
                        await webhook_endpoints.disable(store, message.endpoint_id, url=url, reason=error.message)
                    log.warning("endpoint disabled", endpoint=message.endpoint_id, reason=error.message)
                raise
    log.info("delivered", webhook=message.webhook_id, endpoint=message.endpoint_id, status=status)


async def _receiver(message: WebhookRequested, *, store: Store, settings: Settings) -> tuple[str, list[WebhookSecret]]:
    """Where to send it, and what signs it."""
    if message.endpoint_id is not None:
        endpoint = await webhook_endpoints.find(store, message.endpoint_id)
        if endpoint.disabled_at is not None:
            raise EndpointDisabled(
                f"The webhook endpoint {endpoint.endpoint_id} is disabled: {endpoint.disabled_reason or 'no reason'}",
                hint="Enable it, then replay this.",
            )
        return endpoint.url, endpoint.signing(rotation_seconds=settings.webhook_rotation_seconds)
    job_id = message.job_id or ""
    own = await _own(store, job_id)
    if own is None:
        raise NotFound(f"Job {job_id} was removed.")
    if own.secret_key is None:
        return str(own.url), []
    return str(own.url), [read_secret(await store.get(own.secret_key), whose=f"job {job_id}'s webhook")]


async def _own(store: Store, job_id: str) -> JobWebhook | None:
    """The address that a job's own request names."""
    try:
        return reading.read(JobRequest, await store.get(keys.request(job_id)), strict=False).webhook
    except NotFound:
        return None
    except ValidationError:
        log.warning("a job's request cannot be read", job=job_id)
        return None
