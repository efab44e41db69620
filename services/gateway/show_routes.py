"""`/v1/shows`: shows, their covers and the tokens of their private feeds. Answers from the store, writes them there."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import JsonValue

from services.gateway import audit, bodies, show_documents
from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.pages import LINK_HEADER, PageLimit, link_next
from services.gateway.problems import documented
from services.gateway.show_addresses import ShowAddresses
from services.gateway.show_documents import (
    ShowChange,
    ShowList,
    ShowShown,
    ShowWanted,
    TokenList,
    TokenMade,
    TokenShown,
    TokenWanted,
)
from services.gateway.show_feed_access import TheShowId, public_url
from shared.client import feed_tokens, shows
from shared.client.feed_tokens import TOKEN_ID
from shared.protocol.episode_of_show import SHOW_ID, SHOW_ID_LIMIT_CHARACTERS

router = APIRouter(prefix="/v1/shows", tags=["shows"], route_class=GuardedRoute)

_PICTURE_TYPES: Final = ("image/jpeg", "image/png")
_COVER_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {key: {"schema": {"type": "string", "format": "binary"}} for key in _PICTURE_TYPES},
    }
}
Cursor = Annotated[
    str | None,
    Query(
        pattern=rf"^{SHOW_ID.pattern}$", max_length=SHOW_ID_LIMIT_CHARACTERS, description="`next` of the page before"
    ),
]
TokenId = Annotated[str, Path(pattern=TOKEN_ID, description="the token", examples=["0123456789ab"])]


@router.post("", status_code=201, responses=documented(400, 409, 413))
@needs("operate")
async def create(wanted: ShowWanted, request: Request, backend: TheBackend, response: Response) -> ShowShown:
    """Create a show. Needs the scope `operate`."""
    given = {name: value for name, value in wanted.model_dump(mode="json").items() if value is not None}
    show_id = given.pop("show_id")
    made = shows.new_show(show_id, given, public_url=backend.settings.public_url)
    async with audit.record(request, "show.create", show_id):
        await shows.create(backend.store, made)
    response.headers["Location"] = f"/v1/shows/{show_id}"
    return show_documents.shown(made, public_url(request, backend.settings))


@router.get("", responses={**documented(), 200: {"headers": LINK_HEADER}})
@needs("read")
async def page(
    request: Request, backend: TheBackend, response: Response, limit: PageLimit = 50, cursor: Cursor = None
) -> ShowList:
    """The shows. Needs the scope `read`."""
    rest = [show_id for show_id in await shows.ids(backend.store) if show_id > (cursor or "")]
    found = await shows.some(backend.store, rest[:limit])
    following = rest[limit - 1] if len(rest) > limit else None
    link_next(request, response, following)
    base = public_url(request, backend.settings)
    return ShowList(shows=[show_documents.shown(show, base) for show in found], next=following)


@router.get("/{show_id}", responses=documented(404))
@needs("read")
async def show(show_id: TheShowId, request: Request, backend: TheBackend) -> ShowShown:
    """A show. Needs the scope `read`."""
    found = await shows.find(backend.store, show_id)
    return show_documents.shown(found, public_url(request, backend.settings))


@router.patch("/{show_id}", responses=documented(400, 404, 413))
@needs("operate")
async def change(show_id: TheShowId, wanted: ShowChange, request: Request, backend: TheBackend) -> ShowShown:
    """Change a show. Jobs that were submitted before keep what they have taken from it. Needs the scope `operate`."""
    given = wanted.model_dump(mode="json", exclude_unset=True)
    fields: list[JsonValue] = [*sorted(given)]
    async with audit.record(request, "show.change", show_id, fields=fields):
        after = await shows.change(backend.store, show_id, lambda before: shows.changed_show(before, given))
    return show_documents.shown(after, public_url(request, backend.settings))


@router.delete("/{show_id}", status_code=204, responses=documented(404))
@needs("operate")
async def delete(show_id: TheShowId, request: Request, backend: TheBackend) -> None:
    """Delete a show: its feed is gone, its jobs and their audio stay. Needs the scope `operate`."""
    async with audit.record(request, "show.delete", show_id):
        await shows.remove(backend.store, show_id)


@router.put("/{show_id}/cover", responses=documented(404, 413, 415), openapi_extra=_COVER_BODY)
@needs("operate")
async def set_cover(show_id: TheShowId, request: Request, backend: TheBackend) -> ShowShown:
    """Give a show a cover: a JPEG or PNG. Needs the scope `operate`."""
    if bodies.media_type(request) not in _PICTURE_TYPES:
        raise HTTPException(415, f"A cover is {' or '.join(_PICTURE_TYPES)}.")
    picture = bytearray()
    async for portion in bodies.portions(request, seconds=backend.settings.gateway_request_seconds):
        picture += portion
        if len(picture) > shows.COVER_LIMIT_BYTES:
            break  # which is refused below
    async with audit.record(request, "show.cover", show_id):
        after = await shows.set_cover(backend.store, show_id, bytes(picture))
    return show_documents.shown(after, public_url(request, backend.settings))


@router.post("/{show_id}/tokens", status_code=201, responses=documented(400, 404, 413))
@needs("operate")
async def add_token(show_id: TheShowId, wanted: TokenWanted, request: Request, backend: TheBackend) -> TokenMade:
    """Make an address that opens a private feed, for one subscriber. Needs the scope `operate`."""
    await shows.find(backend.store, show_id)
    async with audit.record(request, "show.token.add", show_id) as results:
        made, token = await feed_tokens.add(backend.store, show_id, name=wanted.name)
        results["token"] = made.token_id
    address = ShowAddresses(public_url(request, backend.settings), show_id, token).feed()
    return TokenMade(**show_documents.token_shown(made).model_dump(), feed_url=address)


@router.get("/{show_id}/tokens", responses=documented(404))
@needs("operate")
async def tokens(show_id: TheShowId, backend: TheBackend) -> TokenList:
    """The tokens of a show, revoked ones too, without their secrets. Needs the scope `operate`."""
    await shows.find(backend.store, show_id)
    found = await feed_tokens.listed(backend.store, show_id)
    return TokenList(tokens=[show_documents.token_shown(one) for one in found])


@router.delete("/{show_id}/tokens/{token_id}", responses=documented(404))
@needs("operate")
async def revoke_token(show_id: TheShowId, token_id: TokenId, request: Request, backend: TheBackend) -> TokenShown:
    """Revoke a token: its address opens nothing more. Needs the scope `operate`."""
    async with audit.record(request, "show.token.revoke", show_id, token=token_id):
        return show_documents.token_shown(await feed_tokens.revoke(backend.store, show_id, token_id))
