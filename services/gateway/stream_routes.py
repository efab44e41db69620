"""`GET /v1/jobs/{job_id}/stream`: what a job speaks, in order, while it is spoken. Answers from the store alone."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from services.gateway import deadlines
from services.gateway.access import GuardedRoute, caller, needs
from services.gateway.backend import TheBackend
from services.gateway.gateway_errors import StreamsFull
from services.gateway.job_document import TheJobId
from services.gateway.job_routes import existing
from services.gateway.problems import documented
from services.gateway.speech_slots import StreamSlots
from services.gateway.speech_stream import SpeechStream, first_of
from shared.audio.stream_encoding import ENCODINGS, StreamFormat
from shared.client.spoken_stream import SpokenStream

router = APIRouter(prefix="/v1/jobs", tags=["episodes"], route_class=GuardedRoute)

_MARGIN_SECONDS: Final = 30.0
"""How much longer than for a chunk a stream waits for its encoder."""
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The audio, as it is spoken. If it cannot be finished, the connection is closed without the end"
        " of its chunked body.",
        "content": {
            encoding.media_type: {"schema": {"type": "string", "format": "binary"}} for encoding in ENCODINGS.values()
        },
    }
}


@router.get(
    "/{job_id}/stream",
    response_class=Response,
    responses={**documented(404, 409, 502, 504), **_ANSWER},
    operation_id="streamJob",
)
@needs("read")
async def stream(
    job_id: TheJobId,
    request: Request,
    backend: TheBackend,
    audio_format: Annotated[StreamFormat, Query(alias="format", description="how it is encoded")] = "mp3",
) -> Response:
    """What a job speaks, in order, while it is spoken. Needs the scope `read`.

    What is spoken already comes at once, the rest as it comes. It has no ranges: the episode, once it is there, has.
    """
    patience_seconds = backend.settings.gateway_speech_patience_seconds
    deadlines.allow(request, patience_seconds + 2 * _MARGIN_SECONDS)
    await existing(backend.store, job_id)
    slots: StreamSlots = request.app.state.speech_slots
    give_back = slots.take(caller(request).key_id)
    spoken = SpokenStream(
        backend.store,
        job_id,
        audio_format,
        patience_seconds=patience_seconds,
        default_rate=backend.settings.sample_rate,
    )
    pieces = spoken.pieces()
    first: bytes | None = None
    try:
        seconds = patience_seconds + _MARGIN_SECONDS
        first = await first_of(request, pieces, stopping=backend.stopping, seconds=seconds)
    finally:
        if not first:
            await pieces.aclose()
            give_back()
    if not first:  # the client is gone, or the gateway stops
        raise StreamsFull("This gateway is stopping.", hint="Connect again.", retry_after_seconds=1)
    return SpeechStream(
        first,
        pieces,
        kind="audio",
        characters=0,
        seconds=lambda: spoken.seconds,
        media_type=ENCODINGS[audio_format].media_type,
        headers={"Cache-Control": "no-store"},
        piece_seconds=patience_seconds + _MARGIN_SECONDS,
        stall_seconds=backend.settings.gateway_stall_seconds,
        stopping=backend.stopping,
        on_end=give_back,
    )
