"""Errors as problem details (RFC 9457): one table says which error has which status, type and page.

`type` is a path on the gateway, `/problems/<name>`, which answers with what the problem means and what to do.
docs/problems.md is written from the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from shared import errors
from shared.addresses import scrub
from shared.client.deleting import NotEnded
from shared.client.webhook_endpoints import EndpointDisabled

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
OUTAGE_RETRY_SECONDS: Final = 5
"""What `Retry-After` says while a server behind the gateway is down."""
_ERRORS_LIMIT: Final = 20


class Unauthenticated(errors.PodcastError):
    """The request has no key, or one that is not valid."""


class ScopeMissing(errors.PodcastError):
    """The key is valid, but does not allow this."""


class RateLimited(errors.PodcastError):
    """The key has made more requests than it may.

    Attributes:
        retry_after_seconds: when it may make the next.
    """

    def __init__(self, message: str, *, hint: str = "", retry_after_seconds: int = 1) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class KeyReused(errors.Conflict):
    """The same Idempotency-Key came with another request."""


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem.

    Attributes:
        name: the last part of `type`.
        status: the HTTP status.
        title: the same for all problems of this kind.
        meaning: what its page says.
    """

    name: str
    status: int
    title: str
    meaning: str


KINDS: Final[dict[type[BaseException], ProblemKind]] = {
    Unauthenticated: ProblemKind(
        "unauthenticated",
        HTTPStatus.UNAUTHORIZED,
        "A key is needed",
        "Send `Authorization: Bearer <key>`. `podcast keys add NAME` makes a key; `podcast up` prints the one of a"
        " local stack. A key that was revoked is not valid any more.",
    ),
    ScopeMissing: ProblemKind(
        "scope-missing",
        HTTPStatus.FORBIDDEN,
        "The key does not allow this",
        "Keys have scopes: `submit`, `read`, `operate`. Use one with the scope that the route's description names.",
    ),
    RateLimited: ProblemKind(
        "rate-limited",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many requests",
        "The key has used up its requests for now. `Retry-After` says when to go on; `RateLimit` headers say how many"
        " are left.",
    ),
    errors.ForbiddenAddress: ProblemKind(
        "forbidden-address",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The address is not public",
        "The address leads to this machine or into a private network. `PODCAST_FETCH_ALLOW` can allow a network.",
    ),
    errors.BadSource: ProblemKind(
        "bad-source",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The document cannot be read",
        "The document, page or address cannot be used. `detail` says why.",
    ),
    errors.TooLarge: ProblemKind(
        "too-large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "Too large",
        "The request or the document is over a limit. Split it, or raise the setting that `detail` names.",
    ),
    NotEnded: ProblemKind(
        "not-ended",
        HTTPStatus.CONFLICT,
        "The job has not ended",
        "Only a job that has ended can be removed. Cancel it first.",
    ),
    errors.BadInput: ProblemKind(
        "bad-input",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The request cannot be fulfilled",
        "Something in the request makes no sense. `detail` says what, `errors` where.",
    ),
    errors.NotFound: ProblemKind(
        "not-found", HTTPStatus.NOT_FOUND, "There is no such thing", "There is nothing under this address."
    ),
    KeyReused: ProblemKind(
        "idempotency-key-reused",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The Idempotency-Key belongs to another request",
        "The same key must come with the same request. Use a new key for a new request.",
    ),
    EndpointDisabled: ProblemKind(
        "endpoint-disabled",
        HTTPStatus.CONFLICT,
        "The webhook endpoint is disabled",
        "It answered 410, or somebody disabled it. `PATCH /v1/webhooks/{id}` with `enabled: true` enables it again.",
    ),
    errors.Conflict: ProblemKind(
        "conflict", HTTPStatus.CONFLICT, "It was changed meanwhile", "Read it again, then decide."
    ),
    errors.SpeechRejected: ProblemKind(
        "speech-rejected",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The speech server refuses",
        "The speech server does not know the voice or model, or cannot speak the text. `GET /v1/voices` lists voices.",
    ),
    errors.Outage: ProblemKind(
        "unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "A server is down",
        "The broker, the store or the speech server does not answer. Nothing is lost; try again after `Retry-After`.",
    ),
    errors.DeadlineExceeded: ProblemKind(
        "too-slow", HTTPStatus.GATEWAY_TIMEOUT, "It took too long", "A server took longer than it may. Try again."
    ),
    errors.PodcastError: ProblemKind(
        "failed", HTTPStatus.INTERNAL_SERVER_ERROR, "It failed", "`detail` says why. Trying again will not help."
    ),
    Exception: ProblemKind(
        "internal-error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "An error inside the gateway",
        "This is a fault of the program. The gateway's log has it under the id in `X-Request-ID`; please report it.",
    ),
}
"""Error → kind; an error is of the first kind in its class's order of bases that is listed."""

