"""`/shows/{show}/…`: feeds and what they name, for podcast clients. No key: see `show_feed_access`."""

from __future__ import annotations

import hashlib
import math
import time
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from services.gateway import job_files, plain_cover, show_feed, show_notes, stored_file
from services.gateway.backend import TheBackend
from services.gateway.file_responses import CONDITIONS, file_responses
from services.gateway.preconditions import Validators, verdict
from services.gateway.problems import documented
from services.gateway.show_addresses import AUDIO_NAMES
from services.gateway.show_feed_access import TheShow, public_url, renderings
from services.gateway.show_notes import NotedChapter
from services.gateway.stored_file import StoredObject
from services.gateway.subrip import subrip
from shared.client import show_episodes, shows
from shared.client.feeds import opml
from shared.client.show_awaited import AwaitedEpisode, awaited
from shared.client.show_renderings import ShownEpisode
from shared.concurrency import gathered
from shared.deadlines import in_thread
from shared.errors import NotFound
from shared.protocol.episode_of_show import EpisodeId
from shared.protocol.messages import JobId
from shared.store import keys
from shared.store.port import Store

router = APIRouter(prefix="/shows/{show_id}", tags=["podcast feeds"])
lists = APIRouter(tags=["podcast feeds"])

_FEED_SECONDS: Final = 60
"""How long a cache may keep a public feed without asking."""
_FILE_SECONDS: Final = 86_400
_CHAPTERS_LIMIT_BYTES: Final = 2_000_000
_CAPTIONS_LIMIT_BYTES: Final = 30_000_000
_READ_AT_A_TIME: Final = 16
_EPISODES_KEPT: Final = 2_000
_KINDS: Final = {
    **{name: kind for kind, name in AUDIO_NAMES.items()},
    "captions.vtt": "vtt",
    "chapters.json": "chapters",
    "cover.jpg": "cover",
    "cover.png": "cover",
}
_SUBRIP: Final = "captions.srt"
PageNumber = Annotated[int, Query(ge=1, le=1_000_000, description="the page of the feed, from 1 on: the newest")]
TheEpisode = Annotated[EpisodeId, Path(description="the episode")]
TheRendering = Annotated[JobId, Path(description="the job that rendered it")]
FileName = Annotated[
    str,
    Path(
        pattern=r"^(audio\.(mp3|m4a|opus|flac|wav)|captions\.(vtt|srt)|chapters\.json|cover\.(jpg|png))$",
        description="which file",
        examples=["audio.mp3"],
    ),
]
PictureName = Annotated[
    str, Path(pattern=r"^(cover-[0-9a-f]{16}\.(jpg|png)|plain\.png)$", description="as the feed names it")
]
_FEED: Final = {
    **documented(404, 412),
    200: {"description": "the feed", "content": {"application/rss+xml": {"schema": {"type": "string"}}}},
    304: {"description": "the client has it already"},
}
_OPML: Final = {
    **documented(404, 412),
    200: {"description": "the list", "content": {"text/x-opml": {"schema": {"type": "string"}}}},
    304: {"description": "the client has it already"},
}
_FILES: Final = file_responses(
    *("audio/mpeg", "audio/x-m4a", "audio/ogg", "audio/flac", "audio/wav"),
    *("text/vtt", "application/x-subrip", "application/json+chapters", "image/jpeg", "image/png"),
)
_PICTURES: Final = file_responses("image/jpeg", "image/png")


@router.head(
    "/feed.xml",
    response_class=Response,
    responses=_FEED,
    openapi_extra=CONDITIONS,
    operation_id="show_feed_head",
)
@router.get(
    "/feed.xml",
    response_class=Response,
    responses=_FEED,
    openapi_extra=CONDITIONS,
    operation_id="show_feed",
)
async def feed(show: TheShow, request: Request, backend: TheBackend, page: PageNumber = 1) -> Response:
    """A show's feed, for podcast clients: RSS 2.0 with Apple's and the podcast namespace."""
    listing = await renderings(request).listing(show.show.show_id)
    episodes = listing.published(now=time.time())[: show.show.keep_episodes]
    size = show.show.feed_items
    last = max(1, math.ceil(len(episodes) / size))
    if page > last:
        raise NotFound(f"The feed has {last} pages.", hint="Follow its links rel=next.")
    shown = episodes[(page - 1) * size : page * size]
    # Episodes that wait for their time to come change the feed without being changed.
    built_at = max([show.show.updated_at, listing.modified, *(one.published_at for one in shown)])
    coming: list[AwaitedEpisode] = []
    if show.show.announce and page == 1:
        coming, moved_at = await awaited(backend.store, listing, now=time.time())
        built_at = max(built_at, moved_at)
    chapters = dict(await gathered(partial(chapters_of, request, backend.store), shown, at_a_time=_READ_AT_A_TIME))
    made = show_feed.FeedPage(shown, page, last, chapters, built_at, hub=backend.settings.websub_hub, awaited=coming)
    body = await in_thread(lambda: show_feed.feed(show.show, made, show.addresses))
    return _document(request, body, show_feed.MEDIA_TYPE, show, modified=built_at)


