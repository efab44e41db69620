"""`/v1/jobs/{job_id}/events` and `/v1/events`: server-sent events. Answers from the store and from what the hub hears.

A stream begins with a snapshot, or where the client's `Last-Event-ID` says that it was; any gateway can go on with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Request, Response

from services.gateway.access import GuardedRoute, caller, needs, takes_event_token
from services.gateway.backend import Backend, TheBackend
from services.gateway.connection import connection_of
from services.gateway.event_feed_source import FeedSource
from services.gateway.event_job_source import JobSource
from services.gateway.event_log import is_identity
from services.gateway.event_positions import Position, unseen
from services.gateway.event_stream import MEDIA_TYPE, EventStream, Lease, Source
from services.gateway.event_token_routes import warning_seconds
from services.gateway.gateway_errors import StreamsFull
from services.gateway.problems import documented
from shared.protocol.messages import JOB_ID, TERMINAL_STATES, JobState

router = APIRouter(prefix="/v1", tags=["events"], route_class=GuardedRoute)

_EXAMPLE: Final = """\
retry: 1000
id: 3-1764000000123456-1764000001234567
event: status
data: {"job_id":"0193…","state":"synthesizing","chunks":{"total":12,"done":3,"failed":0}}

: heartbeat

"""
_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "description": "each event",
    "properties": {
        "id": {"type": "string", "description": "for `Last-Event-ID`"},
        "event": {"type": "string", "description": "what it is: `status`, `retrying`, `resync`, …"},
        "data": {"type": "string", "contentMediaType": "application/json", "description": "the document"},
    },
    "required": ["data"],
}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A stream of server-sent events; the schema is that of one event",
        "content": {MEDIA_TYPE: {"schema": _EVENT, "example": _EXAMPLE}},
    }
}
_OVER: Final[dict[int | str, dict[str, Any]]] = {
    204: {"description": "The job has ended, and the client has seen its end: an EventSource does not connect again"}
}

LastEventId = Annotated[
    str,
    Header(alias="Last-Event-ID", max_length=100, description="the id of the last event that the client has received"),
]
LastEventIdInQuery = Annotated[
    str,
    Query(
        alias="last_event_id",
        max_length=100,
        description="the same, for a new EventSource, which cannot send the header; the header goes before it",
    ),
]


@router.get("/jobs/{job_id}/events", response_class=Response, responses={**documented(404), **_STREAM, **_OVER})
@needs("read")
@takes_event_token
async def job_events(
    job_id: Annotated[str, Path(pattern=rf"^{JOB_ID.pattern}$", max_length=64, description="of the job")],
    request: Request,
    backend: TheBackend,
    last_event_id: LastEventId = "",
    first_event_id: LastEventIdInQuery = "",
) -> Response:
    """Watch a job until it has ended. Needs the scope `read`.

    `status`: the job as `GET /v1/jobs/{job_id}` shows it, with each new state and with progress in between. A state
    that the job has already left is sent too, in order, with `"passed": true`: then only `state`, `updated_at` and
    `history` are of that time. `retrying`: some of the work failed and will be tried again. `resync`: the
    `Last-Event-ID` is of no use any more, and the present status follows. `gone`: the job was deleted. `expiring`: the
    token in the address expires soon; get another address. The stream ends after the status with which the job has
    ended.
    """
    last_event_id = last_event_id or first_event_id
    seen = Position.parse(last_event_id)
    async with contextlib.AsyncExitStack() as stack:
        _take_slot(request, backend, stack)
        wake = _wake(backend, stack)
        watch = await stack.enter_async_context(backend.hub.watches.opened(job_id, wake))
        await backend.few.turn()
        if seen is not None and watch.status.state in TERMINAL_STATES and unseen(watch.status, seen) == []:
            return Response(status_code=204)
        source = JobSource(watch, wake, seen=seen, is_lost=bool(last_event_id) and seen is None)
        return _stream(source, request, backend, stack.pop_all())


@router.get("/events", response_class=Response, responses={**documented(), **_STREAM})
@needs("read")
@takes_event_token
async def all_events(
    request: Request,
    backend: TheBackend,
    last_event_id: LastEventId = "",
    first_event_id: LastEventIdInQuery = "",
    state: Annotated[list[JobState] | None, Query(description="only jobs in this state; may be repeated")] = None,
) -> Response:
    """Watch all jobs. Needs the scope `read`.

    Begins with a snapshot: a `status` for each of the newest active jobs, then `current`. From there on, `status` for
    each change of state, with an id, and for progress, without one; `retrying` as for a single job. `resync`: the
    `Last-Event-ID` is of no use any more; a new snapshot follows. `expiring`: as for a single job.
    """
    last_event_id = last_event_id or first_event_id
    states = frozenset(state) if state else None
    feed = backend.hub.feed
    async with contextlib.AsyncExitStack() as stack:
        _take_slot(request, backend, stack)
        await backend.hub.log_was_read()
        source = FeedSource(feed, _wake(backend, stack), states=states)
        if not is_identity(last_event_id) or not source.resume(last_event_id):
            source.begin(await feed.snapshot(), is_lost=bool(last_event_id))
        await backend.few.turn()
        feed.wakes.add(source.wake)
        stack.callback(feed.wakes.discard, source.wake)
        return _stream(source, request, backend, stack.pop_all())


def _take_slot(request: Request, backend: Backend, stack: contextlib.AsyncExitStack) -> None:
    if backend.stopping.is_set():
        raise StreamsFull("This gateway is stopping.", hint="Connect again.", retry_after_seconds=1)
    stack.enter_context(backend.slots.taken(caller(request).key_id))


def _wake(backend: Backend, stack: contextlib.AsyncExitStack) -> asyncio.Event:
    """What wakes the stream: also when the gateway stops."""
    wake = asyncio.Event()
    backend.streams.add(wake)
    stack.callback(backend.streams.discard, wake)
    return wake


def _stream(source: Source, request: Request, backend: Backend, held: contextlib.AsyncExitStack) -> EventStream:
    settings = backend.settings
    return EventStream(
        source,
        held,
        stopping=backend.stopping,
        few=backend.few,
        connection=connection_of(request),
        heartbeat_seconds=settings.gateway_heartbeat_seconds,
        send_seconds=settings.gateway_send_seconds,
        stream_seconds=settings.gateway_stream_seconds,
        lease=_lease(request, backend),
    )


def _lease(request: Request, backend: Backend) -> Lease | None:
    expires_at = caller(request).until
    if expires_at is None:
        return None
    ends_at = time.monotonic() + expires_at - time.time()
    return Lease(ends_at - warning_seconds(backend.settings), ends_at, expires_at)
