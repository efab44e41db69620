# Derived by docs/sync_client.py from async_streams.py: change that one.
"""What comes over time: events, files, speech. A broken stream goes on where it broke."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError

from podcast_client import calls
from podcast_client import sync_io as io
from podcast_client.documents import Event, Job
from podcast_client.errors import ClientError, InvalidRequest, UnexpectedAnswer, Unreachable
from podcast_client.retrying import Outage
from podcast_client.stream_position import Partial, event_of, whole_size
from podcast_client.sync_transport import Answer, Transport, failure

Trouble = Callable[[ClientError], None]


def one_stream(transport: Transport, path: str, last_event_id: str) -> Generator[Event, None]:
    """The events of one connection, until the server ends it.

    Raises:
        ApiError, Unreachable, TooSlow, UnexpectedAnswer: it broke.
    """
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if last_event_id:
        headers["Last-Event-ID"] = last_event_id
    silence = transport.configuration.timeouts.silence
    with transport.stream("GET", path, headers=headers, read_seconds=silence) as answer:
        if answer.response.status_code == httpx.codes.NO_CONTENT:
            return  # the job has ended, and the server knows that its end was seen
        try:
            for message in EventSource(answer.response).iter_sse():
                event = event_of(message)
                if event is not None:
                    yield event
        except SSEError as error:
            raise UnexpectedAnswer("The server does not answer with events; is there a proxy in between?") from error
        except httpx.HTTPError as error:
            raise failure(error, f"GET {path}") from error


def events(
    transport: Transport, job_id: str | None, *, last_event_id: str, trouble: Trouble | None
) -> Generator[Event, None]:
    """Events, over as many connections as it takes; those of a job end with it.

    Where the stream cannot be had but the job can, its state is looked up instead.

    Raises:
        ApiError: the server refuses.
        Unreachable, TooSlow, Unavailable: nothing came for `Retries.outage` seconds.
    """
    if job_id is None:
        stream = _all_events(transport, last_event_id, trouble)
    else:
        stream = _events_of(transport, job_id, last_event_id, trouble)
    with closing(stream) as found:
        for event in found:
            yield event


def _all_events(transport: Transport, last_event_id: str, trouble: Trouble | None) -> Generator[Event, None]:
    outage = Outage(transport.configuration.retries)
    while True:
        opened_at = time.monotonic()
        try:
            with closing(one_stream(transport, "/v1/events", last_event_id)) as stream:
                for event in stream:
                    outage.is_over()
                    last_event_id = event.id or last_event_id
                    yield event
            problem: ClientError = Unreachable("The server has ended the stream.", was_sent=True)
        except ClientError as error:
            problem = error
        if time.monotonic() - opened_at > transport.configuration.timeouts.read:
            outage.is_over()  # it was open, and there was nothing to tell
        _paused(outage, problem, trouble)


def _events_of(
    transport: Transport, job_id: str, last_event_id: str, trouble: Trouble | None
) -> Generator[Event, None]:
    outage = Outage(transport.configuration.retries)
    latest: Job | None = None
    while True:
        try:
            with closing(one_stream(transport, f"{calls.job_path(job_id)}/events", last_event_id)) as stream:
                for event in stream:
                    outage.is_over()
                    last_event_id = event.id or last_event_id
                    yield event
                    latest = event.job or latest
                    if event.is_last:
                        return
            problem: ClientError = Unreachable("The server has ended the stream.", was_sent=True)
        except ClientError as error:
            problem = error
        _paused(outage, problem, trouble)
        # Where there is no stream there may still be an answer.
        found = _looked_up(transport, job_id)
        if found is not None:
            outage.is_partial()
        if found is not None and found.is_news_after(latest):
            latest = found
            yield Event("status", last_event_id, job=found)
        if found is not None and found.has_ended:
            return


def _paused(outage: Outage, problem: ClientError, trouble: Trouble | None) -> None:
    if trouble is not None and outage.is_lasting:
        trouble(problem)
    io.sleep(outage.pause_after(problem))


def _looked_up(transport: Transport, job_id: str) -> Job | None:
    try:
        return transport.run(calls.job(job_id))
    except ClientError:
        return None  # the stream's own failure says why


def download(transport: Transport, path: str, target: Path) -> None:
    """Fetch a file; it appears under its name only when it is complete.

    Raises:
        ApiError: the server refuses.
        Unreachable, TooSlow, Unavailable: nothing came for `Retries.outage` seconds.
        OSError: it cannot be written.
    """
    partial = Partial.found(target)
    outage = Outage(transport.configuration.retries)
    while True:
        before = partial.size_bytes
        try:
            _rest(transport, path, partial)
        except InvalidRequest as error:
            if error.status != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE or not partial.size_bytes:
                raise
            partial.forget()  # what is here is not a part of what is there
        except ClientError as error:
            if partial.size_bytes > before:
                outage.is_over()
            io.sleep(outage.pause_after(error))
        else:
            partial.finish()
            return


def _rest(transport: Transport, path: str, partial: Partial) -> None:
    seconds = transport.configuration.timeouts.download
    with transport.stream("GET", path, headers=partial.headers, read_seconds=seconds, follows=True) as answer:
        response = answer.response
        partial.begins_with(response.status_code, response.headers)
        whole = whole_size(response.status_code, response.headers)
        with partial.path.open("ab") as file:
            for data in answer.parts():
                io.write(file, data)
                partial.size_bytes += len(data)
    if whole is not None and partial.size_bytes != whole:
        raise Unreachable(f"The file has {whole} bytes, and {partial.size_bytes} came.", was_sent=True)


@contextmanager
def speaking(transport: Transport, path: str, body: Mapping[str, Any]) -> Iterator[Answer]:
    """Speech as it is made.

    Raises:
        ApiError: the server refuses.
        Unreachable, TooSlow: it does not answer.
    """
    seconds = transport.configuration.timeouts.speech
    with transport.stream("POST", path, json=dict(body), read_seconds=seconds) as answer:
        yield answer


@contextmanager
def listening(transport: Transport, path: str) -> Iterator[Answer]:
    """Audio as it is made.

    Raises:
        ApiError: the server refuses.
        Unreachable, TooSlow: it does not answer.
    """
    with transport.stream("GET", path, read_seconds=transport.configuration.timeouts.speech) as answer:
        yield answer
