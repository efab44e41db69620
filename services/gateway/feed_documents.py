"""Feeds as `/v1/feeds` takes and shows them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.client.feeds.model import Outcome
from shared.protocol.episode_of_show import SHOW_ID, SHOW_ID_LIMIT_CHARACTERS
from shared.protocol.messages import Line
from shared.protocol.narration import LANGUAGE_LIMIT_CHARACTERS, LANGUAGE_PATTERN

EXAMPLE_ID: Final = "fd_0193f0a27b6e7c7e9d0e2f4f7a1f6a11"
_WORDS_LIMIT: Final = 50
_Words = Annotated[
    list[Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", min_length=1, max_length=100)]],
    Field(max_length=_WORDS_LIMIT),
]


class RulesDocument(BaseModel):
    """What is made of a feed; what is left out is the default, or is not changed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    show: Annotated[str, Field(pattern=rf"^{SHOW_ID.pattern}$", max_length=SHOW_ID_LIMIT_CHARACTERS)] | None = Field(
        None, description="the show that its episodes belong to; null: none"
    )
    voice: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", min_length=1, max_length=200)] | None = Field(
        None, description="of its jobs; null: the show's, or the default"
    )
    language: Annotated[str, Field(pattern=LANGUAGE_PATTERN, max_length=LANGUAGE_LIMIT_CHARACTERS)] | None = Field(
        None, description="of its items; null: what they say themselves"
    )
    interval_seconds: float = Field(
        3_600, ge=1, le=2_592_000, strict=False, description="seconds between two polls; the server has a least"
    )
    first_items: int = Field(1, ge=0, le=100, description="how many of the newest items the first poll takes")
    text: Literal["longer", "item", "page"] = Field(
        "longer", description="what is read: the item's own text, its page, or whichever has more to read"
    )
    include_words: _Words = Field([], description="only items with one of these words in title or text; empty: all")
    exclude_words: _Words = Field([], description="no items with one of these words")
    include_categories: _Words = Field([], description="only items with one of these categories; empty: all")
    exclude_categories: _Words = Field([], description="no items with one of these categories")
    min_characters: int = Field(0, ge=0, le=10_000_000, description="no items with less text")
    max_characters: int | None = Field(None, ge=1, le=10_000_000, description="no items with more text; null: any")
    digest: Literal["daily", "weekly"] | None = Field(
        None, description="one episode a day, or a week, with a chapter for each item; null: an episode for each item"
    )
    digest_hour: int = Field(
        5, ge=0, le=23, description="the hour, in UTC, at which the digest is made; a weekly one on Monday"
    )

    def given(self) -> dict[str, Any]:
        """Those that the client has given."""
        return self.model_dump(exclude_unset=True)


_TITLE: Final = "for people; empty: as the feed calls itself"


class FeedWanted(BaseModel):
    """A new feed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str = Field(
        min_length=1,
        max_length=2_000,
        description="the address of a feed (RSS, Atom, JSON Feed), or of a page that names one",
        json_schema_extra={"format": "uri", "examples": ["https://example.org/feed.xml"]},
    )
    title: Line = Field("", description=_TITLE)
    rules: RulesDocument = Field(default_factory=RulesDocument)


class FeedChange(BaseModel):
    """Changes to a feed; what is left out or null is not changed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Line | None = Field(None, description=_TITLE)
    rules: RulesDocument | None = Field(None, description="those that change")
    paused: bool | None = Field(
        None, description="true: poll it no more; false: poll it again, at once, also one that is failing or gone"
    )


class ItemShown(BaseModel):
    """What became of an item."""

    title: str = Field(description="of the item")
    outcome: Outcome = Field(
        description="`job`: it became one; `filtered`: the rules leave it out; `repeated`: its text was there before"
        " under another id; `collected`: it waits for the digest; `in digest`: it is a chapter of one"
    )
    reason: str = Field(description="why")
    job_id: str | None = Field(description="the job that it became, or is in")
    at: float = Field(description="when it was found, in seconds since the epoch")


class FeedShown(BaseModel):
    """A feed."""

    id: str = Field(description="names it in this API", examples=[EXAMPLE_ID])
    url: str = Field(description="where it is polled, without a password")
    given_url: str = Field(description="the address that it was added with, without a password")
    title: str = Field(description="as it calls itself, or as somebody has named it")
    state: Literal["active", "failing", "paused", "gone"] = Field(
        description="`failing`: its last poll failed; `gone`: its server says that it was removed for good"
    )
    created_at: float = Field(description="seconds since the epoch")
    rules: RulesDocument
    polled_at: float | None = Field(description="when it was polled last, in seconds since the epoch; null: it was not")
    succeeded_at: float | None = Field(description="when a poll last succeeded; null: none has")
    next_poll_at: float | None = Field(description="when it is polled next; null: it is not polled")
    next_digest_at: float | None = Field(description="when its digest is made; null: it has none")
    failures: int = Field(description="polls in a row that failed")
    error: str | None = Field(description="why the last poll failed; null: it did not")
    warning: str | None = Field(description="what is not as it should be, such as a limit that was reached")
    jobs: int = Field(description="how many jobs it has made")
    waiting_for_digest: int = Field(description="how many items wait for the digest")
    items: list[ItemShown] = Field(description="the latest ones, newest first")


class FeedList(BaseModel):
    """A page of feeds."""

    feeds: list[FeedShown]
    next: str | None = Field(description="the cursor of the next page; null: this is the last")
