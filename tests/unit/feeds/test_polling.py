"""One poll after the other: what becomes a job, once and for all, and what is noted with the feed."""

from __future__ import annotations

import asyncio
import io
import zipfile

import pytest

from services.feeds import item_jobs
from shared.client.feeds import stored
from shared.errors import BrokerDown
from shared.protocol.messages import JobRequest, Message, ObjectSource, TextSource, UrlSource
from shared.store import keys
from tests.servers.feed_server import (
    TEXT,
    FeedServer,
    answering,
    flooding,
    item,
    never,
    page,
    rss,
    serving,
    stories,
    trickling,
)
from tests.unit.feeds.polled import Polled, due, settings_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]


def titles(jobs: list[JobRequest]) -> list[str]:
    return [str(job.title) for job in jobs]


def text_of(job: JobRequest) -> str:
    assert isinstance(job.source, TextSource)
    return job.source.text


async def test_the_first_poll_takes_the_newest_and_the_next_ones_what_is_new(site: FeedServer, polled: Polled) -> None:
    site.answers["/feed.xml"] = serving(stories(20))
    feed = await polled.add(site.url(), first_items=3)
    after = await polled.poll(feed)
    assert titles(polled.jobs) == ["Story 18", "Story 19", "Story 20"], "oldest first"
    assert after.title == "The Lighthouse"
    assert (after.polling.jobs, after.polling.error) == (3, None)

    site.answers["/feed.xml"] = serving(stories(22))
    await polled.poll(feed)
    assert titles(polled.jobs)[3:] == ["Story 21", "Story 22"]

    site.answers["/feed.xml"] = serving(rss([item(1), item(2)]))  # what the first poll left out comes back
    await polled.poll(feed)
    site.answers["/feed.xml"] = serving(stories(22))
    await polled.poll(feed)
    assert len(polled.jobs) == 5


async def test_twenty_items_of_which_three_are_broken(site: FeedServer, polled: Polled) -> None:
    """The three become jobs that fail with the reason, which the chunker's own tests show."""
    broken = {4, 11, 17}
    site.answers["/feed.xml"] = serving(
        rss(
            item(number, text="", link=site.url(f"/gone/{number}")) if number in broken else item(number)
            for number in range(20, 0, -1)
        )
    )
    feed = await polled.add(site.url(), first_items=20)
    await polled.poll(feed)
    assert len(polled.jobs) == 20
    asked_again = [job for job in polled.jobs if isinstance(job.source, UrlSource)]
    assert sorted(titles(asked_again)) == ["Story 11", "Story 17", "Story 4"]


async def test_a_second_poll_and_two_pollers_at_once_make_nothing_new(site: FeedServer, polled: Polled) -> None:
    site.answers["/feed.xml"] = serving(stories(12))
    feed = await polled.add(site.url(), first_items=12)
    await asyncio.gather(*(polled.poll(feed, by_hand=True) for _ in range(4)))
    assert len(polled.jobs) == 12
    await polled.poll(feed, by_hand=True)
    assert len(polled.jobs) == 12
    stored_jobs = [name async for name in polled.store.list(keys.JOBS) if name.endswith("/request.json")]
    assert len(stored_jobs) == 12, "no second id was made for any item"
    assert (await stored.find(polled.store, feed.feed_id)).polling.jobs == 12


async def test_a_poller_that_dies_anywhere_is_finished_by_the_next(site: FeedServer, polled: Polled) -> None:
    """It dies at each of its writes and publishes in turn, from the first to the last."""
    site.answers["/feed.xml"] = serving(stories(3))
    feed = await polled.add(site.url(), first_items=3)
    deaths = 0
    while True:
        dying = Dying(polled, after=deaths)
        try:
            await dying.poll(feed)
        except BrokerDown:
            deaths += 1
            assert deaths < 100
            continue
        break
    assert deaths >= 4, "it should have died at least once for each item, and at the end"
    assert sorted(titles(polled.jobs)) == ["Story 1", "Story 2", "Story 3"]
    stored_jobs = [name async for name in polled.store.list(keys.JOBS) if name.endswith("/request.json")]
    assert len(stored_jobs) == 3


