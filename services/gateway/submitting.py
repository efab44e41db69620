"""Submits a job for a client. Publishes job.submitted, once everything that it names is in the store.

With an idempotency key the same request makes one job, however often and wherever it arrives. See
`shared.client.idempotency`.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial

from services.gateway.backend import Backend
from services.gateway.gateway_errors import KeyReused
from services.gateway.job_order import Asked, JobDocument
from shared.client import idempotency, submission
from shared.client.submission import Draft
from shared.client.webhook_addresses import checked_url
from shared.deadlines import in_thread
from shared.errors import BrokerDown, Outage
from shared.protocol.messages import JobRequest, ObjectSource, UrlSource


async def submit(asked: Asked, *, backend: Backend, owner: str, key: str | None = None) -> str:
    """Submit a job; its id. Returns when the broker has confirmed it.

    Args:
        asked: what the client asks for.
        backend: of this gateway.
        owner: the id of the client's API key.
        key: the client's idempotency key.

    Raises:
        BadInput: something in the request makes no sense.
        ForbiddenAddress: its address leads where strangers may not make us connect to; nothing was stored.
        KeyReused: the idempotency key came with another request before; nothing was stored.
        StoreDown, BrokerDown: a server does not answer.
    """
    draft = await in_thread(partial(asked.draft, backend.settings))
    source = draft.request.source
    if isinstance(source, UrlSource):
        await backend.addresses.check(asked.document.url or "", str(source.url))
    if asked.document.webhook_url is not None:
        checked_url(asked.document.webhook_url, allowed=backend.settings.webhook_allowed)
    trouble = backend.link.trouble()
    if trouble:  # before anything is stored that could not be announced
        raise BrokerDown(trouble, hint=_hint(key))
    try:
        if key is None:
            await _hand_over(draft, backend)
            return draft.request.job_id
        return await _once(asked, draft, backend=backend, owner=owner, key=key)
    except Outage as error:
        error.hint = _hint(key)
        raise


async def _once(asked: Asked, draft: Draft, *, backend: Backend, owner: str, key: str) -> str:
    mine = draft.request.job_id
    claimed = await idempotency.claim(
        backend.store, owner=owner, key=key, fingerprint=fingerprint(asked.document, draft.request), job_id=mine
    )
    if claimed.fingerprint != fingerprint(asked.document, draft.request):
        raise KeyReused("This Idempotency-Key was used with another request.", hint="Use a new key for a new request.")
    if claimed.published:
        return claimed.job_id
    if claimed.job_id != mine:  # of a request that is under way, or was never finished
        draft = await in_thread(partial(asked.draft, backend.settings, job_id=claimed.job_id))
    await _hand_over(draft, backend)
    await idempotency.settle(backend.store, owner=owner, key=key, claimed=claimed)
    return claimed.job_id


async def _hand_over(draft: Draft, backend: Backend) -> None:
    await submission.hand_over(draft, store=backend.store, publish=backend.publish)


def fingerprint(document: JobDocument, request: JobRequest) -> str:
    """What identifies a request: its document, and the digests of its files, which the keys of their objects have.

    Defaults are left out, so that a gateway of the next version, with one more option, finds the request the same.
    """
    source = request.source
    names = [source.key.rsplit("/", 1)[1], source.name] if isinstance(source, ObjectSource) else []
    cover = request.cover.rsplit("/", 1)[1] if request.cover else ""
    parts = [document.model_dump(mode="json", exclude_defaults=True), names, cover]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _hint(key: str | None) -> str:
    if key is not None:
        return "Send the same request with the same Idempotency-Key again; it makes one job."
    return "Send it again later; with an Idempotency-Key it makes one job, however often it is sent."
