"""What the server answers about feeds, as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FeedItem:
    """What became of an item of a feed.

    Attributes:
        title: of the item.
        outcome: `job`, `filtered`, `repeated`, `collected` (it waits for the digest) or `in digest`.
        reason: why.
        job_id: the job that it became, or is in; None: none.
        at: when it was found, in seconds since the epoch.
    """

    title: str
    outcome: str
    reason: str = ""
    job_id: str | None = None
    at: float = 0.0


@dataclass(frozen=True)
class Feed:
    """A feed whose items become episodes. Times are in seconds since the epoch.

    Attributes:
        id: names it.
        url: where it is polled, without a password.
        given_url: the address that it was added with, without a password.
        title: as it calls itself, or as somebody has named it.
        state: `active`, `failing`, `paused` or `gone`.
        created_at: when it was added.
        rules: what is made of it; see docs/feeds.md.
        polled_at: when it was polled last; None: it was not.
        succeeded_at: when a poll last succeeded; None: none has.
        next_poll_at: when it is polled next; None: it is not polled.
        next_digest_at: when its digest is made; None: it has none.
        failures: polls in a row that failed.
        error: why the last poll failed; None: it did not.
        warning: what is not as it should be; None: nothing.
        jobs: how many jobs it has made.
        waiting_for_digest: how many items wait for the digest.
        items: the latest ones, newest first.
    """

    id: str
    url: str = ""
    given_url: str = ""
    title: str = ""
    state: str = ""
    created_at: float = 0.0
    rules: dict[str, Any] = field(default_factory=dict)
    polled_at: float | None = None
    succeeded_at: float | None = None
    next_poll_at: float | None = None
    next_digest_at: float | None = None
    failures: int = 0
    error: str | None = None
    warning: str | None = None
    jobs: int = 0
    waiting_for_digest: int = 0
    items: tuple[FeedItem, ...] = ()