class Dying(Polled):
    """Fails at the so-manieth write or publish, and at every one after it."""

    def __init__(self, polled: Polled, *, after: int) -> None:
        super().__init__(polled.settings, polled.published)
        self._left = after

    async def publish(self, message: Message) -> None:
        self._step()
        await super().publish(message)

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise BrokerDown("It is down.")

    @property
    def store(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - a store whose writes fail
        real = super().store
        step = self._step

        class Failing:
            def __getattr__(self, name: str) -> object:
                if name in {"create", "replace", "put"}:
                    step()
                return getattr(real, name)

        return Failing()


async def test_a_feed_that_is_removed_and_added_again_makes_nothing_twice(site: FeedServer, polled: Polled) -> None:
    site.answers["/feed.xml"] = serving(stories(5))
    feed = await polled.add(site.url(), first_items=2)
    await polled.poll(feed)
    await stored.remove(polled.store, feed.feed_id)
    again = await polled.add(site.url(), first_items=5)
    await polled.poll(again)
    assert len(polled.jobs) == 2


async def test_the_same_text_under_another_guid_is_not_spoken_again(site: FeedServer, polled: Polled) -> None:
    site.answers["/feed.xml"] = serving(rss([item(1, guid="a")]))
    feed = await polled.add(site.url())
    await polled.poll(feed)
    site.answers["/feed.xml"] = serving(rss([item(1, guid="b", pubDate="30 Oct 2026 00:00:00 GMT")]))
    after = await polled.poll(feed)
    assert len(polled.jobs) == 1
    assert [one.outcome for one in after.polling.recent] == ["repeated", "job"]


async def test_a_feed_whose_items_are_new_at_every_poll_is_bounded(site: FeedServer, file_store_url: str) -> None:
    polled = Polled(settings_of(file_store_url, feed_new_items_per_poll=5, feed_new_items_per_day=12))
    feed = await polled.add(site.url(), first_items=0)
    for number in range(6):
        texts = (f"{number} and {other}: {TEXT * 4}" for other in range(40))
        site.answers["/feed.xml"] = serving(rss(item(1, guid=text[:9], text=text) for text in texts))
        after = await polled.poll(feed, by_hand=True)
    assert len(polled.jobs) == 12
    assert after.polling.day_items == 12
    assert "left for later" in str(after.polling.warning)


async def test_what_a_poll_leaves_is_taken_by_the_next_though_the_feed_is_unchanged(
    site: FeedServer, file_store_url: str
) -> None:
    polled = Polled(settings_of(file_store_url, feed_new_items_per_poll=4))

    async def conditional(request, writer) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - an answer
        known = request.headers.get("if-none-match") == '"1"'
        await (answering("304 Not Modified") if known else serving(stories(10), etag='"1"'))(request, writer)

    site.answers["/feed.xml"] = conditional
    feed = await polled.add(site.url(), first_items=10)
    for _ in range(3):
        after = await polled.poll(feed, by_hand=True)
    assert len(polled.jobs) == 10
    assert after.polling.etag == '"1"'
    await polled.poll(feed, by_hand=True)
    assert site.requests[-1].headers["if-none-match"] == '"1"'


async def test_a_feed_is_asked_whether_it_has_changed(site: FeedServer, polled: Polled) -> None:
    site.answers["/feed.xml"] = serving(stories(1), etag='W/"x"', last_modified="Sat, 28 Nov 2026 10:00:00 GMT")
    feed = await polled.add(site.url())
    await polled.poll(feed)
    site.answers["/feed.xml"] = answering("304 Not Modified")
    after = await polled.poll(feed)
    assert site.requests[-1].headers["if-none-match"] == 'W/"x"'
    assert site.requests[-1].headers["if-modified-since"] == "Sat, 28 Nov 2026 10:00:00 GMT"
    assert after.polling.error is None
    assert after.polling.succeeded_at == after.polling.polled_at


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answering("404 Not Found"), "answered with 404"),
        (answering("500 Internal Server Error"), "answered with 500"),
        (serving("<html><p>Hi.</p></html>"), "no feed"),
        (serving(""), "nothing at the feed's address"),
        (never, "within 1 s"),
        (trickling, "within 1 s"),
        (flooding, "over 0.1 MB"),
        (answering("302 Found", location="/feed.xml"), "redirects more than"),
    ],
)
async def test_what_is_wrong_with_a_feed_is_noted_with_it(
    site: FeedServer, file_store_url: str, answer: object, reason: str
) -> None:
    polled = Polled(settings_of(file_store_url, feed_fetch_deadline_seconds=1, feed_limit_bytes=100_000))
    site.answers["/feed.xml"] = answer  # type: ignore[assignment] # parametrized
    feed = await polled.add(site.url())
    after = await polled.poll(feed)
    assert reason in str(after.polling.error)
    assert (after.state, after.polling.failures) == ("failing", 1)
    assert after.polling.next_poll_at > (after.polling.polled_at or 0)

    site.answers["/feed.xml"] = serving(stories(1))
    after = await polled.poll(feed, by_hand=True)
    assert (after.state, after.polling.failures, len(polled.jobs)) == ("active", 0, 1)


