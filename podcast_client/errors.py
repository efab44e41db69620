"""Every error of this client.

ClientError
├── Unreachable        nobody answers at the address, or the connection broke
├── TooSlow            no answer within the time-out
├── UnexpectedAnswer   an answer, but not one of this API
├── JobNotCompleted    the job has failed, was cancelled, or has not ended yet
└── ApiError           the server's answer is a problem (RFC 9457)
    ├── InvalidRequest     400, 405, 406, 415, 416, 422: the request must be changed
    ├── Unauthenticated    401: no key, or one that is not valid
    ├── Forbidden          403: the key does not allow this
    ├── NotFound           404, 410: there is no such thing
    ├── Conflict           409: it is in another state than the request expects
    ├── TooLarge           413: over a size limit
    ├── RateLimited        429: `retry_after` says when to go on
    ├── ServerError        500 and other statuses: it failed, and trying again will not help
    └── Unavailable        502, 503, 504: a server is down; `retry_after` says when to try again
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any


class ClientError(Exception):
    """The base of every error that this client raises."""


class Unreachable(ClientError):
    """Nobody answers at the address, or the connection broke.

    Attributes:
        was_sent: whether the request may have reached the server.
        reason: why, without saying what.
    """

    def __init__(self, message: str, *, was_sent: bool, reason: str = "") -> None:
        super().__init__(message)
        self.was_sent = was_sent
        self.reason = reason or message


class TooSlow(ClientError):
    """There was no complete answer within the time-out."""


class UnexpectedAnswer(ClientError):
    """The server answered, but not as this API does."""


class JobNotCompleted(ClientError):
    """The job has no episode: it has failed, was cancelled, or has not ended yet."""


@dataclass(frozen=True)
class FieldProblem:
    """One thing that is wrong in a request.

    Attributes:
        pointer: where: a JSON pointer into the body, or `query/<name>`, `header/<name>`.
        detail: what is wrong there.
    """

    pointer: str
    detail: str


class ApiError(ClientError):
    """The server answered with a problem (RFC 9457).

    Attributes:
        status: the HTTP status.
        type: names the kind of problem, as in `/problems/not-found`.
        title: the kind of problem in a few words.
        detail: what went wrong this time.
        errors: what is wrong in the request, and where.
        instance: the path of the request.
        request_id: under which the server's log has the request.
        retry_after: seconds after which the server says to try again; None: it does not say.
    """

    def __init__(self, status: int, document: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.status = status
        self.type = str(document.get("type") or "about:blank")
        self.title = str(document.get("title") or _phrase(status))
        self.detail = str(document.get("detail") or "")
        self.instance = str(document.get("instance") or "")
        listed = document.get("errors")
        self.errors = tuple(
            FieldProblem(str(one.get("pointer") or ""), str(one.get("detail") or ""))
            for one in (listed if isinstance(listed, list) else ())
            if isinstance(one, dict)
        )
        self.request_id = headers.get("x-request-id", "")
        self.retry_after = seconds_in(headers.get("retry-after"))
        super().__init__(self.detail or f"{self.title} (HTTP {status}).")

    @property
    def kind(self) -> str:
        """The last part of `type`, such as `not-found`."""
        return self.type.rstrip("/").rpartition("/")[2]


class InvalidRequest(ApiError):
    """The request makes no sense, or cannot be fulfilled; it must be changed."""


class Unauthenticated(ApiError):
    """The request has no key, or one that is not valid."""


class Forbidden(ApiError):
    """The key does not allow this."""


class NotFound(ApiError):
    """There is no such thing."""


class Conflict(ApiError):
    """It is in another state than the request expects."""


class TooLarge(ApiError):
    """The request, or the document in it, is over a size limit."""


class RateLimited(ApiError):
    """The key has used up its requests."""


class ServerError(ApiError):
    """It failed in the server; trying again will not help."""


class Unavailable(ApiError):
    """A server is down or too slow; trying again later helps."""


_CLASSES: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: InvalidRequest,
    406: InvalidRequest,
    409: Conflict,
    410: NotFound,
    413: TooLarge,
    415: InvalidRequest,
    416: InvalidRequest,
    422: InvalidRequest,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def api_error(status: int, body: bytes, headers: Mapping[str, str]) -> ApiError:
    """The error for an answer whose status is not a success.

    Args:
        status: the HTTP status.
        body: a problem document, or OpenAI's `{"error": {"message": …}}`, or anything else.
        headers: with lower-case names.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = {}
    if not isinstance(document, dict):
        document = {}
    openai = document.get("error")
    if isinstance(openai, dict):
        document = {"detail": openai.get("message"), "type": openai.get("type"), **document}
    return _CLASSES.get(status, ServerError)(status, document, headers)


def seconds_in(retry_after: str | None) -> float | None:
    """The seconds from now that a `Retry-After` header names (a number or a date); None if it cannot be read."""
    value = (retry_after or "").strip()
    if not value.isascii():
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
