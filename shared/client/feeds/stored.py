"""Feeds in the store: added once for an address and a show, changed by conditional writes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import HttpUrl, TypeAdapter, ValidationError

from shared.addresses import without_password
from shared.client import shows
from shared.client.feeds import documents
from shared.client.feeds.model import URL_LIMIT_CHARACTERS, Feed, FeedRules
from shared.concurrency import gathered
from shared.errors import BadInput, Conflict, NotFound, Permanent
from shared.protocol import reading
from shared.protocol.messages import FEED_ID, FeedPollRequested
from shared.store import changing, keys
from shared.store.port import PAGE, Store
from shared.text import one_line

FEEDS_LIMIT: Final = 2_000
"""All of them are looked at every few seconds."""
_READ_AT_A_TIME: Final = 16
_URL: Final = TypeAdapter(HttpUrl)


class UnreadableFeed(Permanent):
    """What the store has of a feed cannot be read."""


class FeedPaused(Conflict):
    """The feed is not polled at the moment."""


class FeedExists(Conflict):
    """The address has been added already."""


def checked_url(url: str) -> str:
    """The address in its normal form.

    Raises:
        BadInput: it is not an http(s) address.
    """
    shown = without_password(url[:URL_LIMIT_CHARACTERS])
    url = "https://" + url.removeprefix("feed://") if url.startswith("feed://") else url.removeprefix("feed:")
    try:
        normal = str(_URL.validate_python(url))
    except ValidationError:
        raise BadInput(
            f"{one_line(shown)} is not an http or https address.", hint="It begins with https:// or http://."
        ) from None
    if "\\" in url or len(normal) > URL_LIMIT_CHARACTERS:
        raise BadInput(f"{one_line(shown)} cannot be used as an address.", hint="Give the address of the feed itself.")
    return normal


def id_of(url: str, show: str | None) -> str:
    """The id of the feed at this address, in its normal form, for this show."""
    both = "\n".join((url, show or ""))
    return f"fd_{hashlib.sha256(both.encode()).hexdigest()[:32]}"


def checked_id(feed_id: str) -> str:
    """The id, if it has the form of one.

    Raises:
        BadInput: it has not.
    """
    if not FEED_ID.fullmatch(feed_id):
        raise BadInput(f"“{one_line(feed_id)}” is not the id of a feed.", hint="`podcast feeds list` shows the ids.")
    return feed_id


def new_feed(url: str, *, title: str = "", rules: FeedRules | None = None) -> Feed:
    """A new feed, not stored yet.

    Args:
        url: as `checked_url` returned it.
        title: for people; empty: as the feed calls itself.
        rules: what is made of it.
    """
    rules = rules or FeedRules()
    return Feed(
        feed_id=id_of(url, rules.show), given_url=url, url=url, title=title, created_at=time.time(), rules=rules
    )


async def add(store: Store, feed: Feed) -> None:
    """Store a new feed. What was made of its items before, if it was there before, is not made again.

    Raises:
        FeedExists: it has been added already.
        BadInput: there are as many as there may be.
        StoreDown: the store does not answer.
    """
    if len(await ids(store)) >= FEEDS_LIMIT:
        raise BadInput(f"There are {FEEDS_LIMIT:,} feeds, which is the limit.", hint="Remove one.")
    try:
        await store.create(keys.feed(feed.feed_id), _document(feed), content_type="application/json")
    except Conflict as error:
        raise FeedExists(
            f"{without_password(feed.given_url)} is the feed {feed.feed_id} already.",
            hint="Edit that one, or give another show.",
        ) from error


async def ids(store: Store, *, after: str = "", limit: int | None = None) -> list[str]:
    """The ids of feeds after the id `after`, in the order of their ids; all of them, or at most `limit`."""
    found: list[str] = []
    cursor = keys.feed(after) if after else ""
    while limit is None or len(found) < limit:
        size = PAGE if limit is None else min(PAGE, limit - len(found))
        names = await store.page(keys.FEEDS, after=cursor, limit=size)
        found += [name.removeprefix(keys.FEEDS).removesuffix(".json") for name in names]
        if len(names) < size:
            break
        cursor = names[-1]
    return found


async def find(store: Store, feed_id: str) -> Feed:
    """The feed with this id.

    Raises:
        NotFound: there is none.
        UnreadableFeed: what is stored is not a feed.
        StoreDown: the store does not answer.
    """
    return (await _versioned(store, feed_id))[0]


async def _versioned(store: Store, feed_id: str) -> tuple[Feed, str]:
    try:
        data, version = await store.get_versioned(keys.feed(checked_id(feed_id)))
    except NotFound as error:
        raise NotFound(f"There is no feed {feed_id}.", hint="`podcast feeds list` shows the feeds.") from error
    try:
        return reading.read(Feed, data, strict=False), version
    except ValidationError:
        # From None: the validation error would name the content, and with it an address that may be a secret.
        raise UnreadableFeed(
            f"What the store has of the feed {feed_id} cannot be read.", hint="Remove it and add it anew."
        ) from None


async def some(store: Store, wanted: list[str]) -> list[Feed]:
    """Those feeds that are there and can be read, in the order of the ids."""

    async def look(feed_id: str) -> Feed | None:
        try:
            return await find(store, feed_id)
        except (NotFound, UnreadableFeed, BadInput):
            return None

    return [one for one in await gathered(look, wanted, at_a_time=_READ_AT_A_TIME) if one is not None]


async def change(store: Store, feed_id: str, changed: Callable[[Feed], Feed]) -> Feed:
    """Change a feed; `changed` is called again if somebody else has changed it meanwhile.

    Returns:
        The feed as it is now.

    Raises:
        NotFound, UnreadableFeed, StoreDown: as in `find`.
    """
    return await changing.changed(store, keys.feed(feed_id), lambda: _versioned(store, feed_id), changed)


async def edit(
    store: Store,
    feed_id: str,
    *,
    title: str | None = None,
    rules: Mapping[str, Any] = MappingProxyType({}),
    paused: bool | None = None,
) -> Feed:
    """Change what people decide of a feed; what is None, or no field of `rules`, stays as it is.

    Args:
        store: the store.
        feed_id: the feed.
        title: for people.
        rules: fields of `FeedRules`.
        paused: true: poll it no more; false: poll it again, at once, also one that is failing or gone.

    Raises:
        BadInput: a value cannot be used, or the show does not exist.
        NotFound, UnreadableFeed, StoreDown: as in `find`.
    """
    wanted = documents.rules_of(rules, (await find(store, feed_id)).rules)
    if "show" in rules:
        await check_show(store, wanted)
    now = time.time()

    def edited(one: Feed) -> Feed:
        after = _timed(one, documents.rules_of(rules, one.rules))
        if title is not None:
            after = after.model_copy(update={"title": documents.checked_title(title)})
        if paused is True and after.paused_at is None:
            return after.model_copy(update={"paused_at": now})
        if paused is False:
            update = {"next_poll_at": 0.0, "gone_at": None, "failures": 0, "unfinished": 0}
            return after.model_copy(update={"paused_at": None, "polling": after.polling.model_copy(update=update)})
        return after

    return await change(store, feed_id, edited)


async def remove(store: Store, feed_id: str) -> None:
    """Remove a feed. Its jobs stay, and so does the record of its items: added again, it makes none of them twice.

    Raises:
        NotFound: there is none.
        StoreDown: the store does not answer.
    """
    if not await store.exists(keys.feed(checked_id(feed_id))):
        raise NotFound(f"There is no feed {feed_id}.", hint="`podcast feeds list` shows the feeds.")
    await store.delete(keys.feed(feed_id))


def poll_request(feed: Feed) -> FeedPollRequested:
    """The message that asks for a poll now.

    Raises:
        FeedPaused: it is not polled at the moment.
    """
    if not feed.is_polled:
        raise FeedPaused(f"The feed {feed.feed_id} is {feed.state}.", hint="Resume it: then it is polled at once.")
    now = time.time()
    return FeedPollRequested(feed_id=feed.feed_id, due_at=now, requested_at=now, by_hand=True)


async def check_show(store: Store, rules: FeedRules) -> None:
    """Return if the show of a feed exists, or if it has none.

    Raises:
        BadInput: it does not exist.
        StoreDown: the store does not answer.
    """
    if rules.show is None:
        return
    try:
        await shows.find(store, rules.show)
    except NotFound as error:
        raise BadInput(f"There is no show {rules.show}.", hint="Create it first: podcast shows create.") from error


def _timed(feed: Feed, rules: FeedRules) -> Feed:
    """The feed with other rules; what they say of time counts from now."""
    polling = feed.polling
    if rules.interval_seconds != feed.rules.interval_seconds and polling.polled_at is not None:
        soon = polling.polled_at + rules.interval_seconds
        polling = polling.model_copy(update={"next_poll_at": min(soon, polling.next_poll_at)})
    if (rules.digest, rules.digest_hour) != (feed.rules.digest, feed.rules.digest_hour):
        polling = polling.model_copy(update={"next_digest_at": None})
    return feed.model_copy(update={"rules": rules, "polling": polling})


def _document(feed: Feed) -> bytes:
    return feed.model_dump_json().encode()
