"""A show's feed says what PSP-1, Apple and the podcast namespace want to hear, and a stranger's text stays text."""

from __future__ import annotations

import hashlib
import html
import time
from collections.abc import AsyncIterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from lxml import etree

from services.cli.feed_lint.linting import lint
from services.gateway.show_feed import ATOM, CONTENT, ITUNES, PODCAST
from services.gateway.show_notes import cut, described
from services.gateway.subrip import subrip
from shared.client import deleting, feed_tokens, show_episodes, shows
from shared.errors import BadInput
from shared.pictures import size_of
from shared.protocol.messages import new_job_id
from shared.store import keys
from tests.unit.gateway.made_shows import AUDIO, CAPTIONS, JPEG, PNG, PUBLIC_URL, Shows, gateway_with_shows

FEED = "/shows/essays/feed.xml"
NAMES = {"itunes": ITUNES, "podcast": PODCAST, "atom": ATOM, "content": CONTENT}


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Shows]:
    async with gateway_with_shows(tmp_path / "store") as found:
        yield found


async def feed_of(made: Shows, path: str = FEED) -> etree._Element:
    response = await made.client.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/rss+xml; charset=utf-8"
    return etree.fromstring(response.content)


def text(element: etree._Element, path: str) -> str:
    found = element.findtext(path, namespaces=NAMES)
    assert found is not None, path
    return found


def attribute(element: etree._Element, path: str, name: str) -> str:
    found = element.find(path, namespaces=NAMES)
    assert found is not None, path
    return str(found.attrib[name])


def path_of(address: str) -> str:
    assert address.startswith(f"{PUBLIC_URL}/")
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


async def test_a_feed_has_what_directories_require(made: Shows) -> None:
    await made.show(persons=[{"name": "A. Reader", "role": "narrator"}], copyright="© A. Reader")
    await shows.set_cover(made.store, "essays", JPEG)
    channel = (await feed_of(made)).find("channel")
    assert channel is not None
    assert text(channel, "title") == "Essays & <Notes>"
    assert text(channel, "description") == "Old essays.\n\nRead aloud."
    assert (text(channel, "language"), text(channel, "copyright")) == ("en", "© A. Reader")
    assert text(channel, "link") == f"{PUBLIC_URL}/shows/essays"
    assert attribute(channel, "atom:link[@rel='self']", "href") == PUBLIC_URL + FEED
    assert attribute(channel, "itunes:category", "text") == "Arts"
    assert attribute(channel, "itunes:category/itunes:category", "text") == "Books"
    assert (text(channel, "itunes:explicit"), text(channel, "itunes:type")) == ("false", "episodic")
    assert text(channel, "itunes:owner/itunes:email") == "owner@example.org"
    assert text(channel, "podcast:guid") == shows.guid_of(PUBLIC_URL + FEED)
    assert (text(channel, "podcast:locked"), text(channel, "podcast:medium")) == ("yes", "podcast")
    assert text(channel, "podcast:txt[@purpose='ai-content']") == "true"
    assert (text(channel, "podcast:person"), attribute(channel, "podcast:person", "role")) == ("A. Reader", "narrator")
    cover = attribute(channel, "itunes:image", "href")
    assert cover.endswith(".jpg")
    picture = await made.client.get(path_of(cover))
    assert (picture.content, picture.headers["content-type"]) == (JPEG, "image/jpeg")


