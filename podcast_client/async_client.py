"""The asynchronous client: a method for each route of the API."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self

import httpx

from podcast_client import answers, calls
from podcast_client import async_io as io
from podcast_client import async_streams as streams
from podcast_client.async_feed_client import AsyncFeedMethods
from podcast_client.async_media_client import AsyncMediaMethods
from podcast_client.async_operator_client import AsyncOperatorMethods
from podcast_client.async_show_client import AsyncShowMethods
from podcast_client.async_transport import AsyncTransport
from podcast_client.calls import Upload
from podcast_client.configuration import Configuration, Retries, Timeouts
from podcast_client.documents import Chunk, Document, Event, EventAddress, Health, Job, Page, Submitted
from podcast_client.errors import TooSlow

_PREVIEW_SECONDS: Final = 900.0
_PREVIEW_PAUSE_SECONDS: Final = 2.0


class AsyncPodcastClient(AsyncMediaMethods, AsyncOperatorMethods, AsyncShowMethods, AsyncFeedMethods):
    """A client of the HTTP API of Podcast Engine; use it as an asynchronous context manager.

    Every method raises `ApiError` (or a class below it) when the server answers with a problem, `Unreachable` or
    `TooSlow` when it does not answer, and `UnexpectedAnswer` when something else answers in its place.

    Args:
        url: the server's address; None: PODCAST_API_URL.
        key: the key; None: PODCAST_API_KEY, or the file that PODCAST_API_KEY_FILE names.
        timeouts: in seconds.
        retries: how often it tries again, and for how long.
        http: an httpx client to send with, for proxies or certificates of your own; it is not closed here.

    Raises:
        ValueError: there is no address, or it cannot be used.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeouts: Timeouts | None = None,
        retries: Retries | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self.configuration = Configuration.found(url, key, timeouts=timeouts, retries=retries)
        self._transport = AsyncTransport(self.configuration, http)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    # ------------------------------------------------------------ jobs

    async def submit(
        self,
        *,
        text: str | None = None,
        url: str | None = None,
        file: Upload | None = None,
        file_name: str = "",
        cover: Upload | None = None,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> Submitted:
        """Hand over a document as a job.

        Exactly one of `text`, `url` and `file` says what is spoken. It is safe to try again after any failure with
        the same `idempotency_key`: there is one job.

        Args:
            text: the text to speak.
            url: an http or https address, fetched by the server.
            file: a document: a path, its bytes, or an open file.
            file_name: of `file`, where it is not a path; its suffix says what it is.
            cover: a JPEG or PNG picture.
            idempotency_key: one key, one job; None: a new one.
            options: fields of a job, such as `title`, `author`, `language`, `voice`, `model`, `speed`, `formats`,
                `source_format`, `loudness`, `max_parallel`, `metadata`, `narration`, `show` and `webhook_url`.

        Raises:
            ValueError: none of `text`, `url` and `file` is given, or several.
        """
        return await self._transport.run(
            calls.submit(
                text=text,
                url=url,
                file=file,
                file_name=file_name,
                cover=cover,
                options=options,
                idempotency_key=idempotency_key,
                answer=calls.SUBMITTED,
            )
        )

    async def preview(
        self,
        *,
        text: str | None = None,
        url: str | None = None,
        file: Upload | None = None,
        file_name: str = "",
        **options: Any,
    ) -> Document:
        """What would be spoken of a document: chapters, text, omissions, minutes. Takes what `submit` takes.

        Waits until the document is read, which may take minutes while many others are waiting.

        Raises:
            TooSlow: it was not read in a quarter of an hour.
        """
        found: Document = await self._transport.run(
            calls.submit(
                text=text,
                url=url,
                file=file,
                file_name=file_name,
                cover=None,
                options=options,
                idempotency_key=None,
                path="/v1/preview",
                answer=answers.document,
            )
        )
        end = time.monotonic() + _PREVIEW_SECONDS
        while not calls.is_made(found):
            if time.monotonic() > end:
                raise TooSlow(f"The document was not read in {_PREVIEW_SECONDS:g} s.")
            await io.sleep(_PREVIEW_PAUSE_SECONDS)
            found = await self._transport.run(calls.preview_answer(str(found["preview_id"])))
        return found

    async def job(self, job_id: str) -> Job:
        """How a job stands."""
        return await self._transport.run(calls.job(job_id))

    async def jobs_page(
        self,
        *,
        states: tuple[str, ...] = (),
        title: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Job]:
        """A page of the jobs, newest first.

        Args:
            states: only jobs in one of these states; empty: all.
            title: only jobs whose title contains this.
            since: only jobs submitted at this time or later, in seconds since the epoch.
            until: only jobs submitted before this time.
            limit: how many, from 1 to 100.
            cursor: `next` of the page before.
        """
        return await self._transport.run(
            calls.jobs(states=states, title=title, since=since, until=until, limit=limit, cursor=cursor)
        )

    async def jobs(
        self,
        *,
        states: tuple[str, ...] = (),
        title: str | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> AsyncGenerator[Job, None]:
        """All jobs, newest first, fetched a page at a time. Takes what `jobs_page` takes."""
        cursor: str | None = None
        while True:
            page = await self.jobs_page(states=states, title=title, since=since, until=until, cursor=cursor)
            for job in page.items:
                yield job
            cursor = page.next
            if cursor is None:
                return

    async def chunks(self, job_id: str) -> AsyncGenerator[Chunk, None]:
        """A job's chunks in order: state, text, attempts and reasons."""
        cursor: str | None = None
        while True:
            page = await self._transport.run(calls.chunks(job_id, limit=100, cursor=cursor))
            for chunk in page.items:
                yield chunk
            cursor = page.next
            if cursor is None:
                return

    async def manifest(self, job_id: str) -> Document:
        """The chapters and chunks that a job's document was split into."""
        return await self._transport.run(calls.manifest(job_id))

    async def cancel(self, job_id: str, *, reason: str | None = None) -> Job:
        """Stop a job; it may take a moment until its state says so."""
        return await self._transport.run(calls.cancel(job_id, reason=reason))

    async def delete(self, job_id: str) -> None:
        """Remove a job and its episode, after stopping it if it has not ended."""
        await self._transport.run(calls.delete(job_id))

    async def retry(self, job_id: str) -> Job:
        """Open a failed or cancelled job again; what is finished stays finished."""
        return await self._transport.run(calls.retry(job_id))

    async def prune(self, older_than_seconds: float, *, dry_run: bool = False) -> Document:
        """Remove jobs that ended longer ago than this, and audio that no job refers to."""
        return await self._transport.run(calls.prune(older_than_seconds=older_than_seconds, dry_run=dry_run))

    # ------------------------------------------------------------ events

    def events(
        self, job_id: str | None = None, *, last_event_id: str = "", trouble: streams.Trouble | None = None
    ) -> AsyncGenerator[Event, None]:
        """What happens to a job, until it ends; or to all jobs, for ever.

        A lost connection is made again, and the stream goes on after the last event.

        Args:
            job_id: of the job; None: all jobs.
            last_event_id: the id of the last event that is known, to go on after it.
            trouble: called when the server does not answer; the stream tries again by itself.
        """
        return streams.events(self._transport, job_id, last_event_id=last_event_id, trouble=trouble)

    async def event_address(self, job_id: str | None = None) -> EventAddress:
        """An address at which a browser's EventSource can watch a job, or all jobs, for some minutes.

        It has a token in place of the key, so that your server can hand it to a page; who has it can watch.

        Args:
            job_id: of the job; None: all jobs.
        """
        found = await self._transport.run(calls.event_address(job_id))
        return replace(found, url=self.configuration.url + found.url)

    async def watch(self, job_id: str, *, trouble: streams.Trouble | None = None) -> AsyncGenerator[Job, None]:
        """Each new state of a job; the last one is its end."""
        latest: Job | None = None
        async with aclosing(self.events(job_id, trouble=trouble)) as stream:
            async for event in stream:
                if event.job is not None and event.job.is_news_after(latest):
                    latest = event.job
                    yield latest

    async def wait(self, job_id: str, *, trouble: streams.Trouble | None = None) -> Job:
        """A job's end, however it ends: look at its `state`."""
        async with aclosing(self.watch(job_id, trouble=trouble)) as stream:
            async for job in stream:
                if job.has_ended:
                    return job
        return await self.job(job_id)

    # ------------------------------------------------------------ the server

    async def health(self) -> Health:
        """Whether the server can take jobs now, and why not."""
        return await self._transport.run(calls.health())
