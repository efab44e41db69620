"""A feed as the store has it: `feeds/<feed_id>.json`. Its rules are people's, its polling is the feeds service's."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from shared.protocol.episode_of_show import ShowId
from shared.protocol.messages import Cut, FeedId, Frozen, JobId, Line
from shared.protocol.narration import LANGUAGE_LIMIT_CHARACTERS, LANGUAGE_PATTERN, Name

URL_LIMIT_CHARACTERS: Final = 2_083
ITEMS_READ_LIMIT: Final = 500
"""Items of a feed's document that are looked at: the first ones, which are the newest in nearly all feeds."""
RECENT_LIMIT: Final = 20
PENDING_LIMIT: Final = 500
DIGEST_LENGTH: Final = 40

Word = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", min_length=1, max_length=100)]
Words = Annotated[tuple[Word, ...], Field(max_length=50)]
Digest = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{DIGEST_LENGTH}}}$")]
Seconds = Annotated[float, Field(ge=0, le=10**12, strict=False)]
Outcome = Literal["job", "filtered", "repeated", "collected", "in digest"]
"""job: it became a job of its own; filtered: the rules leave it out; repeated: its text was taken under another id;
collected: it waits for the digest; in digest: it is a chapter of one."""


class FeedRules(Frozen):
    """What people decide of a feed."""

    show: ShowId | None = Field(None, description="the show that its episodes belong to")
    voice: Name | None = Field(None, description="of its jobs; None: the show's, or the default")
    language: str | None = Field(
        None,
        pattern=LANGUAGE_PATTERN,
        max_length=LANGUAGE_LIMIT_CHARACTERS,
        description="of its items; None: what they say themselves",
    )
    interval_seconds: float = Field(3_600, ge=1, le=30 * 86_400, strict=False, description="between two polls")
    first_items: int = Field(1, ge=0, le=100, description="how many of the newest items the first poll takes")
    text: Literal["longer", "item", "page"] = Field(
        "longer",
        description="what is read: the item's own text, its page, or whichever of the two has more to read",
    )
    include_words: Words = Field((), description="only items with one of these words in title or text; empty: all")
    exclude_words: Words = Field((), description="no items with one of these words")
    include_categories: Words = Field((), description="only items with one of these categories; empty: all")
    exclude_categories: Words = Field((), description="no items with one of these categories")
    min_characters: int = Field(0, ge=0, le=10**7, description="no items with less text")
    max_characters: int | None = Field(None, ge=1, le=10**7, description="no items with more text")
    digest: Literal["daily", "weekly"] | None = Field(
        None, description="one episode a day, or a week, with a chapter for each item; None: an episode for each item"
    )
    digest_hour: int = Field(5, ge=0, le=23, description="when the digest is made, in UTC; a weekly one on Monday")


class RecentItem(Frozen):
    """What became of one of the latest items, for people."""

    title: Cut
    outcome: Outcome
    reason: Cut = ""
    job_id: JobId | None = None
    at: Seconds


class Polling(Frozen):
    """What the polls of a feed found; written by the feeds service."""

    next_poll_at: Seconds = Field(0, description="0: at once")
    requested_at: Seconds = Field(0, description="when the schedule asked for the latest poll")
    unfinished: int = Field(0, ge=0, description="polls in a row that were asked for and never ended")
    polled_at: Seconds | None = Field(None, description="when the latest poll that ended had begun")
    succeeded_at: Seconds | None = None
    etag: Cut = ""
    last_modified: Cut = ""
    failures: int = Field(0, ge=0, description="polls in a row that failed")
    is_slow: bool = Field(False, description="its latest document took long to parse")
    error: Cut | None = Field(None, description="why the latest poll failed; None: it did not")
    warning: Cut | None = Field(None, description="what is not as it should be, such as a limit that was reached")
    gone_at: Seconds | None = Field(None, description="when its server said that it was removed for good")
    seen: tuple[Digest, ...] = Field((), max_length=ITEMS_READ_LIMIT, description="items of the latest document")
    has_begun: bool = Field(False, description="the first poll has ended")
    jobs: int = Field(0, ge=0, description="jobs made so far")
    day: str = Field("", max_length=10, description="the day that `day_items` counts, in UTC")
    day_items: int = Field(0, ge=0, description="new items of that day")
    recent: tuple[RecentItem, ...] = Field((), max_length=RECENT_LIMIT, description="the latest items, newest first")
    pending: tuple[Digest, ...] = Field((), max_length=PENDING_LIMIT, description="items that wait for the digest")
    next_digest_at: Seconds | None = None


class Feed(Frozen):
    """A feed."""

    model_config = ConfigDict(hide_input_in_errors=True)  # an error must not quote an address that is a secret

    version: Literal[1] = 1
    feed_id: FeedId
    given_url: str = Field(max_length=URL_LIMIT_CHARACTERS, description="as it was given; the id is derived from it")
    url: str = Field(max_length=URL_LIMIT_CHARACTERS, description="where it is now")
    title: Line = Field("", description="as the feed calls itself, or as its owner wants it")
    created_at: Seconds
    paused_at: Seconds | None = None
    rules: FeedRules = FeedRules()
    polling: Polling = Polling()

    @property
    def state(self) -> Literal["active", "failing", "paused", "gone"]:
        """In a word."""
        if self.paused_at is not None:
            return "paused"
        if self.polling.gone_at is not None:
            return "gone"
        return "failing" if self.polling.error is not None else "active"

    @property
    def is_polled(self) -> bool:
        """Whether the schedule polls it."""
        return self.paused_at is None and self.polling.gone_at is None


class ItemRecord(Frozen):
    """`feed-items/<feed_id>/<digest>.json`: what became of an item, which is decided once."""

    version: Literal[1] = 1
    title: Cut
    outcome: Outcome
    reason: Cut = ""
    job_id: JobId | None = Field(None, description="the job that it became, or that the digest became")
    is_done: bool = Field(description="nothing is left to do: the job was handed over, or there is none")
    window: str = Field("", max_length=20, description="the digest that it is in")
    language: str = Field("", max_length=LANGUAGE_LIMIT_CHARACTERS)
    published_at: Seconds | None = None
    found_at: Seconds


class FirstPoll(Frozen):
    """`feed-items/<feed_id>/first.json`: which items the first poll leaves out."""

    version: Literal[1] = 1
    skipped: tuple[Digest, ...] = Field(max_length=ITEMS_READ_LIMIT)


class DigestRecord(Frozen):
    """`feed-items/<feed_id>/digests/<window>.json`: one episode of several items."""

    version: Literal[1] = 1
    job_id: JobId
    items: tuple[Digest, ...] = Field(min_length=1, max_length=PENDING_LIMIT)
    is_done: bool = False
    made_at: Seconds