async def test_an_item_names_its_audio_exactly(made: Shows) -> None:
    await made.show()
    job_id = new_job_id()
    at = 1_700_000_000.0
    place = {"number": 3, "season": 2, "summary": "See https://example.org/a?b=1&c=2.", "published_at": at}
    await made.job(job_id, title="One < two & \x0b three]]>", link="https://example.org/essay", **place)
    item = (await feed_of(made)).find("channel/item")
    assert item is not None
    assert text(item, "title") == "One < two &  three]]>"
    assert (text(item, "guid"), attribute(item, "guid", "isPermaLink")) == (job_id, "false")
    assert parsedate_to_datetime(text(item, "pubDate")).timestamp() == at
    assert (text(item, "itunes:episode"), text(item, "itunes:season")) == ("3", "2")
    assert (text(item, "itunes:duration"), text(item, "itunes:episodeType")) == ("62", "full")
    enclosure = item.find("enclosure")
    assert enclosure is not None
    assert (enclosure.attrib["length"], enclosure.attrib["type"]) == (str(len(AUDIO)), "audio/mpeg")
    address = path_of(str(enclosure.attrib["url"]))
    whole = await made.client.get(address)
    assert whole.content == AUDIO
    part = await made.client.get(address, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, AUDIO[10:20])
    head = await made.client.head(address)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(AUDIO)), b"")
    notes = text(item, "content:encoded")
    assert '<a href="https://example.org/a?b=1&amp;c=2" rel="nofollow">' in notes
    assert "<li>1:01:01 &lt;b&gt;End&lt;/b&gt; &amp; more</li>" in notes
    assert "https://example.org/essay" in notes
    for kind, name, content in (
        ("text/vtt", "captions.vtt", CAPTIONS),
        ("application/x-subrip", "captions.srt", subrip(CAPTIONS)),
    ):
        url = attribute(item, f"podcast:transcript[@type='{kind}']", "url")
        response = await made.client.get(path_of(url))
        assert (url.rpartition("/")[2], response.text) == (name, content)
        assert response.headers["content-type"].partition(";")[0] == kind
    chapters = await made.client.get(path_of(attribute(item, "podcast:chapters", "url")))
    assert chapters.headers["content-type"] == "application/json+chapters"
    assert chapters.json()["chapters"][0]["title"] == "Beginning"


async def test_an_episode_that_is_renamed_and_rendered_again_is_one_item_with_one_guid(made: Shows) -> None:
    await made.show()
    first, second, third = (new_job_id() for _ in range(3))
    await made.job(first, title="Old")
    before = (await feed_of(made)).find("channel/item")
    renamed = await made.operator.patch(f"/v1/shows/essays/episodes/{first}", json={"title": "New"})
    assert renamed.status_code == 200, renamed.text
    await made.job(second, episode_id=first, audio=AUDIO * 2)
    await made.job(third, episode_id=first, state="failed")
    [item] = (await feed_of(made)).findall("channel/item")
    assert before is not None
    for name in ("guid", "pubDate"):
        assert text(item, name) == text(before, name)
    assert (text(before, "title"), text(item, "title")) == ("Old", "New")
    assert attribute(item, "enclosure", "length") == str(len(AUDIO) * 2)
    assert attribute(item, "enclosure", "url") != attribute(before, "enclosure", "url")
    old = await made.client.get(path_of(attribute(before, "enclosure", "url")))
    assert old.content == AUDIO  # a download that is under way goes on


async def test_what_is_not_completed_hidden_or_for_later_is_not_in_the_feed(made: Shows) -> None:
    await made.show()
    later = time.time() + 3_600
    await made.job("running", state="synthesizing")
    await made.job("failed", state="failed")
    await made.job("hidden")
    await made.job("later", published_at=later)
    await made.job("shown")
    await show_episodes.change(
        made.store, "essays", "hidden", lambda one: show_episodes.changed_record(one, {"is_hidden": True})
    )
    items = (await feed_of(made)).findall("channel/item")
    assert [text(item, "title") for item in items] == ["Episode shown"]
    for job_id in ("hidden", "later"):
        assert (await made.client.get(f"/shows/essays/episodes/{job_id}/{job_id}/audio.mp3")).status_code == 404
    assert (await made.client.get("/shows/essays/episodes/shown/shown/audio.mp3")).status_code == 200


async def test_a_file_of_a_job_of_another_show_is_not_told(made: Shows) -> None:
    await made.show()
    await made.show("secret", visibility="private")
    await made.job("j1", show_id="secret")
    await made.job("j2")
    for path in (
        "essays/episodes/j1/j1/audio.mp3",
        "essays/episodes/j2/j1/audio.mp3",
        "essays/episodes/j2/j2/audio.wav",
    ):
        assert (await made.client.get(f"/shows/{path}")).status_code in {404, 409}, path
    assert (await made.client.get("/shows/secret/episodes/j1/j1/audio.mp3")).status_code == 401


