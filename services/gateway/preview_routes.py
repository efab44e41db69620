"""`/v1/preview`, `/v1/previews/{preview_id}`: what would be spoken. Publishes preview.requested; reads no document."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.gateway import deadlines, stored_file
from services.gateway.access import GuardedRoute, caller, needs
from services.gateway.backend import Backend, TheBackend
from services.gateway.episode_errors import SourceUnavailable
from services.gateway.file_responses import CONDITIONS, file_responses
from services.gateway.job_order import Asked, asked
from services.gateway.key_shares import share_of
from services.gateway.problems import documented
from services.gateway.stored_file import StoredObject
from services.gateway.submit_routes import JOB_BODY
from shared import errors
from shared.client import previewing
from shared.client.preview_answers import ERRORS
from shared.client.previewing import FoundPreview
from shared.protocol.messages import PreviewId, UrlSource
from shared.protocol.preview import Preview, PreviewRefused, RefusalKind
from shared.store import keys

router = APIRouter(prefix="/v1", tags=["previews"], route_class=GuardedRoute)

ThePreview = Annotated[PreviewId, Path(description="the preview's id, as in `Location`")]

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 1.0
_PAUSE_GROWTH: Final = 1.4
_RETRY_AFTER_SECONDS: Final = 2
_waiting: Final = asyncio.Semaphore(100)
"""Requests that wait here at a time, since each looks into the store once a second; more are answered with 202."""
_ERRORS: Final[dict[RefusalKind, type[errors.PodcastError]]] = {**ERRORS, "Transient": SourceUnavailable}


class PreviewLinks(BaseModel):
    """Where the preview will be."""

    self: str = Field(
        description="answers 202 until it is made", examples=["/v1/previews/0123456789abcdef0123456789abcdef"]
    )


class PreviewAccepted(BaseModel):
    """A preview that is still being made."""

    preview_id: str = Field(examples=["0123456789abcdef0123456789abcdef"])
    links: PreviewLinks


_HEADERS: Final[dict[str, Any]] = {
    "Location": {"description": "where the preview will be", "schema": {"type": "string"}},
    "Retry-After": {"description": "when to ask again, in seconds", "schema": {"type": "integer"}},
}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Preview, "description": "what would be spoken"},
    202: {"model": PreviewAccepted, "description": "it is not made yet: ask again at `Location`", "headers": _HEADERS},
}


@router.post(
    "/preview",
    response_class=Response,
    responses={**documented(400, 408, 413, 415, 502, 504), **_RESPONSES},
    openapi_extra=JOB_BODY,
)
@needs("submit")
async def preview(request: Request, backend: TheBackend) -> Response:
    """What a job with this body would speak: chapters, chunks, omissions, minutes; nothing is spoken.

    Answers within seconds if it can (200), else says where the answer will be (202). What is wrong with the document is
    the same problem as for a job. Previews are kept for a day. Needs the scope `submit`.
    """
    deadlines.allow(request, backend.settings.gateway_upload_seconds + backend.settings.gateway_preview_wait_seconds)
    async with asked(request, backend) as wanted:
        preview_id, found = await _asked(wanted, backend, owner=caller(request).key_id)
    if found is None or _is_temporary(found):
        found = await _next(request, backend, preview_id, after=found)
    return await _response(request, backend, preview_id, found)


async def _asked(wanted: Asked, backend: Backend, *, owner: str) -> tuple[str, FoundPreview | None]:
    """Ask for a preview, unless there is one: its id, and what there is already."""
    settings, store = backend.settings, backend.store
    draft = await previewing.draft_with_show(wanted.draft(settings), store, settings)
    source = draft.request.source
    if isinstance(source, UrlSource):
        await backend.addresses.check(wanted.document.url or "", str(source.url))
    found = await previewing.answer(store, draft.request.preview_id)
    if found is None or _is_temporary(found):
        limit = settings.gateway_previews_waiting_limit
        await previewing.ask(
            draft,
            store=store,
            publish=backend.publish,
            waiting_limit=limit,
            owner=owner,
            owner_limit=share_of(limit, settings.gateway_key_share),
        )
    return draft.request.preview_id, found


@router.get(
    "/previews/{preview_id}",
    response_class=Response,
    responses={
        **documented(404, 413, 502, 504),
        **file_responses("application/json", model="Preview"),
        202: _RESPONSES[202],
    },
    openapi_extra=CONDITIONS,
)
@needs("submit")
async def show(preview_id: ThePreview, request: Request, backend: TheBackend) -> Response:
    """A preview that was asked for; 202 while it is being made. Needs the scope `submit`."""
    found = await previewing.answer(backend.store, preview_id)
    if (found is None or _is_temporary(found)) and await previewing.is_waiting(backend.store, preview_id):
        return _accepted(preview_id)
    if found is None:
        raise errors.NotFound(f"There is no preview {preview_id}.", hint="Previews are kept for a day.")
    return await _response(request, backend, preview_id, found)


def _is_temporary(found: FoundPreview) -> bool:
    return found.refused is not None and found.refused.is_temporary


async def _next(
    request: Request, backend: Backend, preview_id: str, *, after: FoundPreview | None
) -> FoundPreview | None:
    """The next answer after the one that is known; None if it does not come in time, or nobody waits for it."""
    if _waiting.locked():
        return None
    clock = asyncio.get_running_loop().time
    end, pause_seconds = clock() + backend.settings.gateway_preview_wait_seconds, _FIRST_PAUSE_SECONDS
    async with _waiting:
        while clock() < end and not backend.stopping.is_set() and not await request.is_disconnected():
            found = await previewing.answer(backend.store, preview_id)
            if found is not None and found != after:
                return found
            await asyncio.sleep(min(pause_seconds, max(0.0, end - clock())))
            pause_seconds = min(_PAUSE_GROWTH * pause_seconds, _LONGEST_PAUSE_SECONDS)
    return None


async def _response(request: Request, backend: Backend, preview_id: str, found: FoundPreview | None) -> Response:
    if found is None:
        return _accepted(preview_id)
    if found.refused is not None:
        raise _error(found.refused)
    wanted = StoredObject(keys.preview(preview_id), "application/json", 'inline; filename="preview.json"')
    response = await stored_file.answer(request, backend, wanted)
    response.headers["Content-Location"] = _address(preview_id)
    return response


def _accepted(preview_id: str) -> Response:
    body = PreviewAccepted(preview_id=preview_id, links=PreviewLinks(self=_address(preview_id)))
    headers = {"Location": _address(preview_id), "Retry-After": str(_RETRY_AFTER_SECONDS)}
    return JSONResponse(body.model_dump(), status_code=202, headers=headers)


def _address(preview_id: str) -> str:
    return f"/v1/previews/{preview_id}"


def _error(refused: PreviewRefused) -> errors.PodcastError:
    return _ERRORS[refused.kind](refused.message, hint=refused.hint)
