"""The backend of whoever can reach the HTTP API alone. The API's documents become the models of `shared`."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

import podcast_client as api
from podcast_client import AsyncPodcastClient
from services.cli import job_listing
from services.cli.api_option import Api
from services.cli.backends.http_errors import as_ours, ours
from services.cli.backends.paused_queues import said_with
from services.cli.backends.port import HandedOver, Retried, Say
from shared.client import chapter_folder, fetching, watching
from shared.client.deleting import NotEnded, Removed
from shared.client.pruning import Pruned
from shared.client.submission import Draft
from shared.deadlines import in_thread
from shared.errors import BadInput, DeadlineExceeded, NotFound, PodcastError
from shared.protocol.manifest import Manifest
from shared.protocol.messages import (
    TERMINAL_STATES,
    JobRequest,
    JobState,
    JobStatus,
    ObjectSource,
    TextSource,
    UrlSource,
    WorkRetried,
)
from shared.protocol.preview import Preview
from shared.protocol.reading import read
from shared.settings import Settings
from shared.text import one_line

if TYPE_CHECKING:
    from shared.audio.stream_encoding import StreamFormat

_PAGE_LIMIT: Final = 100
"""Jobs on a page of the API."""


@contextlib.asynccontextmanager
async def connected(target: Api) -> AsyncIterator[AsyncPodcastClient]:
    """A client of the API."""
    async with AsyncPodcastClient(target.url, target.key) as client:
        yield client


class HttpBackend:
    """A gateway.

    Args:
        client: of its API.
        settings: the limits that this side knows.
    """

    def __init__(self, client: AsyncPodcastClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._url = client.configuration.url

    async def submit(self, draft: Draft, *, chosen_id: str | None) -> HandedOver:
        """POST /v1/jobs. The draft's id is the key under which it is one job, however often this is repeated."""
        request = draft.request
        if chosen_id is not None and await self.look(chosen_id) is not None:
            return HandedOver(chosen_id, is_new=False)
        cover = draft.uploads[request.cover] if request.cover else None
        with as_ours(self._url):
            taken = await self._client.submit(
                **_source(draft), cover=cover, idempotency_key=request.job_id, job_id=chosen_id, **_options(request)
            )
        return HandedOver(taken.job_id)

    async def preview(self, draft: Draft) -> Preview:
        """POST /v1/preview, and GET /v1/previews/{id} until it is made."""
        with as_ours(self._url):
            found = await self._client.preview(**_source(draft), **_options(draft.request))
        try:
            return await in_thread(lambda: read(Preview, json.dumps(found), strict=False))
        except ValidationError as error:
            raise PodcastError("The preview that the API has made cannot be read.") from error

    async def status(self, job_id: str) -> JobStatus:
        """GET /v1/jobs/{id}."""
        watching.checked_id(job_id)
        try:
            with as_ours(self._url):
                return status_of(await self._client.job(job_id))
        except NotFound as error:
            raise NotFound(f"There is no job {job_id}.", hint="`podcast jobs` lists the jobs there are.") from error

    async def look(self, job_id: str) -> JobStatus | None:
        """GET /v1/jobs/{id}; None if there is none."""
        with contextlib.suppress(NotFound):
            return await self.status(job_id)
        return None

    async def follow(self, job_id: str, *, retried: Retried, say: Say) -> AsyncIterator[JobStatus]:
        """GET /v1/jobs/{id}/events, over as many connections as it takes."""
        async with contextlib.aclosing(self._followed(job_id, retried, say)) as statuses:
            async for status in said_with(statuses, say, self._paused):
                yield status

    async def _paused(self) -> dict[str, str]:
        with as_ours(self._url):
            found = await self._client.queues()
        return {one.name: one.paused_reason for one in found if one.paused_at is not None}

    async def _followed(self, job_id: str, retried: Retried, say: Say) -> AsyncGenerator[JobStatus, None]:
        end = time.monotonic() + self._settings.job_deadline_seconds + watching.LATE_SECONDS
        latest: api.Job | None = None

        def trouble(error: api.ClientError) -> None:
            say(one_line(f"{ours(error, self._url).message} The job goes on by itself; waiting for the API."))

        with as_ours(self._url):
            async with contextlib.aclosing(self._client.events(job_id, trouble=trouble)) as events:
                async for event in events:
                    if event.retried is not None:
                        with contextlib.suppress(ValidationError):  # it only informs
                            retried(WorkRetried.model_validate(dataclasses.asdict(event.retried)))
                    if event.job is not None and event.job.is_news_after(latest):
                        latest = event.job
                        yield status_of(latest)
                    if time.monotonic() > end:
                        raise DeadlineExceeded(
                            f"Job {job_id} has not ended long after its deadline of"
                            f" {self._settings.job_deadline_seconds:g} s.",
                            hint="Check with `podcast ps` that the coordinator runs.",
                        )
        if latest is None or not latest.has_ended:
            await self.status(job_id)  # it was deleted meanwhile, and this says so

    async def manifest(self, job_id: str) -> Manifest | None:
        """GET /v1/jobs/{id}/manifest."""
        try:
            with as_ours(self._url):
                found = await self._client.manifest(job_id)
        except NotFound:
            return None
        except PodcastError as error:
            if isinstance(error.__cause__, api.Conflict):  # its source could not be read, so there will be none
                return None
            raise
        try:
            return read(Manifest, json.dumps(found), strict=False)
        except ValidationError as error:
            raise PodcastError(f"What the API tells of the chapters of job {job_id} cannot be read.") from error

    async def cancel(self, job_id: str, *, reason: str) -> None:
        """DELETE /v1/jobs/{id}."""
        with as_ours(self._url):
            await self._client.cancel(job_id, reason=reason[:500])

    async def resume(self, job_id: str) -> None:
        """POST /v1/jobs/{id}/retry."""
        with as_ours(self._url):
            await self._client.retry(job_id)

    async def page(self, *, limit: int, before: str, states: frozenset[JobState] | None) -> job_listing.Page:
        """GET /v1/jobs, as many pages as it takes."""
        listed: list[job_listing.Listed] = []
        unreadable = 0
        # A page may be short, even empty, and still have a next one.
        cursor: str | None = before or None
        with as_ours(self._url):
            while True:
                page = await self._client.jobs_page(
                    states=tuple(sorted(states or ())),
                    limit=min(limit - len(listed) - unreadable, _PAGE_LIMIT),
                    cursor=cursor,
                )
                listed += [job_listing.Listed(status_of(job), job.source) for job in page.items]
                unreadable += len(page.unreadable)
                cursor = page.next
                if cursor is None or len(listed) + unreadable >= limit:
                    return job_listing.Page(tuple(listed), cursor, unreadable)

    async def delete(self, job_id: str) -> Removed | None:
        """DELETE /v1/jobs/{id}?purge=true, which would stop the job too: so the job is looked at first."""
        found = await self.status(job_id)
        if found.state not in TERMINAL_STATES:
            raise NotEnded(
                f"Job {job_id} has not ended ({found.state}).",
                hint=f"`podcast delete --cancel {job_id}` stops it first.",
            )
        with as_ours(self._url):
            await self._client.delete(job_id)
        return None

    async def prune(self, *, older_than_seconds: float, dry_run: bool) -> Pruned:
        """POST /v1/prune."""
        with as_ours(self._url):
            found = await self._client.prune(older_than_seconds, dry_run=dry_run)
            try:
                return Pruned(
                    tuple(map(str, found["jobs"])),
                    Removed(int(found["job_objects"]), int(found["job_bytes"])),
                    Removed(int(found["audio_objects"]), int(found["audio_bytes"])),
                    Removed(int(found["preview_objects"]), int(found["preview_bytes"])),
                )
            except (KeyError, TypeError, ValueError) as error:
                raise api.UnexpectedAnswer("The server does not say what was removed.") from error

    async def fetch(self, files: Mapping[str, Path], status: JobStatus) -> bool:
        """GET /v1/jobs/{id}/files/{kind}, each by ranges where a connection breaks."""
        return await fetching.fetch_with(self._getter(status), files, status)

    async def fetch_chapters(self, folder: Path, status: JobStatus) -> list[Path]:
        """GET /v1/jobs/{id}/files/zip, and unpack it."""
        return await chapter_folder.fetch_chapters(self._getter(status), folder, status)

    def _getter(self, status: JobStatus) -> fetching.Get:
        async def get(kind: str, path: Path) -> None:
            with as_ours(self._url):
                await self._client.fetch(status.job_id, path, kind)

        return get

    async def spoken(self, job_id: str, audio_format: StreamFormat) -> AsyncGenerator[bytes, None]:
        """GET /v1/jobs/{id}/stream."""
        with as_ours(self._url):
            async with contextlib.aclosing(self._client.stream(job_id, audio_format)) as pieces:
                async for piece in pieces:
                    yield piece

    async def hls(self, job_id: str, name: str, *, awaited: int) -> bytes:
        """GET /v1/jobs/{id}/hls/{name}."""
        with as_ours(self._url):
            return await self._client.hls(job_id, name, awaited=awaited)

    async def check_engine(self, engine: str) -> None:
        """GET /v1/models."""
        with as_ours(self._url):
            names = [str(model.get("id")) for model in await self._client.models()]
        if engine not in names:
            raise BadInput(
                f"The API at {self._url} has no engine {engine}.", hint=f"It has {', '.join(names) or 'none'}."
            )