HTTP_KINDS: Final[dict[int, ProblemKind]] = {
    400: ProblemKind(
        "bad-request", 400, "The request cannot be read", "The request is not well-formed HTTP, JSON or form data."
    ),
    404: ProblemKind(
        "no-such-route", 404, "There is no such address", "The path is not one of this API. `/docs` lists them."
    ),
    405: ProblemKind(
        "wrong-method", 405, "The address does not know this method", "`Allow` lists the methods it knows."
    ),
    406: ProblemKind(
        "not-acceptable", 406, "None of the media types is available", "The route's description lists them."
    ),
    415: ProblemKind(
        "wrong-media-type", 415, "The media type cannot be read", "The route's description lists what it reads."
    ),
    416: ProblemKind(
        "range-unsatisfiable", 416, "The range is outside the file", "`Content-Range` says how long the file is."
    ),
}
"""Status → kind, for errors raised by the framework."""


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


def kind_of(error: BaseException) -> ProblemKind:
    """The kind of problem that an error is."""
    for base in type(error).__mro__:
        if base in KINDS:
            return KINDS[base]
    return KINDS[Exception]


def problem(
    kind: ProblemKind,
    request: Request,
    *,
    detail: str = "",
    fields: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The response for a problem."""
    body: dict[str, Any] = {
        "type": f"/problems/{kind.name}",
        "title": kind.title,
        "status": int(kind.status),
        "detail": scrub(detail),
        "instance": request.url.path,
    }
    if fields:
        body["errors"] = [field.model_dump() for field in fields[:_ERRORS_LIMIT]]
    return JSONResponse(body, status_code=int(kind.status), headers=dict(headers or {}), media_type=MEDIA_TYPE)


def headers_of(error: BaseException) -> dict[str, str]:
    """The headers that belong to the response for an error."""
    match error:
        case Unauthenticated():
            return {"WWW-Authenticate": 'Bearer realm="podcast"'}
        case RateLimited():
            return {"Retry-After": str(error.retry_after_seconds)}
        case errors.Outage():
            return {"Retry-After": str(max(1, round(error.retry_after_seconds or OUTAGE_RETRY_SECONDS)))}
    return {}


def install(app: FastAPI) -> None:
    """Make the application answer every error with a problem."""

    async def on_podcast_error(request: Request, error: Exception) -> JSONResponse:
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
        return problem(kind, request, detail=str(error.detail), headers=error.headers)

    async def on_bug(request: Request, error: Exception) -> JSONResponse:
        log.error("a request failed", path=request.url.path, exc_info=error)
        return problem(KINDS[Exception], request, detail=type(error).__name__)

    app.add_exception_handler(errors.PodcastError, on_podcast_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_bug)

    @app.get("/problems/{name}", include_in_schema=False)
    async def page(name: str) -> PlainTextResponse:
        for kind in (*KINDS.values(), *HTTP_KINDS.values()):
            if kind.name == name:
                return PlainTextResponse(f"{kind.title} (HTTP {int(kind.status)})\n\n{kind.meaning}\n")
        raise errors.NotFound(f"There is no problem called {name}.")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with problems of these statuses, and those that any route may have."""
    every = {401, 403, 422, 429, 500, 503, *statuses}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted(every)
    }


def _pointer(location: tuple[int | str, ...]) -> str:
    where, *rest = location
    path = "/".join(str(part) for part in rest)
    return f"/{path}" if where == "body" else f"{where}/{path}"
