"""Keys for the HTTP API: hashed at rest, each with its scopes and its limit.

A key is `pe_<id>_<secret>`. The store has the SHA-256 of the secret alone; since the secret is 256 random bits, a slow
hash would add nothing. The id is public: it appears in logs, in the audit log and in `podcast keys list`.
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
from shared.store.port import PAGE, Store
from shared.text import one_line

Scope = Literal["submit", "read", "operate"]
"""`submit`: jobs, speech, previews. `read`: jobs, events, episodes, shows, queues, voices. `operate`: cancel, retry,
delete, dead letters, shows, feeds, webhook endpoints, keys."""
SCOPES: Final[tuple[Scope, ...]] = ("submit", "read", "operate")

KEY_ID: Final = r"^[0-9a-f]{12}$"
LIMIT_MOST: Final = 1_000_000
"""Requests a minute; a higher limit is none."""
_KEY_ID: Final = re.compile(KEY_ID)
_TOKEN: Final = re.compile(r"pe_([0-9a-f]{12})_([0-9a-f]{64})")
_READS_AT_A_TIME: Final = 16


class ApiKey(Frozen):
    """A key as the store has it: `access/keys/<id>.json`."""

    version: Literal[1] = 1
    key_id: str = Field(pattern=KEY_ID, description="public; names the key in logs")
    name: Line = Field(description="what people call it")
    scopes: tuple[Scope, ...] = Field(min_length=1, max_length=len(SCOPES))
    secret_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    requests_per_minute: int | None = Field(None, ge=1, le=LIMIT_MOST, description="None: the setting's")
    created_at: float = Field(strict=False, description="seconds since the epoch")
    revoked_at: float | None = Field(None, strict=False, description="seconds since the epoch; None: it is valid")


def parse(token: str) -> tuple[str, str] | None:
    """The id and the secret in a key; None if it has not the form of a key."""
    found = _TOKEN.fullmatch(token)
    return (found[1], found[2]) if found else None


def checked_id(key_id: str) -> str:
    """The id, if it has the form of one.

    Raises:
        BadInput: it has not.
    """
    if not _KEY_ID.fullmatch(key_id):
        raise BadInput(f"“{one_line(key_id)}” is no id of a key.", hint="`podcast keys list` shows the ids.")
    return key_id


def new_token() -> str:
    """A new key, as it is handed to its user; it is stored nowhere."""
    return f"pe_{secrets.token_hex(6)}_{secrets.token_hex(32)}"


def key_of(token: str, *, name: str, scopes: tuple[Scope, ...], requests_per_minute: int | None = None) -> ApiKey:
    """What the store keeps of a key.

    Raises:
        BadInput: a value cannot be used.
    """
    parsed = parse(token)
    if parsed is None:
        raise BadInput("This is no key of the API.", hint="A key begins with pe_; `podcast keys add` makes one.")
    if not name.strip():
        raise BadInput("The key has no name.", hint="Name it after the person or program that will use it.")
    key_id, secret = parsed
    try:
        return ApiKey(
            key_id=key_id,
            name=name,
            scopes=scopes,
            secret_sha256=_hash(secret),
            requests_per_minute=requests_per_minute,
            created_at=time.time(),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"The key's {first['loc'][0]} cannot be used: {first['msg']}.") from error


def opens(key: ApiKey, secret: str) -> bool:
    """Whether the secret is that of the key; takes the same time whatever the secret is."""
    return hmac.compare_digest(_hash(secret), key.secret_sha256)


async def add(store: Store, key: ApiKey) -> None:
    """Store a key, from when on it is valid.

    Raises:
        Conflict: there is a key with this id.
        StoreDown: the store does not answer.
    """
    await store.create(keys.api_key(key.key_id), key.model_dump_json().encode(), content_type="application/json")


async def find(store: Store, key_id: str) -> ApiKey | None:
    """The key with this id; None if there is none, or if what the store has cannot be read.

    Raises:
        StoreDown: the store does not answer.
    """
    try:
        return reading.read(ApiKey, await store.get(keys.api_key(key_id)), strict=False)
    except (NotFound, ValidationError):
        return None


async def known(store: Store, key_id: str) -> ApiKey:
    """The key with this id.

    Raises:
        NotFound: there is none.
        StoreDown: the store does not answer.
    """
    found = await find(store, key_id)
    if found is None:
        raise NotFound(f"There is no key {one_line(key_id)}.", hint="`podcast keys list` lists the keys there are.")
    return found


async def ids(store: Store) -> list[str]:
    """The ids of all keys, revoked ones too; they sort by chance.

    Raises:
        StoreDown: the store does not answer.
    """
    found: list[str] = []
    after = ""
    while page := await store.page(keys.API_KEYS, after=after, limit=PAGE):
        found += [name.removeprefix(keys.API_KEYS).removesuffix(".json") for name in page]
        if len(page) < PAGE:
            break
        after = page[-1]
    return [key_id for key_id in found if _KEY_ID.fullmatch(key_id)]


async def page(store: Store, *, limit: int, after: str = "") -> tuple[list[ApiKey], str | None]:
    """At most `limit` keys whose ids come after `after`, and the `after` of the next page; None at the end.

    Raises:
        StoreDown: the store does not answer.
    """
    rest = sorted(key_id for key_id in await ids(store) if key_id > after)
    found = await gathered(lambda key_id: find(store, key_id), rest[:limit], at_a_time=_READS_AT_A_TIME)
    return [key for key in found if key is not None], rest[limit - 1] if len(rest) > limit else None


async def listed(store: Store) -> list[ApiKey]:
    """All keys, oldest first.

    Raises:
        StoreDown: the store does not answer.
    """
    found = await gathered(lambda key_id: find(store, key_id), await ids(store), at_a_time=_READS_AT_A_TIME)
    return sorted((key for key in found if key is not None), key=lambda key: (key.created_at, key.key_id))


async def revoke(store: Store, key_id: str) -> ApiKey:
    """Make a key invalid; gateways notice within seconds.

    Raises:
        BadInput: this is no id.
        NotFound: there is no such key.
        StoreDown: the store does not answer.
    """
    checked_id(key_id)

    async def versioned() -> tuple[ApiKey, str]:
        try:
            data, version = await store.get_versioned(keys.api_key(key_id))
            return reading.read(ApiKey, data, strict=False), version
        except (NotFound, ValidationError) as error:
            raise NotFound(
                f"There is no key {one_line(key_id)}.", hint="`podcast keys list` lists the keys there are."
            ) from error

    now = time.time()
    return await changing.changed(
        store,
        keys.api_key(key_id),
        versioned,
        lambda one: one if one.revoked_at is not None else one.model_copy(update={"revoked_at": now}),
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