def status_of(job: api.Job) -> JobStatus:
    """The status that an API's document of a job is made of.

    Raises:
        PodcastError: it cannot be one.
    """
    try:
        return read(JobStatus, json.dumps(dataclasses.asdict(job)), strict=False)
    except ValidationError as error:
        raise PodcastError(f"What the API tells of job {job.job_id} cannot be read.") from error


def _source(draft: Draft) -> dict[str, Any]:
    match draft.request.source:
        case TextSource(text=text, format=kind):
            return {"text": text, "source_format": kind}
        case UrlSource(url=url, format=format_):
            return {"url": str(url), "source_format": format_}
        case ObjectSource(key=key, name=name, format=format_):
            return {"file": draft.uploads[key], "file_name": name or "document", "source_format": format_}


def _options(request: JobRequest) -> dict[str, Any]:
    names = ("title", "author", "language", "voice", "model", "speed", "max_parallel", "loudness")
    options = {name: getattr(request, name) for name in names}
    return {
        **options,
        "formats": list(request.formats),
        "chapter_files": request.chapter_files or None,  # None: left out, so that an older server takes it
        "metadata": dict(request.metadata) or None,
        # Without the defaults, so that a server of an earlier version takes it.
        "narration": request.narration.model_dump(mode="json", exclude_defaults=True) or None,
        "show": None if request.show is None else request.show.model_dump(mode="json", exclude_defaults=True),
    }