async def test_the_pause_that_a_server_asks_for_is_kept(site: FeedServer, polled: Polled) -> None:
    site.answers["/feed.xml"] = answering("429 Too Many Requests", retry_after="20000")
    feed = await polled.add(site.url())
    after = await polled.poll(feed)
    assert after.polling.next_poll_at - (after.polling.polled_at or 0) >= 20_000


async def test_a_feed_that_is_gone_is_polled_no_more_until_it_is_resumed(site: FeedServer, polled: Polled) -> None:
    site.answers["/feed.xml"] = answering("410 Gone")
    feed = await polled.add(site.url())
    assert (await polled.poll(feed)).state == "gone"
    await polled.poll(feed, by_hand=True)
    assert len(site.requests) == 1
    site.answers["/feed.xml"] = serving(stories(1))
    await stored.edit(polled.store, feed.feed_id, paused=False)
    assert (await polled.poll(feed)).state == "active"


async def test_a_feed_that_has_moved_for_good_is_asked_for_at_its_new_address(site: FeedServer, polled: Polled) -> None:
    site.answers["/feed.xml"] = answering("301 Moved Permanently", location="/new.xml")
    site.answers["/new.xml"] = serving(stories(1))
    feed = await polled.add(site.url())
    after = await polled.poll(feed)
    assert after.url == site.url("/new.xml")
    await polled.poll(after)
    assert [request.path for request in site.requests] == ["/feed.xml", "/new.xml", "/new.xml"]
    assert len(polled.jobs) == 1


async def test_an_address_that_only_redirects_for_now_stays(site: FeedServer, polled: Polled) -> None:
    site.answers["/feed.xml"] = answering("301 Moved Permanently", location="/there")
    site.answers["/there"] = answering("302 Found", location="/new.xml")
    site.answers["/new.xml"] = serving(stories(1))
    feed = await polled.add(site.url())
    assert (await polled.poll(feed)).url == site.url("/there"), "as far as it is permanent"


async def test_a_page_leads_to_the_feed_that_it_names(site: FeedServer, polled: Polled) -> None:
    site.answers["/blog"] = serving(
        "<html><head><link rel='alternate' type='application/rss+xml' title='Comments' href='/comments.xml'>"
        "<link rel='alternate' type='application/rss+xml' href='feed.xml'></head><body>A blog</body></html>",
        content_type="text/html",
    )
    site.answers["/feed.xml"] = serving(stories(1))
    feed = await polled.add(site.url("/blog"))
    after = await polled.poll(feed)
    assert after.url == site.url("/feed.xml")
    assert len(polled.jobs) == 1


async def test_the_longer_of_item_and_page_is_read(site: FeedServer, polled: Polled) -> None:
    site.answers["/long"] = page("\n".join(f"{TEXT * 3} Part {number}." for number in range(8)), title="Long")
    site.answers["/short"] = page("Only a line.", title="Short")
    items = [
        item(1, text=f"A teaser. {TEXT}", link=site.url("/long")),
        item(2, text=f"<p>{TEXT * 9}</p>", link=site.url("/short")),
        item(3, text="", link=site.url("/long")),
        item(4, text=f"<p>{TEXT * 9}</p>", link=site.url("/missing")),
    ]
    site.answers["/feed.xml"] = serving(rss(items))
    feed = await polled.add(site.url(), first_items=9)
    await polled.poll(feed)
    one, two, three, four = polled.jobs
    assert "Part 7." in text_of(one)
    assert "Only a line" not in text_of(two)
    assert "Part 7." in text_of(three)
    assert "keeper" in text_of(four)


async def test_rules_leave_items_out_and_say_why(site: FeedServer, polled: Polled) -> None:
    items = [
        item(1, title="Whales said hello"),
        item(2, title="AI and whales"),
        item(3, title="Whales and Sports", category="Sports"),
        item(4, title="Trees"),
        item(5, title="Whales, briefly", text="Short."),
    ]
    site.answers["/feed.xml"] = serving(rss(items))
    feed = await polled.add(
        site.url(),
        first_items=9,
        include_words=("whales",),
        exclude_words=("AI",),
        exclude_categories=("sports",),
        min_characters=100,
    )
    after = await polled.poll(feed)
    assert titles(polled.jobs) == ["Whales said hello"]
    reasons = {one.title: one.reason for one in after.polling.recent}
    assert reasons == {
        "Whales said hello": "",
        "AI and whales": "It has the word “AI”.",
        "Whales and Sports": "It is in the category “sports”.",
        "Trees": "It has none of the wanted words.",
        "Whales, briefly": "It has 6 characters; 100 are wanted.",
    }


