"""`/v1/feeds`: feeds whose items become episodes. Publishes feed.poll."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import JsonValue

from services.gateway import audit
from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.feed_documents import EXAMPLE_ID, FeedChange, FeedList, FeedShown, FeedWanted
from services.gateway.pages import LINK_HEADER, PageLimit, link_next
from services.gateway.problems import documented
from shared.client.feeds import documents, stored
from shared.client.feeds.model import Feed
from shared.protocol.messages import FEED_ID

router = APIRouter(prefix="/v1/feeds", tags=["feeds"], route_class=GuardedRoute)

TheFeedId = Annotated[
    str,
    Path(
        pattern=rf"^{FEED_ID.pattern}$", max_length=35, description="the feed", examples=[EXAMPLE_ID], alias="feed_id"
    ),
]
Cursor = Annotated[
    str | None, Query(pattern=rf"^{FEED_ID.pattern}$", max_length=35, description="`next` of the page before")
]


@router.post("", status_code=201, responses=documented(400, 409, 413))
@needs("operate")
async def create(wanted: FeedWanted, request: Request, backend: TheBackend, response: Response) -> FeedShown:
    """Add a feed; it is polled within seconds, if the service `feeds` runs. Needs the scope `operate`."""
    url = stored.checked_url(wanted.url)
    await backend.addresses.check(wanted.url, url)
    made = stored.new_feed(url, title=wanted.title, rules=documents.rules_of(wanted.rules.given()))
    await stored.check_show(backend.store, made.rules)
    async with audit.record(request, "feed.add", made.feed_id):
        await stored.add(backend.store, made)
    response.headers["Location"] = f"/v1/feeds/{made.feed_id}"
    return _shown(made)


@router.get("", responses={**documented(), 200: {"headers": LINK_HEADER}})
@needs("operate")
async def page(
    request: Request, backend: TheBackend, response: Response, limit: PageLimit = 50, cursor: Cursor = None
) -> FeedList:
    """The feeds, in the order of their ids. An address may be a secret, so this needs the scope `operate`."""
    ids = await stored.ids(backend.store, after=cursor or "", limit=limit + 1)
    found = await stored.some(backend.store, ids[:limit])
    following = ids[limit - 1] if len(ids) > limit else None
    link_next(request, response, following)
    return FeedList(feeds=[_shown(feed) for feed in found], next=following)


@router.get("/{feed_id}", responses=documented(404))
@needs("operate")
async def show(feed_id: TheFeedId, backend: TheBackend) -> FeedShown:
    """A feed, with what became of its latest items. Needs the scope `operate`."""
    return _shown(await stored.find(backend.store, feed_id))


@router.patch("/{feed_id}", responses=documented(400, 404, 413))
@needs("operate")
async def change(feed_id: TheFeedId, wanted: FeedChange, request: Request, backend: TheBackend) -> FeedShown:
    """Change a feed, pause it, or resume it. Needs the scope `operate`."""
    fields: list[JsonValue] = [*sorted(wanted.model_fields_set)]
    rules = wanted.rules.given() if wanted.rules is not None else {}
    async with audit.record(request, "feed.change", feed_id, fields=fields):
        changed = await stored.edit(backend.store, feed_id, title=wanted.title, rules=rules, paused=wanted.paused)
    return _shown(changed)


@router.delete("/{feed_id}", status_code=204, responses=documented(404))
@needs("operate")
async def delete(feed_id: TheFeedId, request: Request, backend: TheBackend) -> None:
    """Remove a feed; its jobs stay. Added again, it makes no job of an item twice. Needs the scope `operate`."""
    async with audit.record(request, "feed.delete", feed_id):
        await stored.remove(backend.store, feed_id)


@router.post("/{feed_id}/poll", status_code=202, responses=documented(404, 409))
@needs("operate")
async def poll(feed_id: TheFeedId, backend: TheBackend) -> FeedShown:
    """Have a feed polled now; what it finds is shown with the feed. Needs the scope `operate`."""
    feed = await stored.find(backend.store, feed_id)
    await backend.publish(stored.poll_request(feed))
    return _shown(feed)


def _shown(feed: Feed) -> FeedShown:
    return FeedShown.model_validate(documents.document(feed))
