"""`POST /webhook/create-podcast`: jobs as an older system took them. Publishes job.submitted.

All that is known of that system is its address, its answer and `processing_options.max_parallel_tts`. The rest is
chosen so that what such a system was probably sent is understood: names have several spellings, fields that are not
known are ignored, and errors have the shape of the answer. docs/http-jobs.md says what is read.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, Literal

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from services.gateway import bodies
from services.gateway.access import GuardedRoute, caller, needs
from services.gateway.backend import TheBackend
from services.gateway.job_order import Asked
from services.gateway.older_document import OlderDocument, as_job
from services.gateway.problem_kinds import kind_of
from services.gateway.problems import MEDIA_TYPE, headers_of, sendable
from services.gateway.submit_routes import IdempotencyKey
from services.gateway.submitting import submit
from shared.addresses import scrub
from shared.errors import PodcastError

log = structlog.get_logger(__name__)

_INVALID: Final = 422
_BAD_REQUEST: Final = 400


class OlderAccepted(BaseModel):
    """A job that was taken, in the older form."""

    success: Literal[True] = Field(True, description="always true")
    job_id: str = Field(description="the job's id", examples=["01939d2e-6f3a-7c8b-9f10-2b3c4d5e6f70"])
    mode: Literal["async"] = Field("async", description="the episode is made after this answer")


class OlderRefused(BaseModel):
    """An error, in the older form."""

    success: Literal[False] = Field(False, description="always false")
    error: str = Field(description="what is wrong, and what to do")


class OlderRoute(GuardedRoute):
    """A route whose errors have the older form; their statuses are those of the API."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with its errors in the older form."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except PodcastError as error:
                return _refused(int(kind_of(error).status), str(error), headers_of(error))
            except RequestValidationError as error:
                status = _BAD_REQUEST if any(one["type"] == "json_invalid" for one in error.errors()) else _INVALID
                return _refused(status, _first(error), {})
            except HTTPException as error:
                return _refused(error.status_code, str(error.detail), dict(error.headers or {}))
            except Exception as error:
                log.exception("a request failed", path=request.url.path)
                return _refused(500, type(error).__name__, {})

        return answered


def _refused(status: int, text: str, headers: dict[str, str]) -> Response:
    refused = OlderRefused(error=sendable(scrub(text)))
    return JSONResponse(refused.model_dump(), status_code=status, headers=headers)


def _first(error: RequestValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return f"{where}: {first['msg']}" if where else str(first["msg"])


def _documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    refused = {"model": OlderRefused, "description": "It was not taken; `error` says why."}
    too_large = {"model": OlderRefused, "description": "It is too large.", "content": {MEDIA_TYPE: {}}}
    return {**dict.fromkeys(statuses, refused), 413: too_large}


router = APIRouter(tags=["jobs"], route_class=OlderRoute)


@router.post(
    "/webhook/create-podcast",
    operation_id="createPodcast",
    responses=_documented(400, 401, 403, 408, 409, 415, 422, 429, 500, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {bodies.JSON: {"schema": {"$ref": "#/components/schemas/OlderDocument"}}},
        }
    },
)
@needs("submit")
async def create_podcast(
    request: Request, backend: TheBackend, idempotency_key: IdempotencyKey = None
) -> OlderAccepted:
    """Hand over a text, chapters or an address, in an older system's form. Needs the scope `submit`.

    New clients use `POST /v1/jobs`, which says more precisely what is wrong.
    """
    bodies.expect_json(request)
    settings = backend.settings
    document = await bodies.read_json(
        request, OlderDocument, limit_bytes=settings.gateway_json_limit_bytes, seconds=settings.gateway_upload_seconds
    )
    asked = Asked(as_job(document))
    job_id = await submit(asked, backend=backend, owner=caller(request).key_id, key=idempotency_key)
    return OlderAccepted(job_id=job_id)
