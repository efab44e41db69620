"""Answers errors with problem details (RFC 9457); `problem_kinds` says which error is which.

`type` is a path on the gateway, `/problems/<name>`, which answers with what the problem means and what to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.gateway import openai_errors
from services.gateway.allowed_methods import allowed
from services.gateway.gateway_errors import Crowded, RateLimited, Unauthenticated
from services.gateway.problem_kinds import HTTP_KINDS, KINDS, ProblemKind, kind_of
from shared import errors
from shared.addresses import scrub
from shared.client.reading_along import NotSpoken
from shared.dead_letters.operator_lock import Busy

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
OUTAGE_RETRY_SECONDS: Final = 5
"""What `Retry-After` says while a server behind the gateway is down."""
_ERRORS_LIMIT: Final = 20
_CLIENT_GONE: Final = 499
_POINTER_LIMIT_CHARACTERS: Final = 200
"""A stranger may have called a field anything."""


class FieldProblem(BaseModel):
    """One thing that is wrong in a request."""

    pointer: str = Field(description="where: a JSON pointer into the body, or `query/<name>`, `header/<name>`, …")
    detail: str = Field(description="what is wrong there")


class Problem(BaseModel):
    """A problem (RFC 9457)."""

    type: str = Field(description="names the kind of problem; a page of this server")
    title: str = Field(description="the kind of problem in a few words")
    status: int = Field(description="the HTTP status")
    detail: str = Field("", description="what went wrong this time, and what to do")
    instance: str = Field("", description="the path of the request")
    errors: list[FieldProblem] = Field(default_factory=list, description="what is wrong in the request, and where")


def problem(
    kind: ProblemKind,
    request: Request,
    *,
    detail: str = "",
    fields: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The response for a problem; on OpenAI's routes, an error in OpenAI's shape."""
    if openai_errors.is_wanted(request.url.path):
        first = fields[0] if fields else None
        param = first.pointer.strip("/").replace("/", ".") or None if first is not None else None
        message = scrub(detail) or kind.title
        return openai_errors.response(kind.status, message, code=kind.name, param=param, headers=headers)
    body: dict[str, Any] = {
        "type": f"/problems/{kind.name}",
        "title": kind.title,
        "status": int(kind.status),
        "detail": sendable(scrub(detail)),
        "instance": request.scope["path"],
    }
    if fields:
        body["errors"] = [
            {"pointer": sendable(field.pointer), "detail": sendable(field.detail)} for field in fields[:_ERRORS_LIMIT]
        ]
    return JSONResponse(body, status_code=int(kind.status), headers=dict(headers or {}), media_type=MEDIA_TYPE)


def bug(request: Request, error: Exception) -> JSONResponse:
    """The response for an error that is a fault of the program; it is in the log."""
    log.error("a request failed", path=request.scope["path"], exc_info=error)
    return problem(KINDS[Exception], request, detail=type(error).__name__)


def not_http() -> bytes:
    """The body of the response to what is not HTTP."""
    kind = HTTP_KINDS[400]
    return json.dumps({"type": f"/problems/{kind.name}", "title": kind.title, "status": kind.status}).encode()


def headers_of(error: BaseException) -> dict[str, str]:
    """The headers that belong to the response for an error."""
    match error:
        case Unauthenticated():
            return {"WWW-Authenticate": 'Bearer realm="podcast"'}
        case RateLimited():
            return {"Retry-After": str(error.retry_after_seconds)}
        case NotSpoken():
            return {"x-should-retry": "false"}  # OpenAI's clients would try it three times
        case Busy() | Crowded():
            return {"Retry-After": str(OUTAGE_RETRY_SECONDS)}
        case errors.Outage():
            return {"Retry-After": str(max(1, round(error.retry_after_seconds or OUTAGE_RETRY_SECONDS)))}
    return {}


def install(app: FastAPI) -> None:
    """Make the application answer every error with a problem."""

    async def on_podcast_error(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, openai_errors.InvalidField):
            return openai_errors.response(400, scrub(str(error)), code=error.code, param=error.param)
        return problem(kind_of(error), request, detail=str(error), headers=headers_of(error))

    async def on_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
        found = [FieldProblem(pointer=_pointer(one["loc"]), detail=str(one["msg"])) for one in error.errors()]
        broken = any(one["type"] == "json_invalid" for one in error.errors())
        kind = HTTP_KINDS[400] if broken else KINDS[errors.BadInput]
        detail = "; ".join(f"{one.pointer}: {one.detail}" for one in found[:3])
        return problem(kind, request, detail=detail, fields=found)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
        kind = HTTP_KINDS.get(error.status_code) or ProblemKind(
            "http", error.status_code, HTTPStatus(error.status_code).phrase, ""
        )
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = allowed(request)
        return problem(kind, request, detail=str(error.detail), headers=headers)

    async def on_left(request: Request, error: Exception) -> Response:  # noqa: ARG001 - as FastAPI calls it
        return Response(status_code=_CLIENT_GONE)  # nobody reads it

    app.add_exception_handler(errors.PodcastError, on_podcast_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(ClientDisconnect, on_left)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with problems of these statuses, and those that any route may have."""
    every = {401, 403, 408, 422, 429, 500, 503, 504, *statuses}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted(every)
    }


def sendable(text: str) -> str:
    """The text in valid Unicode: it may quote a stranger's document, which may have half a character."""
    return text.encode(errors="replace").decode()


def _pointer(location: tuple[int | str, ...]) -> str:
    where, *rest = location
    path = "/".join(str(part) for part in rest)
    return (f"/{path}" if where == "body" else f"{where}/{path}")[:_POINTER_LIMIT_CHARACTERS]
