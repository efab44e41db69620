"""Shows: `shows/<show>/show.json` in the store, created once and changed by conditional writes."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from shared import pictures
from shared.client.deleting import delete_all
from shared.concurrency import gathered
from shared.errors import BadInput, BadSource, Conflict, NotFound, Permanent, TooLarge
from shared.protocol import reading
from shared.protocol.episode_of_show import SHOW_ID, SHOW_ID_LIMIT_CHARACTERS
from shared.protocol.shows import Show
from shared.store import changing, keys
from shared.store.port import PAGE, Store
from shared.text import one_line

GUID_NAMESPACE: Final = uuid.UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")
"""Of `podcast:guid`. Source: the podcast namespace, docs/tags/guid.md."""
FEED_NAME: Final = "feed.xml"
COVER_LIMIT_BYTES: Final = 8_000_000
"""What the assembler takes: the show's cover is in the files of its episodes."""
_READ_AT_A_TIME: Final = 16
_FIXED: Final = frozenset({"version", "show_id", "guid", "created_at", "updated_at", "cover"})
"""Fields that nobody sets directly."""


class UnreadableShow(Permanent):
    """What the store has of a show cannot be read."""


def feed_path(show_id: str) -> str:
    """The path of a show's feed at the gateway."""
    return f"/shows/{show_id}/{FEED_NAME}"


def guid_of(feed_url: str) -> str:
    """The `podcast:guid` of a feed at this address: a UUIDv5 of it without its scheme and trailing slashes."""
    return str(uuid.uuid5(GUID_NAMESPACE, feed_url.partition("://")[2].rstrip("/")))


def checked_id(show_id: str) -> str:
    """The id, if a show may have it.

    Raises:
        BadInput: it may not.
    """
    if not SHOW_ID.fullmatch(show_id) or len(show_id) > SHOW_ID_LIMIT_CHARACTERS:
        raise BadInput(
            f"“{one_line(show_id)}” cannot be the id of a show.",
            hint="An id has small letters, digits and single hyphens, as in my-show, and at most"
            f" {SHOW_ID_LIMIT_CHARACTERS} characters.",
        )
    return show_id


def new_show(show_id: str, fields: Mapping[str, Any], *, public_url: str) -> Show:
    """A new show, not stored yet.

    Args:
        show_id: a part of the address of its feed.
        fields: of `Show`.
        public_url: where the gateway is reached from outside; empty: that is not known, and the guid is random.

    Raises:
        BadInput: a value cannot be used.
    """
    checked_id(show_id)
    now = time.time()
    guid = guid_of(public_url.rstrip("/") + feed_path(show_id)) if public_url else str(uuid.uuid4())
    return _valid({**fields, "show_id": show_id, "guid": guid, "created_at": now, "updated_at": now})


def changed_show(show: Show, fields: Mapping[str, Any]) -> Show:
    """The show with other values in these fields.

    Raises:
        BadInput: a value cannot be used, or a field never changes.
    """
    if fixed := sorted(_FIXED & fields.keys()):
        raise BadInput(f"A show's {fixed[0]} cannot be changed.")
    after = _valid({**show.model_dump(mode="json"), **fields})
    return show if after == show else after.model_copy(update={"updated_at": time.time()})


async def create(store: Store, show: Show) -> None:
    """Store a new show.

    Raises:
        Conflict: there is a show with this id.
        StoreDown: the store does not answer.
    """
    try:
        await store.create(keys.show(show.show_id), _document(show), content_type="application/json")
    except Conflict as error:
        raise Conflict(f"There is a show {show.show_id} already.", hint="Choose another id.") from error


async def ids(store: Store) -> list[str]:
    """The ids of all shows, in order.

    Raises:
        StoreDown: the store does not answer.
    """
    found: list[str] = []
    while names := await store.folders(keys.SHOWS, after=found[-1] if found else "", limit=PAGE):
        found += names
    return sorted(name for name in found if SHOW_ID.fullmatch(name))


