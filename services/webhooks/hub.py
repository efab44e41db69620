"""Tells a WebSub hub that a public show's feed has something new, so that clients need not wait for their next look.

One POST, and no more: a hub that misses it looks at the feed by itself sooner or later, and neither a job nor a webhook
waits for it. Source: W3C WebSub, 5; the form of the notification is what hubs have in common
(https://pubsubhubbub.github.io/PubSubHubbub/pubsubhubbub-core-0.4.html, 7.1).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

import structlog

from services.webhooks import sending
from shared.checked_network import Resolve, resolve
from shared.client import shows
from shared.errors import NotFound, PodcastError
from shared.protocol.messages import JobCompleted
from shared.settings import Settings
from shared.store import job_request
from shared.store.port import Store

log = structlog.get_logger(__name__)

_DEADLINE_SECONDS: Final = 10.0
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


async def tell(event: JobCompleted, *, store: Store, settings: Settings, resolve: Resolve = resolve) -> None:
    """Tell the hub, if there is one and the job is an episode of a public show. A hub's failure is logged, and no more.

    Raises:
        StoreDown: the store does not answer.
    """
    if not settings.websub_hub or not settings.public_url:
        return
    feed = await _feed_of(event.job_id, store=store, settings=settings)
    if feed is None:
        return
    try:
        await sending.post(
            settings.websub_hub,
            urlencode({"hub.mode": "publish", "hub.url": feed}).encode(),
            headers=_FORM,
            deadline_seconds=_DEADLINE_SECONDS,
            connect_timeout_seconds=settings.connect_timeout_seconds,
            allowed=settings.webhook_allowed,
            resolve=resolve,
        )
    except PodcastError as error:
        log.warning("the hub was not told", job=event.job_id, reason=error.message)


async def _feed_of(job_id: str, *, store: Store, settings: Settings) -> str | None:
    """The address of the public feed that the job's episode is in."""
    request = await job_request.readable(store, job_id)
    if request is None or request.show is None:
        return None
    try:
        show = await shows.find(store, request.show.show_id)
    except (NotFound, shows.UnreadableShow):
        return None
    return settings.public_url + shows.feed_path(show.show_id) if show.visibility == "public" else None