async def test_a_daily_digest_has_every_item_once(site: FeedServer, polled: Polled) -> None:
    site.answers["/feed.xml"] = serving(stories(4))
    feed = await polled.add(site.url(), first_items=4, digest="daily")
    after = await polled.poll(feed)
    assert polled.jobs == []
    assert len(after.polling.pending) == 4
    assert after.polling.next_digest_at is not None

    await stored.change(polled.store, feed.feed_id, due)
    await asyncio.gather(*(polled.poll(feed, by_hand=True) for _ in range(3)))
    (job,) = polled.jobs
    assert isinstance(job.source, ObjectSource)
    assert job.source.format == "zip"
    after = await stored.find(polled.store, feed.feed_id)
    assert after.polling.pending == ()
    assert after.polling.recent[0].job_id == job.job_id

    await stored.change(polled.store, feed.feed_id, due)
    await polled.poll(feed, by_hand=True)
    assert len(polled.jobs) == 1, "nothing waits, so there is no digest"


async def test_a_digest_that_is_cut_short_anywhere_is_finished_with_every_item_once(
    site: FeedServer, polled: Polled
) -> None:
    site.answers["/feed.xml"] = serving(stories(3))
    feed = await polled.add(site.url(), first_items=3, digest="daily")
    await polled.poll(feed)
    await stored.change(polled.store, feed.feed_id, due)
    deaths = 0
    while True:
        try:
            await Dying(polled, after=deaths).poll(feed, by_hand=True)
        except BrokerDown:
            deaths += 1
            continue
        break
    assert deaths >= 4, "it should have died at several steps; each try gets further than the one before"
    (job,) = polled.jobs
    assert isinstance(job.source, ObjectSource)
    with zipfile.ZipFile(io.BytesIO(await polled.store.get(job.source.key))) as archive:
        assert archive.namelist() == ["001.html", "002.html", "003.html"]
        assert [b"This is story %d" % number in archive.read(f"00{number}.html") for number in (1, 2, 3)] == [True] * 3
    after = await stored.find(polled.store, feed.feed_id)
    assert (after.polling.pending, after.polling.jobs) == ((), 1)


async def test_items_that_have_no_room_before_the_digest_wait_in_the_feed(
    site: FeedServer, polled: Polled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.feeds.handlers.PENDING_LIMIT", 3)
    site.answers["/feed.xml"] = serving(stories(5))
    feed = await polled.add(site.url(), first_items=5, digest="daily")
    after = await polled.poll(feed)
    assert len(after.polling.pending) == 3
    assert "2 new items are left" in str(after.polling.warning)
    await stored.change(polled.store, feed.feed_id, due)
    await polled.poll(feed, by_hand=True)
    after = await polled.poll(feed, by_hand=True)
    assert len(after.polling.pending) == 2
    assert len(polled.jobs) == 1


async def test_a_show_that_does_not_exist_is_said_once_and_no_item_is_lost(site: FeedServer, polled: Polled) -> None:
    site.answers["/feed.xml"] = serving(stories(2))
    feed = await polled.add(site.url(), first_items=2, show="sea-stories")
    after = await polled.poll(feed)
    assert "There is no show sea-stories" in str(after.polling.error)
    assert polled.jobs == []

    await stored.edit(polled.store, feed.feed_id, rules={"show": None})
    await polled.poll(feed, by_hand=True)
    assert titles(polled.jobs) == ["Story 1", "Story 2"]


async def test_a_request_that_is_older_than_the_latest_poll_is_dropped(site: FeedServer, polled: Polled) -> None:
    site.answers["/feed.xml"] = serving(stories(1))
    feed = await polled.add(site.url())
    after = await polled.poll(feed)
    await polled.poll(feed, requested_at=(after.polling.polled_at or 0) - 1)
    assert len(site.requests) == 1


async def test_a_paused_feed_is_left_alone(site: FeedServer, polled: Polled) -> None:
    feed = await polled.add(site.url())
    await stored.edit(polled.store, feed.feed_id, paused=True)
    await polled.poll(feed)
    assert site.requests == []


def test_a_digest_of_the_same_pages_is_the_same() -> None:
    from services.feeds.digests import archive_of  # noqa: PLC0415 - beside what it is for

    pages = [("a", b"<p>a</p>"), ("b", b"<p>b</p>")]
    assert archive_of(pages) == archive_of(pages)
    assert item_jobs is not None