@router.head(
    "/episodes/{episode_id}/{job_id}/{name}",
    response_class=Response,
    responses=_FILES,
    openapi_extra=CONDITIONS,
    operation_id="show_file_head",
)
@router.get(
    "/episodes/{episode_id}/{job_id}/{name}",
    response_class=Response,
    responses=_FILES,
    openapi_extra=CONDITIONS,
    operation_id="show_file",
)
async def file(
    *,
    show: TheShow,
    episode_id: TheEpisode,
    job_id: TheRendering,
    name: FileName,
    request: Request,
    backend: TheBackend,
) -> Response:
    """A file of an episode, as the feed names it: audio with ranges, captions, chapters."""
    record = await show_episodes.find(backend.store, show.show.show_id, episode_id)
    waits = record.published_at is not None and record.published_at > time.time()
    if job_id not in record.jobs or record.is_hidden or waits:
        raise NotFound("The show has no such episode.", hint="Load its feed again.")
    if name == _SUBRIP:
        wanted = await job_files.file(backend.store, job_id, "vtt", is_attachment=False)
        return await _captions(show, wanted.key, request, backend.store)
    wanted = await job_files.file(backend.store, job_id, _KINDS[name], is_attachment=False)
    response = await stored_file.answer(request, backend, wanted)
    show.let_others_keep(response, seconds=_FILE_SECONDS)
    return response


@router.head(
    "/pictures/{name}",
    response_class=Response,
    responses=_PICTURES,
    openapi_extra=CONDITIONS,
    operation_id="show_picture_head",
)
@router.get(
    "/pictures/{name}",
    response_class=Response,
    responses=_PICTURES,
    openapi_extra=CONDITIONS,
    operation_id="show_picture",
)
async def picture(show: TheShow, name: PictureName, request: Request, backend: TheBackend) -> Response:
    """A show's cover."""
    if name == plain_cover.NAME:
        body = await in_thread(lambda: plain_cover.png(show.show.show_id))
        response = _document(request, body, "image/png", None, modified=None)
        show.let_others_keep(response, seconds=_FILE_SECONDS)
        return response
    media_type = "image/png" if name.endswith(".png") else "image/jpeg"
    wanted = StoredObject(keys.show_cover(show.show.show_id, name), media_type, f'inline; filename="{name}"')
    if await backend.store.state(wanted.key) is None:
        raise NotFound("The show has no such picture.", hint="Load its feed again.")
    response = await stored_file.answer(request, backend, wanted)
    show.let_others_keep(response, seconds=_FILE_SECONDS)
    return response


@lists.get("/shows.opml", response_class=Response, responses=_OPML, operation_id="shows_opml")
async def all_shows(request: Request, backend: TheBackend) -> Response:
    """The feeds of all public shows, for a podcast client to subscribe to them at once."""
    found = await shows.some(backend.store, await shows.ids(backend.store))
    base = public_url(request, backend.settings)
    public = [
        opml.ListedFeed(base + shows.feed_path(show.show_id), show_notes.plain(show.title))
        for show in found
        if show.visibility == "public"
    ]
    document = opml.written(public, title="Podcast Engine")
    return _document(request, document, opml.MEDIA_TYPE, None, modified=None)


def _document(
    request: Request, body: bytes, media_type: str, show: TheShow | None, *, modified: float | None
) -> Response:
    validators = Validators(hashlib.sha256(body).hexdigest()[:32], is_strong=True, modified=modified or 0.0)
    headers = {"ETag": validators.etag}
    if modified is not None:
        headers["Last-Modified"] = validators.last_modified
    match verdict(request.headers, validators):
        case "failed":
            raise HTTPException(412, "The document does not match the condition.")
        case "not modified":
            response = Response(status_code=304, headers=headers)
        case _:
            response = Response(body, media_type=media_type, headers=headers)
    if show is not None:
        show.let_others_keep(response, seconds=_FEED_SECONDS)
    return response


async def _captions(show: TheShow, key: str, request: Request, store: Store) -> Response:
    found = await store.state(key)
    if found is None or found.size_bytes > _CAPTIONS_LIMIT_BYTES:
        raise NotFound("The episode has no captions.", hint="Load its feed again.")
    text = (await store.get(key)).decode(errors="replace")
    body = (await in_thread(lambda: subrip(text))).encode()
    response = _document(request, body, "application/x-subrip; charset=utf-8", None, modified=found.modified)
    show.let_others_keep(response, seconds=_FILE_SECONDS)
    return response


async def chapters_of(request: Request, store: Store, episode: ShownEpisode) -> tuple[str, tuple[NotedChapter, ...]]:
    """The chapters of an episode, for its notes; kept, since a completed job does not change."""
    kept: dict[str, tuple[NotedChapter, ...]] = request.app.state.chapters
    job_id = episode.rendering.job_id
    if job_id not in kept and "chapters" in episode.rendering.kinds:
        try:
            data = await store.get_range(keys.episode(job_id, "chapters.json"), 0, _CHAPTERS_LIMIT_BYTES)
        except NotFound:
            data = b""
        while len(kept) >= _EPISODES_KEPT:
            del kept[next(iter(kept))]
        kept[job_id] = show_notes.chapters_in(data)
    return job_id, kept.get(job_id, ())
