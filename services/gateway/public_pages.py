"""A show and its episodes for people who listen: HTML with player, chapters and transcript, and cards for social media.

Pure. Made by lxml, never by pasting text, since titles, notes and transcripts are strangers'. Everything works without
a script; with one, the transcript follows the audio.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any, Final

from lxml import etree, html
from lxml.html import builder

from services.gateway import page_routes
from services.gateway.download_names import MEDIA_TYPES
from services.gateway.show_addresses import ShowAddresses
from services.gateway.show_notes import NotedChapter, as_html, clock, cut, plain
from shared.client.show_renderings import ShownEpisode
from shared.protocol.shows import Show

DESCRIPTION_LIMIT_BYTES: Final = 300
"""Of a card: networks cut what is longer."""
_CUE: Final = re.compile(r"(?:(\d+):)?(\d\d):(\d\d\.\d\d\d)\s+-->")
_TAG: Final = re.compile(r"<[^>]*>")
_SPEAKER: Final = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>")


@dataclass(frozen=True)
class SpokenLine:
    """A line of the transcript.

    Attributes:
        start_seconds: when it is spoken.
        text: what is said.
        speaker: who says it; empty: the narrator.
    """

    start_seconds: float
    text: str
    speaker: str = ""


def cues_in(captions: str) -> Iterator[SpokenLine]:
    """The lines of a WebVTT file of ours, as plain text."""
    for block in captions.replace("\r\n", "\n").split("\n\n"):
        lines = block.split("\n")
        for at, line in enumerate(lines):
            if found := _CUE.match(line):
                seconds = 3_600 * int(found[1] or 0) + 60 * int(found[2]) + float(found[3])
                raw = " ".join(lines[at + 1 :])
                speaker = _SPEAKER.match(raw)
                yield SpokenLine(seconds, _text(_TAG.sub("", raw)), _text(speaker[1]) if speaker else "")
                break


def episode_page(
    show: Show,
    episode: ShownEpisode,
    addresses: ShowAddresses,
    *,
    chapters: Sequence[NotedChapter],
    cues: Sequence[SpokenLine],
) -> bytes:
    """The page of an episode.

    Args:
        show: its show.
        episode: the episode.
        addresses: absolute ones, for cards; the page itself uses the same without the server's name, since it may be
            read under another one.
        chapters: of the episode.
        cues: its transcript.
    """
    here = ShowAddresses("", show.show_id, addresses.token)
    summary = plain(episode.record.summary or "")
    audio = [
        builder.SOURCE(src=here.audio(episode, file), type=MEDIA_TYPES[file.kind]) for file in episode.rendering.audio
    ]
    if cues:
        words = here.file(episode, "captions.vtt")
        audio.append(builder.TRACK(kind="captions", src=words, srclang=show.language, label="Captions"))
    day = time.strftime("%Y-%m-%d", time.gmtime(episode.published_at))
    facts = " · ".join(part for part in (_numbered(episode), day, clock(episode.rendering.audio_seconds)) if part)
    body = [
        builder.P(builder.A(plain(show.title), href=here.page())),
        builder.H1(plain(episode.title)),
        builder.P(facts),
        builder.SECTION(
            builder.AUDIO(*audio, controls="", preload="metadata", **{"aria-label": plain(episode.title)}),
            *_chapters(chapters),
            builder.CLASS("player"),
            **{"aria-label": "Episode"},
        ),
    ]
    if summary or episode.record.link:
        notes = html.fromstring(f"<div>{as_html(summary, (), link=_link(episode))}</div>")
        body.append(notes)
    if cues:
        body += [builder.H2("Transcript"), builder.DIV(*_lines(cues), id="transcript")]
    described = cut(" ".join((summary or show.description).split()), DESCRIPTION_LIMIT_BYTES)
    card = {
        "og:type": "article",
        "og:site_name": show.title,
        "og:title": episode.title,
        "og:description": described,
        "og:url": addresses.episode_page(episode.record.episode_id),
        "og:audio": addresses.audio(episode, episode.rendering.audio[0]),
        **_picture(show, addresses),
    }
    return _page(show, f"{episode.title} · {show.title}", described, card, body, addresses)


def show_page(show: Show, episodes: Sequence[ShownEpisode], addresses: ShowAddresses) -> bytes:
    """The page of a show: what it is, its feed, its episodes."""
    here = ShowAddresses("", show.show_id, addresses.token)
    body = [builder.H1(plain(show.title)), builder.P(plain(show.author))]
    if show.cover is not None:
        body.append(builder.IMG(builder.CLASS("cover"), src=here.cover(show.cover), alt="", width="200", height="200"))
    body += [html.fromstring(f"<div>{as_html(show.description, (), link=None)}</div>")]
    body.append(builder.P(builder.A("Feed for podcast apps", href=here.feed(), type="application/rss+xml")))
    items = [
        builder.LI(
            builder.A(plain(one.title), href=here.episode_page(one.record.episode_id)),
            " ",
            builder.SMALL(f"{clock(one.rendering.audio_seconds)}"),
        )
        for one in episodes
    ]
    body += [builder.H2("Episodes"), builder.UL(*items) if items else builder.P("There are no episodes yet.")]
    described = cut(" ".join(show.description.split()), DESCRIPTION_LIMIT_BYTES)
    card = {
        "og:type": "website",
        "og:title": show.title,
        "og:description": described,
        "og:url": addresses.page(),
        **_picture(show, addresses),
    }
    return _page(show, show.title, described, card, body, addresses)


def _page(  # noqa: PLR0917 - one caller for each kind of page
    show: Show, title: str, described: str, card: dict[str, str], body: Sequence[Any], addresses: ShowAddresses
) -> bytes:
    here = ShowAddresses("", show.show_id, addresses.token)
    files = page_routes.files()
    head = [
        builder.META(charset="utf-8"),
        builder.META(name="viewport", content="width=device-width, initial-scale=1"),
        builder.META(name="color-scheme", content="light dark"),
        builder.TITLE(plain(title)),
        builder.META(name="description", content=plain(described)),
        builder.META(name="twitter:card", content="summary"),
        *(builder.META(property=name, content=plain(value)) for name, value in card.items()),
        builder.LINK(rel="alternate", type="application/rss+xml", title=plain(show.title), href=here.feed()),
        builder.LINK(rel="icon", href=f"/page/icon.svg?v={files['icon.svg'].etag}", type="image/svg+xml"),
        builder.LINK(rel="stylesheet", href=f"/page/page.css?v={files['page.css'].etag}"),
        builder.SCRIPT(type="module", src=f"/page/public.js?v={files['public.js'].etag}"),
    ]
    if addresses.token is not None:
        head.append(builder.META(name="robots", content="noindex"))
    document = builder.HTML(builder.HEAD(*head), builder.BODY(builder.MAIN(*body, id="content")), lang=show.language)
    made: bytes = etree.tostring(document, doctype="<!doctype html>", method="html", encoding="utf-8")
    return made


def _chapters(chapters: Sequence[NotedChapter]) -> Iterator[Any]:
    if len(chapters) > 1:
        yield builder.H2("Chapters")
        yield builder.OL(
            *(builder.LI(*_button(one.start_seconds, one.title, clock(one.start_seconds))) for one in chapters)
        )


def _lines(cues: Sequence[SpokenLine]) -> Iterator[Any]:
    before = ""
    for cue in cues:
        said = f"{cue.speaker}: {cue.text}" if cue.speaker and cue.speaker != before else cue.text
        before = cue.speaker
        yield from _button(cue.start_seconds, said, "")


def _button(seconds: float, text: str, beside: str) -> Iterator[Any]:
    """A button that jumps to a place in the audio, and is marked while that place is played."""
    parts = [plain(text), *([" ", builder.SMALL(beside)] if beside else [])]
    yield builder.BUTTON(builder.CLASS("cue"), *parts, type="button", **{"data-start": f"{seconds:.3f}"})


def _picture(show: Show, addresses: ShowAddresses) -> dict[str, str]:
    return {} if show.cover is None else {"og:image": addresses.cover(show.cover)}


def _numbered(episode: ShownEpisode) -> str:
    number, season = episode.record.number, episode.record.season
    return " ".join(
        part for part in (f"Season {season}" if season else "", f"Episode {number}" if number else "") if part
    )


def _link(episode: ShownEpisode) -> str | None:
    return None if episode.record.link is None else str(episode.record.link)


def _text(raw: str) -> str:
    return plain(" ".join(unescape(raw).split()))