async def some(store: Store, wanted: list[str]) -> list[Show]:
    """Those shows that are there and can be read, in the order of the ids.

    Raises:
        StoreDown: the store does not answer.
    """

    async def look(show_id: str) -> Show | None:
        try:
            return await find(store, show_id)
        except (NotFound, UnreadableShow):
            return None

    return [show for show in await gathered(look, wanted, at_a_time=_READ_AT_A_TIME) if show is not None]


async def find(store: Store, show_id: str) -> Show:
    """The show with this id.

    Raises:
        NotFound: there is none.
        UnreadableShow: what is stored is not a show.
        StoreDown: the store does not answer.
    """
    return (await _versioned(store, show_id))[0]


async def change(store: Store, show_id: str, changed: Callable[[Show], Show]) -> Show:
    """Change a show; `changed` is called again if somebody else has changed it meanwhile.

    Returns:
        The show as it is now.

    Raises:
        NotFound, UnreadableShow, StoreDown: as in `find`.
    """
    return await changing.changed(store, keys.show(show_id), lambda: _versioned(store, show_id), changed)


async def set_cover(store: Store, show_id: str, picture: bytes) -> Show:
    """Give a show a cover; the one before it is removed.

    Args:
        store: the store.
        show_id: the show.
        picture: a JPEG or PNG.

    Raises:
        BadSource: it is neither.
        TooLarge: it is over the limit.
        NotFound, UnreadableShow, StoreDown: as in `find`.
    """
    if len(picture) > COVER_LIMIT_BYTES:
        raise TooLarge(f"A show's cover may have {COVER_LIMIT_BYTES / 1e6:.0f} MB.", hint="Make it smaller.")
    if pictures.size_of(picture) is None:
        raise BadSource("The cover is not a complete JPEG or PNG picture.", hint="Give a JPEG or PNG file.")
    suffix = "png" if pictures.is_png(picture) else "jpg"
    before = await find(store, show_id)
    key = keys.show_cover(show_id, f"cover-{hashlib.sha256(picture).hexdigest()[:16]}.{suffix}")
    await store.put(key, picture, content_type="image/png" if suffix == "png" else "image/jpeg")
    after = await change(store, show_id, lambda show: show.model_copy(update={"cover": key, "updated_at": time.time()}))
    if before.cover not in {None, key}:
        await store.delete(str(before.cover))
    return after


async def remove(store: Store, show_id: str) -> None:
    """Remove a show, its pictures, tokens and records of episodes. Its jobs stay, with their audio.

    Raises:
        NotFound: the store has nothing of such a show.
        StoreDown: the store does not answer; what is left is removed by the next attempt.
    """
    checked_id(show_id)
    names = [name async for name in store.list(f"{keys.SHOWS}{show_id}/")]
    if not names:
        raise _unknown(show_id)
    await store.delete(keys.show(show_id))  # first: from now on there is no such show
    await delete_all(store, names)


async def _versioned(store: Store, show_id: str) -> tuple[Show, str]:
    checked_id(show_id)
    try:
        data, version = await store.get_versioned(keys.show(show_id))
    except NotFound as error:
        raise _unknown(show_id) from error
    try:
        return reading.read(Show, data, strict=False), version
    except ValidationError as error:
        raise UnreadableShow(
            f"What the store has of the show {show_id} cannot be read.", hint="Delete it and create it anew."
        ) from error


def _unknown(show_id: str) -> NotFound:
    return NotFound(f"There is no show {show_id}.", hint="`podcast shows list` lists the shows there are.")


def _valid(fields: Mapping[str, Any]) -> Show:
    try:
        return Show.model_validate(fields, strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = " ".join(str(part) for part in first["loc"]).replace("_", " ") or "document"
        raise BadInput(f"The show's {where} cannot be used: {first['msg']}.") from error


def _document(show: Show) -> bytes:
    return show.model_dump_json().encode()
