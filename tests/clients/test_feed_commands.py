"""`podcast feeds`: the same over HTTP as beside the stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Ended, Podcast, Server, run

URL = "https://example.org/feed.xml"
NO_FEED = f"fd_{'0' * 32}"


@pytest.mark.parametrize(
    "words",
    [
        ("show", NO_FEED),
        ("edit", NO_FEED, "--first", "2"),
        ("edit", NO_FEED),
        ("pause", NO_FEED),
        ("resume", NO_FEED),
        ("poll", NO_FEED),
        ("remove", NO_FEED),
        ("show", "../keys"),
        ("add", "ftp://example.org/"),
        ("add", URL, "--every", "soon"),
        ("add", URL, "--every", "99d"),
        ("add", URL, "--show", "none-such"),
        ("add", URL, "--show", "No Such"),
        ("add", URL, "--title", "x" * 501),
    ],
)
def test_what_makes_no_sense_is_refused(over_http: Podcast, directly: Podcast, words: tuple[str, ...]) -> None:
    refused = over_http("feeds", *words)
    beside = directly("feeds", *words)
    assert (refused.exit_code, refused.stdout) == (2, "") == (beside.exit_code, beside.stdout)
    assert over_http("feeds", "list").stderr == "There are no feeds; `podcast feeds add URL` adds one.\n"


def test_a_key_without_the_scope_is_told_so(server: Server, over_http: Podcast, tmp_path: Path) -> None:
    key = over_http("keys", "add", "reader", "--scope", "read").stdout.strip()
    environment = {"PODCAST_STATE_DIR": str(tmp_path), "PODCAST_API_KEY": key}
    refused = run("--api", server.url, "feeds", "list", environment=environment)
    assert refused == Ended(2, "", "podcast: This key does not have the scope operate. Use another key.\n")


@pytest.mark.parametrize("first", ["over_http", "directly"])
def test_a_feed_is_added_edited_paused_polled_and_removed(request: Any, first: str, tmp_path: Path) -> None:
    podcast: Podcast = request.getfixturevalue(first)
    other: Podcast = request.getfixturevalue("directly" if first == "over_http" else "over_http")
    added = podcast("feeds", "add", URL, "--first", "3", "--with", "whales", "--with", "AI", "--digest", "weekly")
    assert added.exit_code == 0, added.stderr
    feed_id = added.stdout.strip()
    try:
        for command in (("list",), ("list", "--json"), ("show", feed_id), ("show", feed_id, "--json"), ("export",)):
            assert podcast("feeds", *command) == other("feeds", *command)
        again = podcast("feeds", "add", URL)
        assert again == other("feeds", "add", URL)
        assert again.exit_code == 2

        edited = podcast("feeds", "edit", feed_id, "--with", "none", "--every", "2h", "--digest", "none")
        assert "include words" not in edited.stdout
        assert "7200" in edited.stdout
        assert podcast("feeds", "pause", feed_id).stdout == f"paused {feed_id}\n"
        refused = podcast("feeds", "poll", feed_id)
        assert refused == other("feeds", "poll", feed_id)
        assert refused.exit_code == 2
        assert podcast("feeds", "resume", feed_id).stdout == f"resumed {feed_id}\n"
        assert podcast("feeds", "poll", feed_id).stdout == f"requested a poll of {feed_id}\n"

        listed = tmp_path / "feeds.opml"
        listed.write_text(podcast("feeds", "export").stdout, encoding="utf-8")
        assert podcast("feeds", "import", str(listed)).stdout == "0 added, 1 there already\n"
    finally:
        assert other("feeds", "remove", feed_id).stdout == f"removed {feed_id}\n"
    assert podcast("feeds", "import", str(listed)).stdout == "1 added, 0 there already\n"
    assert podcast("feeds", "remove", feed_id).exit_code == 0
