"""`/v1/shows/{show_id}/episodes`: the episodes of a show, also those that cannot be heard yet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import JsonValue

from services.gateway import audit, show_documents
from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.pages import LINK_HEADER, PageLimit, link_next
from services.gateway.problems import documented
from services.gateway.show_addresses import ShowAddresses
from services.gateway.show_documents import EpisodeChange, EpisodeList, EpisodeShown
from services.gateway.show_feed_access import TheShowId, public_url, renderings
from shared.client import show_episodes, shows
from shared.client.show_renderings import Listing
from shared.errors import NotFound
from shared.protocol.episode_of_show import EpisodeId
from shared.protocol.shows import EpisodeRecord

router = APIRouter(prefix="/v1/shows/{show_id}/episodes", tags=["show episodes"], route_class=GuardedRoute)

TheEpisode = Annotated[EpisodeId, Path(description="the episode", examples=["01939d2e-6f3a-7c8b-9f10-2b3c4d5e6f70"])]
Cursor = Annotated[EpisodeId | None, Query(description="`next` of the page before")]


@router.get("", responses={**documented(404), 200: {"headers": LINK_HEADER}})
@needs("read")
async def page(  # noqa: PLR0917 - FastAPI passes them by name
    show_id: TheShowId,
    request: Request,
    backend: TheBackend,
    response: Response,
    limit: PageLimit = 50,
    cursor: Cursor = None,
) -> EpisodeList:
    """The episodes of a show, newest first; those without `links` are not completed. Needs the scope `read`."""
    await shows.find(backend.store, show_id)
    listing = await renderings(request).listing(show_id)
    records = sorted(listing.records, key=_age)
    if cursor is not None:
        at = next((at for at, record in enumerate(records) if record.episode_id == cursor), len(records))
        records = records[at + 1 :]
    following = records[limit - 1].episode_id if len(records) > limit else None
    link_next(request, response, following)
    addresses = ShowAddresses(public_url(request, backend.settings), show_id)
    return EpisodeList(episodes=[_shown(listing, one, addresses) for one in records[:limit]], next=following)


@router.get("/{episode_id}", responses=documented(404))
@needs("read")
async def episode(show_id: TheShowId, episode_id: TheEpisode, request: Request, backend: TheBackend) -> EpisodeShown:
    """An episode of a show. Needs the scope `read`."""
    listing = await renderings(request).listing(show_id)
    addresses = ShowAddresses(public_url(request, backend.settings), show_id)
    for record in listing.records:
        if record.episode_id == episode_id:
            return _shown(listing, record, addresses)
    raise NotFound("The show has no such episode.", hint=f"`GET /v1/shows/{show_id}/episodes` lists them.")


@router.patch("/{episode_id}", responses=documented(400, 404, 413))
@needs("operate")
async def change(
    show_id: TheShowId, episode_id: TheEpisode, wanted: EpisodeChange, request: Request, backend: TheBackend
) -> EpisodeShown:
    """Change what the feed says of an episode, or hide it. Needs the scope `operate`."""
    given = wanted.model_dump(mode="json", exclude_unset=True)
    fields: list[JsonValue] = [*sorted(given)]
    async with audit.record(request, "show.episode.change", f"{show_id}/{episode_id}", fields=fields):
        after = await show_episodes.change(
            backend.store, show_id, episode_id, lambda before: show_episodes.changed_record(before, given)
        )
    listing = await renderings(request).listing(show_id)
    return _shown(listing, after, ShowAddresses(public_url(request, backend.settings), show_id))


def _age(record: EpisodeRecord) -> tuple[float, str]:
    return -record.appears_at, record.episode_id


def _shown(listing: Listing, record: EpisodeRecord, addresses: ShowAddresses) -> EpisodeShown:
    own = (one.rendering for one in listing.heard if one.record.episode_id == record.episode_id)
    return show_documents.episode_shown(record, next(own, None), addresses)
