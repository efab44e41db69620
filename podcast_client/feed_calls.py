"""The calls about feeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podcast_client.answers import nothing, of, page
from podcast_client.calls import Call, part
from podcast_client.documents import Page
from podcast_client.feed_documents import Feed

_FEEDS = "/v1/feeds"


def feeds(*, limit: int = 100, cursor: str | None = None) -> Call[Page[Feed]]:
    """A page of the feeds."""
    return Call("GET", _FEEDS, page(Feed, "feeds"), params={"limit": limit, "cursor": cursor})


def feed(feed_id: str) -> Call[Feed]:
    """One feed."""
    return Call("GET", f"{_FEEDS}/{part(feed_id)}", of(Feed))


def add_feed(body: Mapping[str, Any]) -> Call[Feed]:
    """Make a feed."""
    return Call("POST", _FEEDS, of(Feed), body=_given(body))


def change_feed(feed_id: str, body: Mapping[str, Any]) -> Call[Feed]:
    """Change a feed."""
    return Call("PATCH", f"{_FEEDS}/{part(feed_id)}", of(Feed), body=_given(body))


def poll_feed(feed_id: str) -> Call[None]:
    """Ask for a poll."""
    return Call("POST", f"{_FEEDS}/{part(feed_id)}/poll", nothing)


def remove_feed(feed_id: str) -> Call[None]:
    """Remove a feed."""
    return Call("DELETE", f"{_FEEDS}/{part(feed_id)}", nothing, is_done_if_gone=True)


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in body.items() if value is not None}
    if "rules" in found:
        found["rules"] = {
            name: list(value) if isinstance(value, tuple) else value for name, value in found["rules"].items()
        }
    return found
