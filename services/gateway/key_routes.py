"""`/v1/keys`: the keys of this API. Answers from the store, writes them there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.gateway import audit
from services.gateway.access import GuardedRoute, caller, guard, needs
from services.gateway.backend import TheBackend
from services.gateway.gateway_errors import OwnKey, ScopeMissing
from services.gateway.json_types import WHOLE
from services.gateway.pages import PageLimit, link_next
from services.gateway.problems import documented
from shared.client import api_keys
from shared.client.api_keys import KEY_ID, LIMIT_MOST, ApiKey, Scope
from shared.errors import NotFound
from shared.protocol.messages import Line

router = APIRouter(prefix="/v1/keys", tags=["keys"], route_class=GuardedRoute)

KeyId = Annotated[str, Path(pattern=KEY_ID, description="the key's id", examples=["0123456789ab"])]


class KeyWanted(BaseModel):
    """A key to create."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Line = Field(min_length=1, max_length=100, description="a name for people", examples=["phone"])
    scopes: list[Scope] = Field(
        ["submit", "read"], min_length=1, max_length=3, description="what it may do; only scopes that your own key has"
    )
    requests_per_minute: Annotated[int, Field(ge=1, le=LIMIT_MOST), WHOLE] | None = Field(
        None, description="its limit, not higher than your own; null: the gateway's default"
    )


class KeyShown(BaseModel):
    """A key, without its secret."""

    id: str = Field(description="names the key in logs and in the audit log", examples=["0123456789ab"])
    name: str = Field(description="a name for people")
    scopes: list[Scope] = Field(description="what it may do")
    requests_per_minute: int | None = Field(description="its limit; null: the gateway's default")
    created_at: float = Field(description="seconds since the epoch")
    revoked_at: float | None = Field(description="seconds since the epoch; null: it is valid")


class KeyMade(KeyShown):
    """A new key."""

    key: str = Field(description="the key itself; it is shown only this once")


class KeyList(BaseModel):
    """A page of keys."""

    keys: list[KeyShown] = Field(description="by id")
    next: str | None = Field(description="the `cursor` of the next page; null: this is the last")


@router.get("", responses=documented())
@needs("operate")
async def list_keys(
    request: Request,
    backend: TheBackend,
    response: Response,
    limit: PageLimit = 50,
    cursor: Annotated[str | None, Query(pattern=KEY_ID, description="`next` of the previous page")] = None,
) -> KeyList:
    """All keys, including revoked ones. Needs the scope `operate`."""
    found, more = await api_keys.page(backend.store, limit=limit, after=cursor or "")
    link_next(request, response, more)
    return KeyList(keys=[_shown(key) for key in found], next=more)


@router.post("", status_code=201, responses=documented(400))
@needs("operate")
async def make_key(wanted: KeyWanted, request: Request, backend: TheBackend, response: Response) -> KeyMade:
    """Create a key; it is shown only in this response. Needs the scope `operate`."""
    own = caller(request)
    missing = sorted(set(wanted.scopes) - own.scopes)
    if missing:
        raise ScopeMissing(
            f"A key cannot grant scopes that it does not have: {', '.join(missing)}.", hint="Use a key that has them."
        )
    limit = wanted.requests_per_minute
    if own.is_limited:
        limit = min(limit or own.requests_per_minute, own.requests_per_minute)
    token = api_keys.new_token()
    scopes = tuple(dict.fromkeys(wanted.scopes))
    key = api_keys.key_of(token, name=wanted.name, scopes=scopes, requests_per_minute=limit)
    async with audit.record(request, "key.add", key.key_id, name=key.name, scopes=list(scopes), limit=limit):
        await api_keys.add(backend.store, key)
    response.headers["Location"] = f"/v1/keys/{key.key_id}"
    return KeyMade(**_shown(key).model_dump(), key=token)


@router.get("/{key_id}", responses=documented(404))
@needs("operate")
async def show_key(key_id: KeyId, backend: TheBackend) -> KeyShown:
    """A valid key; revoked ones are only in the list. Needs the scope `operate`."""
    key = await api_keys.known(backend.store, key_id)
    if key.revoked_at is not None:
        raise NotFound(f"The key {key_id} was revoked.", hint="Create a new one with POST /v1/keys.")
    return _shown(key)


@router.delete("/{key_id}", responses=documented(404, 409))
@needs("operate")
async def revoke_key(key_id: KeyId, request: Request, backend: TheBackend) -> KeyShown:
    """Revoke a key; within seconds no gateway accepts it any more. Needs the scope `operate`."""
    if guard(request).is_own(key_id):
        raise OwnKey("This key is the gateway's own.", hint="It is set by PODCAST_GATEWAY_KEY.")
    async with audit.record(request, "key.revoke", key_id):
        return _shown(await api_keys.revoke(backend.store, key_id))


def _shown(key: ApiKey) -> KeyShown:
    return KeyShown(
        id=key.key_id,
        name=key.name,
        scopes=list(key.scopes),
        requests_per_minute=key.requests_per_minute,
        created_at=key.created_at,
        revoked_at=key.revoked_at,
    )
