"""`/shows/{show}` and `/shows/{show}/episodes/{episode}`: pages for listeners. No key: see `show_feed_access`."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from services.gateway import public_pages, show_feed_routes
from services.gateway.backend import TheBackend
from services.gateway.problems import documented
from services.gateway.show_feed_access import ReadableShow, TheShow, renderings
from services.gateway.show_notes import NotedChapter
from shared.client.show_renderings import ShownEpisode
from shared.deadlines import in_thread
from shared.errors import NotFound
from shared.protocol.episode_of_show import EpisodeId
from shared.store import keys
from shared.store.port import Store

router = APIRouter(prefix="/shows/{show_id}", tags=["podcast feeds"])

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
"""The Content-Security-Policy of these pages."""
_SECONDS: Final = 60
"""How long a cache may keep a page of a public show."""
_TRANSCRIPT_LIMIT_BYTES: Final = 3_000_000
"""About 40 hours of speech; a page with more would be of no use."""
_EPISODES_SHOWN: Final = 500
_PAGE: Final = {
    **documented(404),
    200: {"description": "the page", "content": {"text/html": {"schema": {"type": "string"}}}},
}
TheEpisode = Annotated[EpisodeId, Path(description="the episode")]


@router.get("", response_class=Response, responses=_PAGE, operation_id="show_page")
async def show_page(show: TheShow, request: Request) -> Response:
    """A show for people: what it is, its feed, its episodes."""
    episodes = (await _published(show, request))[:_EPISODES_SHOWN]
    return _html(show, await in_thread(lambda: public_pages.show_page(show.show, episodes, show.addresses)))


@router.get("/episodes/{episode_id}", response_class=Response, responses=_PAGE, operation_id="episode_page")
async def episode_page(show: TheShow, episode_id: TheEpisode, request: Request, backend: TheBackend) -> Response:
    """An episode for people: player, chapters, a transcript that follows the audio, cards for social media."""
    for episode in await _published(show, request):
        if episode.record.episode_id == episode_id:
            _, chapters = await show_feed_routes.chapters_of(request, backend.store, episode)
            captions = await _captions(backend.store, episode)
            made = partial(_made, show, episode, chapters=chapters, captions=captions)
            return _html(show, await in_thread(made))
    raise NotFound("The show has no such episode.", hint=f"`/shows/{show.show.show_id}` lists them.")


def _made(show: ReadableShow, episode: ShownEpisode, *, chapters: tuple[NotedChapter, ...], captions: str) -> bytes:
    cues = tuple(public_pages.cues_in(captions))
    return public_pages.episode_page(show.show, episode, show.addresses, chapters=chapters, cues=cues)


async def _published(show: ReadableShow, request: Request) -> list[ShownEpisode]:
    listing = await renderings(request).listing(show.show.show_id)
    return listing.published(now=time.time())[: show.show.keep_episodes]


async def _captions(store: Store, episode: ShownEpisode) -> str:
    """The captions of an episode; empty: it has none, or too many."""
    key = keys.episode(episode.rendering.job_id, "vtt")
    state = await store.state(key) if "vtt" in episode.rendering.kinds else None
    if state is None or state.size_bytes > _TRANSCRIPT_LIMIT_BYTES:
        return ""
    return (await store.get(key)).decode(errors="replace")


def _html(show: ReadableShow, page: bytes) -> Response:
    headers = {"Content-Security-Policy": POLICY}
    response = Response(page, media_type="text/html; charset=utf-8", headers=headers)
    show.let_others_keep(response, seconds=_SECONDS)
    return response
