"""`podcast shows`: the same over HTTP as beside the stack, and an episode of a show in the show's feed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

from tests.clients.conftest import Ended, Podcast, Server
from tests.unit.gateway.made_shows import JPEG
from tests.waiting import wait_until

PLACE_OF_FEED = frozenset({"feed_url"})
"""Only a gateway knows where clients reach it, unless a setting says so."""


def found(ended: Ended) -> Any:
    assert ended.exit_code == 0, ended.stderr
    return json.loads(ended.stdout)


def without(document: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


@pytest.mark.parametrize("first", ["over_http", "directly"])
def test_a_show_is_the_same_whichever_way_it_is_made(
    request: pytest.FixtureRequest, server: Server, first: str, article: Path, tmp_path: Path
) -> None:
    podcast: Podcast = request.getfixturevalue(first)
    other: Podcast = request.getfixturevalue("directly" if first == "over_http" else "over_http")
    show_id = first.replace("_", "-")
    cover = tmp_path / "cover.jpg"
    cover.write_bytes(JPEG)
    options = ("--title", "Essays", "--description", "Old essays.", "--category", "Arts > Books", "--cover", cover)
    made = found(podcast("shows", "create", show_id, *options, "--person", "A=narrator", "--public", "--json"))
    shown = found(other("shows", "show", show_id, "--json"))
    assert without(made, PLACE_OF_FEED) == without(shown, PLACE_OF_FEED)
    assert podcast("shows", "create", show_id, *options).stderr == other("shows", "create", show_id, *options).stderr

    submitted = podcast("submit", article, "--show", show_id, "--episode", "7", "--title", "The first")
    assert submitted.exit_code == 0, submitted.stderr
    job_id = submitted.stdout.strip()
    assert podcast("watch", job_id, "--quiet").exit_code == 0
    assert podcast("shows", "episodes", show_id) == other("shows", "episodes", show_id)
    renamed = ("shows", "edit-episode", show_id, job_id, "--title", "Renamed")
    assert podcast(*renamed) == other(*renamed) == Ended(0, f"changed {job_id}\n", "")

    def item_now() -> etree._Element:
        found = etree.fromstring(httpx.get(f"{server.url}/shows/{show_id}/feed.xml").content).find("channel/item")
        assert found is not None
        return found

    wait_until(lambda: item_now().findtext("title") == "Renamed", "the feed to have the new title")
    item = item_now()
    assert (item.findtext("title"), item.findtext("guid")) == ("Renamed", job_id)
    enclosure = item.find("enclosure")
    assert enclosure is not None
    assert str(len(httpx.get(str(enclosure.attrib["url"])).content)) == enclosure.attrib["length"]

    token = found(podcast("shows", "tokens", "add", show_id, "--json"))
    assert other("shows", "tokens", "list", show_id) == podcast("shows", "tokens", "list", show_id)
    assert found(other("shows", "tokens", "revoke", show_id, token["id"], "--json"))["revoked_at"] is not None
    assert podcast("shows", "delete", show_id) == Ended(0, f"deleted {show_id}\n", "")
    assert other("shows", "show", show_id) == podcast("shows", "show", show_id)
