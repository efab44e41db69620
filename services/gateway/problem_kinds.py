"""One table says which error has which status, type and page. docs/problems.md is written from it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from services.gateway.bodies import SlowRequest
from services.gateway.episode_errors import FileLost, NoSuchFile, NotCompleted, SourceUnavailable
from services.gateway.gateway_errors import (
    AlreadyCompleted,
    Crowded,
    ForeignOrigin,
    KeyReused,
    OwnKey,
    RateLimited,
    ScopeMissing,
    SpeechStreamsFull,
    StillRunning,
    StreamsFull,
    TooManyStreams,
    Unauthenticated,
)
from services.gateway.reading_along import NotSpoken
from shared import errors
from shared.client.deleting import NotEnded
from shared.client.previewing import PreviewsBusy
from shared.client.submission import JobDeleted
from shared.client.watching import UnreadableJob
from shared.client.webhook_endpoints import EndpointDisabled
from shared.dead_letters.operator_lock import Busy


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
    ForeignOrigin: ProblemKind(
        "foreign-origin",
        HTTPStatus.FORBIDDEN,
        "Web pages may not do this",
        "This gateway answers without a key, so it must be reached as `localhost` or by its loopback address, and not"
        " from a web page. A page of yours can send a key; `PODCAST_GATEWAY_CORS_ORIGINS` lets its origin in.",
    ),
    OwnKey: ProblemKind(
        "own-key",
        HTTPStatus.CONFLICT,
        "The key is the gateway's own",
        "It is set by `PODCAST_GATEWAY_KEY`. Change or remove the setting and start the gateway again.",
    ),
    Busy: ProblemKind(
        "operator-busy",
        HTTPStatus.CONFLICT,
        "Another operator is at the dead letters",
        "One operator at a time may use the dead letters, over HTTP or with `podcast dlq`. `detail` says who it is and"
        " since when. Try again after `Retry-After`; an operator who hangs is disconnected within half a minute.",
    ),
    Crowded: ProblemKind(
        "too-many-connections",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "All connections are in use",
        "The gateway has as many connections as it may (`PODCAST_GATEWAY_CONNECTIONS`). Try again after `Retry-After`,"
        " or at another gateway.",
    ),
    RateLimited: ProblemKind(
        "rate-limited",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many requests",
        "The key has used up its requests for now. `Retry-After` says when to go on; `RateLimit` headers say how many"
        " are left.",
    ),
    TooManyStreams: ProblemKind(
        "too-many-streams",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many event streams",
        "The key has as many event streams open as it may. Close one first; one stream of `/v1/events` can replace many"
        " of single jobs. `PODCAST_GATEWAY_STREAMS_PER_KEY` is the limit.",
    ),
    StreamsFull: ProblemKind(
        "streams-full",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "No more event streams",
        "This gateway has as many event streams open as it may, or is stopping. Connect again after `Retry-After`, or"
        " to another gateway. `PODCAST_GATEWAY_STREAMS` is the limit.",
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
    NotCompleted: ProblemKind(
        "not-completed",
        HTTPStatus.CONFLICT,
        "The job is not completed",
        "The files of a job are there when it is completed. `detail` names its state; `GET /v1/jobs/{id}/events` tells"
        " when it changes.",
    ),
    FileLost: ProblemKind(
        "file-lost",
        HTTPStatus.NOT_FOUND,
        "The file is gone from the store",
        "The job made the file, but the store does not have it any more. Submit the job again: what is still there is"
        " not spoken again.",
    ),
    NoSuchFile: ProblemKind(
        "no-such-file",
        HTTPStatus.NOT_FOUND,
        "The job has no such file",
        "The job made no file of this kind. `detail` names those it has; `formats` of the job says which it makes.",
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
    JobDeleted: ProblemKind(
        "job-deleted",
        HTTPStatus.CONFLICT,
        "A job with this id was deleted",
        "Messages of the deleted job may still be under way, so its id stays in use for a week. Use another id.",
    ),
    StillRunning: ProblemKind(
        "job-running",
        HTTPStatus.CONFLICT,
        "The job is under way",
        "Only a job that has failed or was cancelled can be tried again. This one goes on by itself.",
    ),
    AlreadyCompleted: ProblemKind(
        "job-completed",
        HTTPStatus.CONFLICT,
        "The job is completed",
        "Only a job that has failed or was cancelled can be tried again. This one has its episode.",
    ),
    UnreadableJob: ProblemKind(
        "unreadable-job",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The job cannot be read",
        "What the store has of the job is damaged, or was written by an incompatible version. It can be deleted.",
    ),
    SlowRequest: ProblemKind(
        "slow-request",
        HTTPStatus.REQUEST_TIMEOUT,
        "The request did not arrive in time",
        "The body took longer to arrive than PODCAST_GATEWAY_UPLOAD_SECONDS allows. Send it again.",
    ),
    EndpointDisabled: ProblemKind(
        "endpoint-disabled",
        HTTPStatus.CONFLICT,
        "The webhook endpoint is disabled",
        "It answered 410, or somebody disabled it. `podcast webhooks edit ID --enable` enables it again, and so does"
        " `PATCH /v1/webhooks/{id}` with `enabled: true`.",
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
    NotSpoken: ProblemKind(
        "not-spoken",
        HTTPStatus.BAD_GATEWAY,
        "The text cannot be spoken",
        "A part of the text became a dead letter, or the job was cancelled. `detail` says why; the job, which the"
        " header `X-Podcast-Job` names, has the rest.",
    ),
    SpeechStreamsFull: ProblemKind(
        "speech-streams-full",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many streams",
        "This gateway sends as many streams as it may (`PODCAST_GATEWAY_SPEECH_STREAMS`). Try again after"
        " `Retry-After`, or at another gateway.",
    ),
    errors.Outage: ProblemKind(
        "unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "A server is down",
        "The broker, the store or the speech server does not answer. Nothing is lost; try again after `Retry-After`.",
    ),
    PreviewsBusy: ProblemKind(
        "previews-busy",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many previews are waiting",
        "Previews wait in the same queue as jobs, so only a few may wait at a time. Try again after `Retry-After`, or"
        " submit the job.",
    ),
    SourceUnavailable: ProblemKind(
        "source-unavailable",
        HTTPStatus.BAD_GATEWAY,
        "The page cannot be fetched now",
        "The server of the page is down, busy or unknown; `detail` says what happened. A job tries again by itself.",
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
    412: ProblemKind(
        "precondition-failed",
        412,
        "It is not what the client has",
        "`If-Match` or `If-Unmodified-Since` does not hold: the file was made again. Load all of it.",
    ),
    415: ProblemKind(
        "wrong-media-type", 415, "The media type cannot be read", "The route's description lists what it reads."
    ),
    416: ProblemKind(
        "range-unsatisfiable", 416, "The range is outside the file", "`Content-Range` says how long the file is."
    ),
}
"""Status → kind, for errors raised by the framework."""


def kinds() -> list[ProblemKind]:
    """Every kind of problem, by status and name."""
    found = {kind.name: kind for kind in (*KINDS.values(), *HTTP_KINDS.values())}
    return sorted(found.values(), key=lambda kind: (kind.status, kind.name))


def kind_of(error: BaseException) -> ProblemKind:
    """The kind of problem that an error is."""
    for base in type(error).__mro__:
        if base in KINDS:
            return KINDS[base]
    return KINDS[Exception]
