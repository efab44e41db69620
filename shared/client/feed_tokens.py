"""Tokens that open a private show's feed: in the feed's address, one for each subscriber, each revoked on its own.

A token is `pf_<id>_<secret>`. The store has the SHA-256 of the secret alone; since the secret is 128 random bits, a
slow hash would add nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from typing import Final, Literal

from pydantic import Field, ValidationError

from shared.concurrency import gathered
from shared.errors import BadInput, NotFound
from shared.protocol import reading
from shared.protocol.messages import Frozen, Line
from shared.store import changing, keys
from shared.store.port import Store
from shared.text import one_line

TOKEN_ID: Final = r"^[0-9a-f]{12}$"  # noqa: S105 - a pattern
PARAMETER: Final = "token"
"""Of the query of a feed's address."""
TOKENS_LIMIT: Final = 10_000
"""Of a show; each is read when they are listed."""
_TOKEN_ID: Final = re.compile(TOKEN_ID)
_TOKEN: Final = re.compile(r"pf_([0-9a-f]{12})_([0-9a-f]{32})")
_READ_AT_A_TIME: Final = 16


class FeedToken(Frozen):
    """A token as the store has it: `shows/<show>/tokens/<id>.json`."""

    version: Literal[1] = 1
    token_id: str = Field(pattern=TOKEN_ID, description="names the token; it does not open anything")
    name: Line = Field("", max_length=100, description="whose it is, for people")
    secret_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    created_at: float = Field(strict=False, description="seconds since the epoch")
    revoked_at: float | None = Field(None, strict=False, description="seconds since the epoch; None: it is valid")


async def add(store: Store, show_id: str, *, name: str) -> tuple[FeedToken, str]:
    """Make a token of a show that exists; it is stored nowhere, and shown only this once.

    Raises:
        BadInput: the name cannot be used, or there are as many tokens as there may be.
        StoreDown: the store does not answer.
    """
    if len(await ids(store, show_id)) >= TOKENS_LIMIT and not await _forget_revoked(store, show_id):
        raise BadInput(
            f"The show has {TOKENS_LIMIT:,} tokens, which is the limit.",
            hint="Revoke those that nobody uses: `podcast shows tokens revoke`.",
        )
    token_id, secret = secrets.token_hex(6), secrets.token_hex(16)
    try:
        made = FeedToken(token_id=token_id, name=name, secret_sha256=_hash(secret), created_at=time.time())
    except ValidationError as error:
        raise BadInput(
            "The name of the token cannot be used.", hint="Write one line of at most 100 characters."
        ) from error
    await store.create(
        keys.show_token(show_id, token_id), made.model_dump_json().encode(), content_type="application/json"
    )
    return made, f"pf_{token_id}_{secret}"


async def opens(store: Store, show_id: str, token: str) -> bool:
    """Whether this is a valid token of the show.

    Raises:
        StoreDown: the store does not answer.
    """
    found = _TOKEN.fullmatch(token)
    if found is None:
        return False
    try:
        known = reading.read(FeedToken, await store.get(keys.show_token(show_id, found[1])), strict=False)
    except (NotFound, ValidationError):
        return False
    return hmac.compare_digest(_hash(found[2]), known.secret_sha256) and known.revoked_at is None


async def ids(store: Store, show_id: str) -> list[str]:
    """The ids of all tokens of a show, revoked ones too.

    Raises:
        StoreDown: the store does not answer.
    """
    prefix = keys.show_token(show_id, "").removesuffix(".json")
    found = [name.removeprefix(prefix).removesuffix(".json") async for name in store.list(prefix)]
    return [token_id for token_id in found if _TOKEN_ID.fullmatch(token_id)]


async def listed(store: Store, show_id: str) -> list[FeedToken]:
    """All tokens of a show, oldest first.

    Raises:
        StoreDown: the store does not answer.
    """

    async def look(token_id: str) -> FeedToken | None:
        try:
            return reading.read(FeedToken, await store.get(keys.show_token(show_id, token_id)), strict=False)
        except (NotFound, ValidationError):
            return None

    found = await gathered(look, await ids(store, show_id), at_a_time=_READ_AT_A_TIME)
    return sorted((one for one in found if one is not None), key=lambda one: (one.created_at, one.token_id))


async def revoke(store: Store, show_id: str, token_id: str) -> FeedToken:
    """Make a token invalid, from the next request on.

    Raises:
        NotFound: there is no such token.
        StoreDown: the store does not answer.
    """
    key = keys.show_token(show_id, token_id if _TOKEN_ID.fullmatch(token_id) else "none")

    async def known() -> tuple[FeedToken, str]:
        try:
            data, version = await store.get_versioned(key)
            return reading.read(FeedToken, data, strict=False), version
        except (NotFound, ValidationError) as error:
            raise NotFound(
                f"The show {one_line(show_id)} has no token {one_line(token_id)}.",
                hint=f"`podcast shows tokens list {one_line(show_id)}` lists them.",
            ) from error

    now = time.time()
    return await changing.changed(
        store, key, known, lambda one: one if one.revoked_at is not None else one.model_copy(update={"revoked_at": now})
    )


async def _forget_revoked(store: Store, show_id: str) -> int:
    """Remove the records of revoked tokens, which open nothing even without them; returns how many there were."""
    revoked = [one for one in await listed(store, show_id) if one.revoked_at is not None]

    async def remove(token: FeedToken) -> None:
        await store.delete(keys.show_token(show_id, token.token_id))

    await gathered(remove, revoked, at_a_time=_READ_AT_A_TIME)
    return len(revoked)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
