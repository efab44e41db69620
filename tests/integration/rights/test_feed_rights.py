"""The user of the service `feeds` at a real MinIO has the rights for all that it does, and no others."""

from __future__ import annotations

import pytest

from services.feeds.schedule import Schedule
from shared.client import shows
from shared.client.feeds import stored
from shared.errors import StoreDown
from shared.protocol.messages import FeedPollRequested
from shared.store import keys
from shared.store.port import open_store
from tests.servers.feed_server import FeedServer, serving, stories
from tests.servers.rights import StoreUsers
from tests.unit.feeds.polled import Polled, due, settings_of
from tests.unit.gateway.made_shows import JPEG


async def test_what_the_service_does_is_allowed_and_nothing_else(store_users: StoreUsers) -> None:
    admin = open_store(store_users.admin)
    gateway = store_users.store("gateway")
    await shows.create(admin, shows.new_show("sea", {"title": "Sea", "description": "Of the sea."}, public_url=""))
    await shows.set_cover(admin, "sea", JPEG)
    polled = Polled(settings_of(store_users.urls["feeds"]))
    with FeedServer(answers={"/feed.xml": serving(stories(3))}).listening() as site:
        plain = stored.new_feed(site.url())
        digest = stored.new_feed(site.url("/feed.xml?digest"))
        site.answers["/feed.xml?digest"] = site.answers["/feed.xml"]
        for feed, rules in (
            (plain, {"show": "sea", "first_items": 2}),
            (digest, {"digest": "daily", "first_items": 3}),
        ):
            await stored.add(gateway, feed)
            await stored.edit(gateway, feed.feed_id, rules=rules)
        asked = await Schedule(polled.store, polled.settings, polled.publish).look()
        assert sorted(asked) == sorted([plain.feed_id, digest.feed_id])
        for message in [one for one in polled.published if isinstance(one, FeedPollRequested)]:
            await polled.poller().poll(message)
        await stored.change(gateway, digest.feed_id, due)
        await polled.poll(digest, by_hand=True)
    found = await stored.some(gateway, [plain.feed_id, digest.feed_id])
    assert [(feed.polling.error, feed.polling.pending) for feed in found] == [(None, ())] * 2
    assert len(polled.jobs) == 3
    assert polled.jobs[0].cover is not None, "it was taken from the show"

    for call in (
        polled.store.get(keys.api_key("abc")),
        polled.store.put(keys.status("job"), b"{}"),
        polled.store.delete(keys.feed(plain.feed_id)),
        polled.store.page(keys.JOBS),
    ):
        with pytest.raises(StoreDown, match="AccessDenied"):
            await call
