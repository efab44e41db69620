"""Writes a show's feed: RSS 2.0 as PSP-1 requires it, with Apple's and the podcast namespace. Pure.

Sources: https://github.com/Podcast-Standards-Project/PSP-1-Podcast-RSS-Specification,
https://podcasters.apple.com/support/823-podcast-requirements, https://github.com/Podcastindex-org/podcast-namespace,
RFC 5005 (paging), W3C WebSub. Every element is made with lxml, so a stranger's text cannot become markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Final

from lxml import etree

from services.gateway.download_names import MEDIA_TYPES
from services.gateway.show_addresses import ShowAddresses
from services.gateway.show_notes import NotedChapter, as_html, described, on_a_line, plain
from shared.client.show_awaited import AwaitedEpisode
from shared.client.show_renderings import AudioFile, ShownEpisode
from shared.protocol.episode_of_show import SUMMARY_LIMIT_CHARACTERS
from shared.protocol.show_categories import SEPARATOR
from shared.protocol.shows import Show

ITUNES: Final = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST: Final = "https://podcastindex.org/namespace/1.0"
ATOM: Final = "http://www.w3.org/2005/Atom"
CONTENT: Final = "http://purl.org/rss/1.0/modules/content/"
MEDIA_TYPE: Final = "application/rss+xml; charset=utf-8"
GENERATOR: Final = "Podcast Engine"
_NAMESPACES: Final = {"itunes": ITUNES, "podcast": PODCAST, "atom": ATOM, "content": CONTENT}
_CDATA: Final = re.compile(rb"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_AUDIO_TYPES: Final = {**MEDIA_TYPES, "m4b": "audio/x-m4a"}  # Apple: "audio/x-m4a"


@dataclass(frozen=True)
class FeedPage:
    """A page of a feed.

    Attributes:
        episodes: newest first.
        number: from 1 on.
        last: number of the last page.
        chapters: of each episode, by the id of its job.
        built_at: when anything in the feed changed last, seconds since the epoch.
        hub: a WebSub hub; empty: none.
        awaited: episodes that are being made, if the feed announces them.
    """

    episodes: Sequence[ShownEpisode]
    number: int
    last: int
    chapters: Mapping[str, Sequence[NotedChapter]]
    built_at: float
    hub: str = ""
    awaited: Sequence[AwaitedEpisode] = ()


def feed(show: Show, page: FeedPage, addresses: ShowAddresses) -> bytes:
    """The XML of a page of a show's feed."""
    rss = etree.Element("rss", nsmap=_NAMESPACES, version="2.0")
    channel = etree.SubElement(rss, "channel")
    _describe(channel, show, page, addresses)
    for awaited in page.awaited:
        _live_item(channel, awaited, addresses)
    for episode in page.episodes:
        _item(channel, show, episode, page.chapters.get(episode.rendering.job_id, ()), addresses)
    return _for_careless_readers(etree.tostring(rss, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _describe(channel: etree._Element, show: Show, page: FeedPage, addresses: ShowAddresses) -> None:
    _links(channel, show, page, addresses)
    _required(channel, show, addresses)
    _people(channel, show)
    _state(channel, show)
    _namespace(channel, show)
    _text(channel, "lastBuildDate", formatdate(page.built_at))
    _text(channel, "generator", GENERATOR)


def _links(channel: etree._Element, show: Show, page: FeedPage, addresses: ShowAddresses) -> None:
    _link(channel, "self", addresses.feed(page.number))
    if page.last > 1:
        wanted = {"first": 1, "previous": page.number - 1, "next": page.number + 1, "last": page.last}
        for relation, number in wanted.items():
            if 1 <= number <= page.last:
                _link(channel, relation, addresses.feed(number))
    if page.hub and show.visibility == "public":
        _link(channel, "hub", page.hub)


def _required(channel: etree._Element, show: Show, addresses: ShowAddresses) -> None:
    """What PSP-1 and Apple require."""
    link = str(show.link) if show.link else addresses.page()
    _text(channel, "title", on_a_line(show.title))
    _text(channel, "description", described(show.description, SUMMARY_LIMIT_CHARACTERS))
    _text(channel, "link", link)
    _text(channel, "language", show.language.lower())
    for category in show.categories:
        above, _, below = category.partition(SEPARATOR)
        outer = etree.SubElement(channel, _itunes("category"), text=above)
        if below:
            etree.SubElement(outer, _itunes("category"), text=below)
    _text(channel, _itunes("explicit"), _truth(show.explicit))
    cover = addresses.cover(show.cover)
    etree.SubElement(channel, _itunes("image"), href=cover)
    image = etree.SubElement(channel, "image")
    for name, value in (("url", cover), ("title", show.title), ("link", link)):
        _text(image, name, value)


def _people(channel: etree._Element, show: Show) -> None:
    if show.author:
        _text(channel, _itunes("author"), on_a_line(show.author))
    if show.owner_email:
        owner = etree.SubElement(channel, _itunes("owner"))
        _text(owner, _itunes("name"), show.owner_name or show.author or show.title)
        _text(owner, _itunes("email"), show.owner_email)
    if show.copyright:
        _text(channel, "copyright", on_a_line(show.copyright))
    for person in show.persons:
        element = _text(channel, _podcast("person"), person.name)
        for name, value in (("role", person.role), ("href", person.href), ("img", person.img)):
            if value:
                element.set(name, plain(str(value)))


def _state(channel: etree._Element, show: Show) -> None:
    _text(channel, _itunes("type"), show.kind)
    if show.is_complete:
        _text(channel, _itunes("complete"), "Yes")
    if show.new_feed_url is not None:
        _text(channel, _itunes("new-feed-url"), str(show.new_feed_url))
    if show.visibility == "private":
        _text(channel, _itunes("block"), "Yes")
        _text(channel, _podcast("block"), "yes")


def _namespace(channel: etree._Element, show: Show) -> None:
    _text(channel, _podcast("guid"), show.guid)
    locked = _text(channel, _podcast("locked"), "yes" if show.locked else "no")
    if show.owner_email:
        locked.set("owner", show.owner_email)
    _text(channel, _podcast("medium"), show.medium)
    if show.ai_content:
        _text(channel, _podcast("txt"), "true").set("purpose", "ai-content")


def _live_item(channel: etree._Element, awaited: AwaitedEpisode, addresses: ShowAddresses) -> None:
    """An episode that is being made: its guid is that of the item which takes its place."""
    record = awaited.record
    start = datetime.fromtimestamp(record.announced_at, UTC).isoformat(timespec="seconds")
    item = etree.SubElement(channel, _podcast("liveItem"), status="pending", start=start)
    _text(item, "title", on_a_line(awaited.title))
    _text(item, "guid", record.guid).set("isPermaLink", "false")
    if record.summary:
        _text(item, "description", described(record.summary, SUMMARY_LIMIT_CHARACTERS))
    _text(item, "link", addresses.page())
    _text(item, _podcast("contentLink"), "The show's page").set("href", addresses.page())


def _item(
    channel: etree._Element,
    show: Show,
    episode: ShownEpisode,
    chapters: Sequence[NotedChapter],
    addresses: ShowAddresses,
) -> None:
    record, rendering = episode.record, episode.rendering
    item = etree.SubElement(channel, "item")
    _text(item, "title", on_a_line(episode.title))
    enclosed, *others = rendering.audio
    etree.SubElement(item, "enclosure", _enclosure(episode, enclosed, addresses))
    _text(item, "guid", record.guid).set("isPermaLink", "false")
    _text(item, "pubDate", formatdate(episode.published_at))
    summary = record.summary or f"{episode.title}, read aloud."
    _text(item, "description", described(summary, SUMMARY_LIMIT_CHARACTERS))
    encoded = etree.SubElement(item, f"{{{CONTENT}}}encoded")
    encoded.text = etree.CDATA(as_html(summary, chapters, link=str(record.link) if record.link else None))
    _text(item, "link", addresses.episode_page(record.episode_id))
    _text(item, _itunes("title"), on_a_line(episode.title))
    if rendering.author:
        _text(item, _itunes("author"), on_a_line(rendering.author))
    _text(item, _itunes("duration"), str(max(1, round(rendering.audio_seconds))))
    _text(item, _itunes("explicit"), _truth(show.explicit))
    _text(item, _itunes("episodeType"), record.type)
    if record.number is not None:
        _text(item, _itunes("episode"), str(record.number))
        _text(item, _podcast("episode"), str(record.number))
    if record.season is not None:
        _text(item, _itunes("season"), str(record.season))
        _text(item, _podcast("season"), str(record.season))
    if rendering.cover:
        etree.SubElement(item, _itunes("image"), href=addresses.file(episode, f"cover.{rendering.cover}"))
    if "vtt" in rendering.kinds:
        for name, media_type in (("captions.vtt", "text/vtt"), ("captions.srt", "application/x-subrip")):
            etree.SubElement(
                item, _podcast("transcript"), url=addresses.file(episode, name), type=media_type, rel="captions"
            )
    if "chapters" in rendering.kinds:
        etree.SubElement(
            item,
            _podcast("chapters"),
            url=addresses.file(episode, "chapters.json"),
            type="application/json+chapters",
        )
    for other in others:
        alternate = etree.SubElement(
            item, _podcast("alternateEnclosure"), type=_AUDIO_TYPES[other.kind], length=str(other.size_bytes)
        )
        etree.SubElement(alternate, _podcast("source"), uri=addresses.audio(episode, other))


def _for_careless_readers(document: bytes) -> bytes:
    """The same document, with `&` and `<` in texts written so that a client which decodes them twice shows no markup.

    The W3C's validator asks for it: https://validator.w3.org/feed/docs/warning/CharacterData.html
    """
    parts = _CDATA.split(document)
    for at in range(0, len(parts), 2):  # every other part is CDATA, in which nothing is decoded
        parts[at] = parts[at].replace(b"&amp;", b"&#x26;").replace(b"&lt;", b"&#x3C;")
    return b"".join(parts)


def _enclosure(episode: ShownEpisode, audio: AudioFile, addresses: ShowAddresses) -> dict[str, str]:
    return {
        "url": addresses.audio(episode, audio),
        "length": str(audio.size_bytes),
        "type": _AUDIO_TYPES[audio.kind],
    }


def _link(channel: etree._Element, relation: str, href: str) -> None:
    link = etree.SubElement(channel, f"{{{ATOM}}}link", href=href, rel=relation)
    if relation != "hub":
        link.set("type", "application/rss+xml")


def _text(parent: etree._Element, name: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, name)
    element.text = plain(text)
    return element


def _itunes(name: str) -> str:
    return f"{{{ITUNES}}}{name}"


def _podcast(name: str) -> str:
    return f"{{{PODCAST}}}{name}"


def _truth(value: bool) -> str:
    return "true" if value else "false"
