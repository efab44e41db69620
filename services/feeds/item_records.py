"""The records of a feed's items: whoever creates one decides what becomes of the item, once and for all."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from services.feeds.parsing.parsed import TWIN_CHARACTERS, ParsedItem
from shared.client.feeds.model import FirstPoll, ItemRecord, Outcome
from shared.errors import Conflict, NotFound, Permanent
from shared.protocol import reading
from shared.protocol.messages import Frozen
from shared.store import keys
from shared.store.port import Store

_JSON: Final = "application/json"


class UnreadableItem(Permanent):
    """What the store has of an item cannot be read."""


class _Twin(Frozen):
    digest: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A record and the version of its object.

    Attributes:
        record: what is decided.
        version: of its object.
        is_new: what it says now was written a moment ago, by us.
    """

    record: ItemRecord
    version: str
    is_new: bool = False


async def find(store: Store, feed_id: str, digest: str) -> Claimed | None:
    """The record of an item; None if there is none.

    Raises:
        UnreadableItem: what is stored is not a record.
        StoreDown: the store does not answer.
    """
    try:
        data, version = await store.get_versioned(keys.feed_item(feed_id, digest))
    except NotFound:
        return None
    try:
        return Claimed(reading.read(ItemRecord, data, strict=False), version)
    except ValidationError as error:
        raise UnreadableItem(
            f"What the store has of an item of the feed {feed_id} cannot be read.",
            hint=f"Remove {keys.feed_item(feed_id, digest)}: then the item is taken anew.",
        ) from error


async def create(
    store: Store, feed_id: str, item: ParsedItem, outcome: Outcome, *, reason: str = "", job_id: str | None = None
) -> Claimed:
    """Decide what becomes of an item, if nobody has; otherwise what was decided."""
    record = ItemRecord(
        title=item.title or item.link or "An item without a title",
        outcome=outcome,
        reason=reason,
        job_id=job_id,
        is_done=outcome in {"filtered", "repeated"},
        language=item.language,
        published_at=item.published,
        found_at=time.time(),
    )
    key = keys.feed_item(feed_id, item.digest)
    try:
        version = await store.create(key, record.model_dump_json().encode(), content_type=_JSON)
    except Conflict:
        found = await find(store, feed_id, item.digest)
        if found is None:
            raise
        return found
    return Claimed(record, version, is_new=True)


async def change(store: Store, feed_id: str, digest: str, before: Claimed, **update: object) -> Claimed:
    """Say more about an item; if somebody else has meanwhile, what they said counts."""
    record = before.record.model_copy(update=update)
    key = keys.feed_item(feed_id, digest)
    try:
        version = await store.replace(
            key, record.model_dump_json().encode(), version=before.version, content_type=_JSON
        )
    except Conflict:
        return await find(store, feed_id, digest) or before
    return Claimed(record, version, is_new=True)


async def is_repeated(store: Store, feed_id: str, item: ParsedItem) -> bool:
    """Whether another item of the feed has the same text; otherwise this one is noted as the one that has it."""
    if item.characters < TWIN_CHARACTERS and not item.link:
        return False
    key = keys.feed_item_twin(feed_id, item.twin_digest)
    try:
        await store.create(key, _Twin(digest=item.digest).model_dump_json().encode(), content_type=_JSON)
    except Conflict:
        try:
            return reading.read(_Twin, await store.get(key), strict=False).digest != item.digest
        except (NotFound, ValidationError):
            return False
    return False


async def first_poll(store: Store, feed_id: str, skipped: tuple[str, ...] | None) -> frozenset[str]:
    """The items that the feed's first poll leaves out.

    Args:
        store: the store.
        feed_id: the feed.
        skipped: what this poll would leave out, if it is the first; None: it is not the first.
    """
    key = keys.feed_first_poll(feed_id)
    if skipped is not None:
        try:
            await store.create(key, FirstPoll(skipped=skipped).model_dump_json().encode(), content_type=_JSON)
        except Conflict:
            pass
        else:
            return frozenset(skipped)
    try:
        return frozenset(reading.read(FirstPoll, await store.get(key), strict=False).skipped)
    except (NotFound, ValidationError):
        return frozenset()
