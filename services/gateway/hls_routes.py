"""`GET /v1/jobs/{job_id}/hls/…`: what a job speaks as an HLS stream, while it is spoken. Answers from the store alone.

The playlist tells a player what there is, and the player asks for it piece by piece. So nothing is kept for it between
two requests, and any gateway can answer the next one.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from services.gateway import deadlines
from services.gateway.access import GuardedRoute, caller, needs
from services.gateway.backend import TheBackend
from services.gateway.job_document import TheJobId
from services.gateway.job_routes import existing
from services.gateway.problems import documented
from services.gateway.speech_slots import StreamSlots
from shared.audio.joining import hls, hls_files
from shared.client import hls_stream
from shared.client.hls_stream import HlsFile, HlsStreams
from shared.protocol.messages import CHUNKS_LIMIT

router = APIRouter(prefix="/v1/jobs/{job_id}/hls", tags=["episodes"], route_class=GuardedRoute)

_MAKING_SECONDS: Final = 60.0
"""For a fragment: its segments may have to be encoded, after those of others."""
_FRAGMENTS_LIMIT: Final = 100 * CHUNKS_LIMIT
_FOR_EVER: Final = "private, max-age=31536000, immutable"
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}


def _sent(description: str, media_type: str, schema: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": description, "content": {media_type: schema}}}


@router.get(
    f"/{hls_stream.PLAYLIST}",
    response_class=Response,
    responses={
        **documented(404, 409, 502),
        **_sent("The playlist, as far as the job is spoken.", hls.CONTENT_TYPE, {"schema": {"type": "string"}}),
    },
    operation_id="hlsPlaylist",
)
@needs("read")
async def playlist(
    job_id: TheJobId,
    request: Request,
    backend: TheBackend,
    awaited: Annotated[
        int, Query(alias="_HLS_msn", ge=0, description="answer when the playlist has a fragment of this number")
    ] = 0,
) -> Response:
    """The playlist (HLS, fMP4 with AAC) of what a job speaks, while it is spoken. Needs the scope `read`.

    It grows, and ends when all is spoken. A player that cannot send a key gets an address from `podcast stream`.
    """
    status = await existing(backend.store, job_id)
    patience_seconds = min(hls_stream.AWAITED_SECONDS, backend.settings.gateway_request_seconds / 2)
    text = await _streams(request).playlist(status, awaited=awaited, patience_seconds=patience_seconds)
    return Response(text, media_type=hls.CONTENT_TYPE, headers={"Cache-Control": "no-cache"})


@router.get(
    f"/{hls_stream.INITIALIZATION}",
    response_class=Response,
    responses={**documented(404, 409), **_sent("What describes the fragments.", hls_files.CONTENT_TYPE, _BINARY)},
    operation_id="hlsInitialization",
)
@needs("read")
async def initialization(job_id: TheJobId, request: Request, backend: TheBackend) -> Response:
    """The first part of each fragment of a job's HLS stream, to which its playlist leads. Needs the scope `read`."""
    status = await existing(backend.store, job_id)
    return _answer(await _streams(request).initialization(status))


@router.get(
    f"/{hls_stream.FRAGMENT}",
    response_class=Response,
    responses={**documented(404, 409), **_sent("Some seconds of audio.", hls_files.CONTENT_TYPE, _BINARY)},
    operation_id="hlsFragment",
)
@needs("read")
async def fragment(
    job_id: TheJobId,
    number: Annotated[int, Path(ge=0, lt=_FRAGMENTS_LIMIT, description="its place in the stream", examples=[0])],
    request: Request,
    backend: TheBackend,
) -> Response:
    """A fragment of a job's HLS stream, to which its playlist leads. Needs the scope `read`."""
    deadlines.allow(request, _MAKING_SECONDS)
    status = await existing(backend.store, job_id)
    slots: StreamSlots = request.app.state.speech_slots
    give_back = slots.take(caller(request).key_id)
    try:
        return _answer(await _streams(request).fragment(status, number))
    finally:
        give_back()


def _streams(request: Request) -> HlsStreams:
    found: HlsStreams = request.app.state.hls
    return found


def _answer(found: HlsFile) -> Response:
    kept = _FOR_EVER if found.is_final else "no-store"
    return Response(found.data, media_type=found.media_type, headers={"Cache-Control": kept})