async def test_a_deleted_job_is_gone_from_the_feed(made: Shows) -> None:
    await made.show()
    await made.job("j1")
    assert len((await feed_of(made)).findall("channel/item")) == 1
    await deleting.delete_job(made.store, "j1")
    assert (await feed_of(made)).findall("channel/item") == []


async def test_a_client_that_has_the_feed_is_told_so(made: Shows) -> None:
    await made.show()
    await made.job("j1")
    first = await made.client.get(FEED)
    assert first.headers["cache-control"] == "public, max-age=60"
    assert first.headers["access-control-allow-origin"] == "*"
    for header in ({"If-None-Match": first.headers["etag"]}, {"If-Modified-Since": first.headers["last-modified"]}):
        again = await made.client.get(FEED, headers=header)
        assert (again.status_code, again.content) == (304, b"")
    head = await made.client.head(FEED)
    assert (head.status_code, head.headers["etag"]) == (200, first.headers["etag"])
    await made.job("j2")
    changed = await made.client.get(FEED, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_a_long_feed_has_pages_that_lead_to_each_other(made: Shows) -> None:
    await made.show(feed_items=2)
    for number in range(5):
        await made.job(f"j{number}", published_at=1_000.0 + number)
    found: list[str] = []
    path: str | None = FEED
    while path is not None:
        channel = (await feed_of(made, path)).find("channel")
        assert channel is not None
        found += [text(item, "guid") for item in channel.findall("item")]
        link = channel.find("atom:link[@rel='next']", namespaces=NAMES)
        path = None if link is None else path_of(str(link.attrib["href"]))
    assert found == [show_episodes.guid_of("essays", f"j{number}") for number in (4, 3, 2, 1, 0)]
    assert (await made.client.get(f"{FEED}?page=4")).status_code == 404


async def test_only_the_newest_are_kept_where_the_show_says_so(made: Shows) -> None:
    await made.show(keep_episodes=2)
    for number in range(4):
        await made.job(f"j{number}", published_at=1_000.0 + number)
    await made.job("j9", published_at=2_000.0, state="failed")
    items = (await feed_of(made)).findall("channel/item")
    assert [text(item, "title") for item in items] == ["Episode j3", "Episode j2"]


async def test_a_private_feed_opens_for_a_token_until_it_is_revoked(made: Shows) -> None:
    await made.show(visibility="private")
    await made.job("j1")
    mine, token = await feed_tokens.add(made.store, "essays", name="phone")
    _, other = await feed_tokens.add(made.store, "essays", name="car")
    await made.show("b", visibility="private")
    for wrong in ("", "x", token[:-1] + ("0" if token[-1] != "0" else "1")):
        refused = await made.client.get(FEED, params={"token": wrong} if wrong else {})
        assert refused.status_code == 401, wrong
    assert (await made.client.get("/shows/b/feed.xml", params={"token": token})).status_code == 401

    channel = (await feed_of(made, f"{FEED}?token={token}")).find("channel")
    assert channel is not None
    assert text(channel, "itunes:block") == "Yes"
    named = [str(value) for element in channel.iter() for value in element.attrib.values() if PUBLIC_URL in str(value)]
    assert len(named) >= 5
    assert all(token in address for address in named)
    audio = path_of(attribute(channel, "item/enclosure", "url"))
    answer = await made.client.get(audio)
    assert (answer.content, answer.headers["cache-control"]) == (AUDIO, "private, no-cache")
    assert (await made.client.get(audio.partition("?")[0])).status_code == 401

    await feed_tokens.revoke(made.store, "essays", mine.token_id)
    assert (await made.client.get(FEED, params={"token": token})).status_code == 401
    assert (await made.client.get(audio)).status_code == 401
    assert (await made.client.get(FEED, params={"token": other})).status_code == 200


async def test_revoked_tokens_do_not_count_towards_the_limit(made: Shows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_tokens, "TOKENS_LIMIT", 2)
    await made.show(visibility="private")
    (first, lost), (_, kept) = [await feed_tokens.add(made.store, "essays", name="") for _ in range(2)]
    with pytest.raises(BadInput, match="which is the limit"):
        await feed_tokens.add(made.store, "essays", name="")
    await feed_tokens.revoke(made.store, "essays", first.token_id)
    _, third = await feed_tokens.add(made.store, "essays", name="")
    opened = [await feed_tokens.opens(made.store, "essays", token) for token in (lost, kept, third)]
    assert opened == [False, True, True]
    assert len(await feed_tokens.listed(made.store, "essays")) == 2


async def test_an_episode_that_is_being_made_is_announced_where_the_show_says_so(made: Shows) -> None:
    await made.show(announce=True)
    await made.job("j1", published_at=1_000.0)
    await made.job("j2", state="synthesizing", summary="Soon <b>.", title="The next one")
    await made.job("j3", state="failed")
    await made.job("j4", state="synthesizing", published_at=time.time() + 1_000)
    await made.job("j5", state="synthesizing", episode_id="j1")
    first = await made.client.get(FEED)
    channel = etree.fromstring(first.content).find("channel")
    assert channel is not None
    (live,) = channel.findall("podcast:liveItem", namespaces=NAMES)
    assert (live.attrib["status"], text(live, "title")) == ("pending", "The next one")
    assert datetime.fromisoformat(str(live.attrib["start"])).tzinfo is not None
    assert text(live, "description") == "Soon &lt;b>."
    assert attribute(live, "podcast:contentLink", "href") == f"{PUBLIC_URL}/shows/essays"
    assert [text(item, "title") for item in channel.findall("item")] == ["Episode j1"]
    assert lint(first.content) == []

    guid = text(live, "guid")
    await made.complete("j2")
    items = (await feed_of(made)).findall("channel/item")
    assert text(items[0], "guid") == guid, "the item that takes its place has its guid"
    assert (await feed_of(made)).find("channel/podcast:liveItem", namespaces=NAMES) is None


async def test_a_show_announces_nothing_unless_it_is_told_to(made: Shows) -> None:
    await made.show()
    await made.job("j2", state="synthesizing")
    assert (await feed_of(made)).find("channel/podcast:liveItem", namespaces=NAMES) is None


async def test_an_episode_has_the_cover_of_its_own_and_not_a_copy_of_the_shows(made: Shows) -> None:
    await made.show()
    await shows.set_cover(made.store, "essays", JPEG)
    await made.store.put(keys.source("own", "cover-1.png"), PNG)
    await made.job("own", published_at=3.0, cover=keys.source("own", "cover-1.png"))
    await made.store.put(keys.source("copy", "show-cover-1.jpg"), JPEG)
    await made.job("copy", published_at=2.0, cover=keys.source("copy", "show-cover-1.jpg"))
    await made.store.put(keys.cover("found"), JPEG)
    await made.job("found", published_at=1.0)
    await made.job("none", published_at=0.0)
    own, copy, found, none = (await feed_of(made)).findall("channel/item")
    for item, content, media_type in ((own, PNG, "image/png"), (found, JPEG, "image/jpeg")):
        address = path_of(attribute(item, "itunes:image", "href"))
        picture = await made.client.get(address)
        assert (picture.content, picture.headers["content-type"]) == (content, media_type)
        assert (await made.client.head(address)).status_code == 200, "PSP-1 wants pictures to answer HEAD"
    for item in (copy, none):
        assert item.find("itunes:image", namespaces=NAMES) is None


async def test_what_looks_like_markup_is_text_also_for_clients_that_decode_it_again(made: Shows) -> None:
    await made.show(description="Q & A <b>; &lt; & &nbsp;")
    await made.job("j1", summary="a < b && c")
    document = (await made.client.get(FEED)).content
    assert b"<title>Essays &#x26; &#x3C;Notes&gt;</title>" in document
    channel = etree.fromstring(document).find("channel")
    assert channel is not None
    assert text(channel, "description") == "Q & A &lt;b>; &amp;lt; & &amp;nbsp;"
    assert html.unescape(text(channel, "item/description")) == "a < b && c"
    assert "<p>a &lt; b &amp;&amp; c</p>" in text(channel, "item/content:encoded")
    assert described("<" * 4_000, 4_000) == "&lt;" * 999 + "…"


async def test_the_list_of_shows_names_the_public_ones_alone(made: Shows) -> None:
    await made.show()
    await made.show("b", title="B")
    await made.show("secret", visibility="private", title="Secret")
    response = await made.client.get("/shows.opml")
    outlines = etree.fromstring(response.content).findall("body/outline")
    assert [(one.attrib["text"], one.attrib["xmlUrl"]) for one in outlines] == [
        ("B", f"{PUBLIC_URL}/shows/b/feed.xml"),
        ("Essays & <Notes>", f"{PUBLIC_URL}{FEED}"),
    ]
    assert (
        await made.client.get("/shows.opml", headers={"If-None-Match": response.headers["etag"]})
    ).status_code == 304


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"visibility": "private", "owner_email": None, "author": "", "ai_content": False},
        {"kind": "serial", "is_complete": True, "locked": False, "language": "de-AT", "medium": "audiobook"},
        {"title": "\u202e]]> & <b>", "description": "x" * 4_000, "copyright": "ä", "feed_items": 1},
        {"persons": [{"name": "A", "href": "https://example.org/a"}], "link": "https://example.org/", "explicit": True},
    ],
    ids=["plain", "private", "serial", "hostile", "people"],
)
async def test_the_linter_finds_nothing_in_our_feeds(made: Shows, fields: dict[str, Any]) -> None:
    await made.show(**{"author": "A. Reader", **fields})
    for number in range(3):
        await made.job(f"j{number}", number=number + 1, season=1, summary="ä" * 3_999, title="\x00<i>\ud7ff]]>")
    _, token = await feed_tokens.add(made.store, "essays", name="")
    for page in range(1, 4 if fields.get("feed_items") else 2):
        query = ({"page": page} if page > 1 else {}) | ({"token": token} if "visibility" in fields else {})
        response = await made.client.get(FEED, params=query)
        assert response.status_code == 200, response.text
        allowed = {"author"} if fields.get("author") == "" else set()
        found = lint(response.content, address=str(response.url).replace("http://127.0.0.1:8080", PUBLIC_URL))
        assert {finding.rule for finding in found} <= allowed, found


async def test_a_show_without_a_cover_has_a_plain_one(made: Shows) -> None:
    await made.show()
    picture = await made.client.get(path_of(attribute(await feed_of(made), "channel/itunes:image", "href")))
    assert picture.headers["content-type"] == "image/png"
    assert size_of(picture.content) == (1_400, 1_400)


async def test_a_show_that_is_not_there_has_no_feed(made: Shows) -> None:
    response = await made.client.get(FEED)
    assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")


async def test_one_address_cannot_ask_without_end(tmp_path: Path) -> None:
    async with gateway_with_shows(tmp_path / "store", gateway_requests_per_minute=3) as made:
        await made.show()
        assert [(await made.client.get(FEED)).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_captions_as_subrip_have_the_same_words_and_times() -> None:
    assert subrip(CAPTIONS) == (
        "1\n00:00:00,000 --> 00:00:01,500\nRhubarb & custard.\n\n"
        "2\n00:00:01,500 --> 100:00:03,250\nHOST: Two lines,\nof one cue.\n"
    )


def test_a_text_is_cut_between_characters() -> None:
    assert cut("ä" * 3_000, 4_000) == "ä" * 1_998 + "…"
    assert hashlib.sha256(cut("short", 4_000).encode()).digest() == hashlib.sha256(b"short").digest()
