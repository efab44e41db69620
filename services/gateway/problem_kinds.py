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
    ShareTaken,
    SpeechStreamsFull,
    StillRunning,
    StreamsFull,
    TooManyStreams,
    Unauthenticated,
)
from shared import errors
from shared.client.deleting import NotEnded
from shared.client.feeds.stored import FeedExists, FeedPaused
from shared.client.hls_stream import NothingSpoken
from shared.client.previewing import PreviewsBusy, PreviewShareTaken
from shared.client.reading_along import AudioGone, NotSpoken
from shared.client.show_defaults import NoSuchShow
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


_SHARE_TAKEN: Final = ProblemKind(
    "key-share-taken",
    HTTPStatus.TOO_MANY_REQUESTS,
    "The key has its share",
    "One key may have only a part of what the gateway does at a time (`PODCAST_GATEWAY_KEY_SHARE`): uploads, streams"
    " of speech, samples of voices, previews. Try again after `Retry-After`, when one of them has ended.",
)
KINDS: Final[dict[type[BaseException], ProblemKind]] = {
    Unauthenticated: ProblemKind(
        "unauthenticated",
        HTTPStatus.UNAUTHORIZED,
        "A valid key is required",
        "Send `Authorization: Bearer <key>`. `podcast keys add NAME` creates a key; `podcast up` prints the key of a"
        " local stack. A revoked key is no longer valid. A token in the address of events expires after some minutes:"
        " request another address.",
    ),
    ScopeMissing: ProblemKind(
        "scope-missing",
        HTTPStatus.FORBIDDEN,
        "The key does not allow this",
        "Keys have scopes: `submit`, `read`, `operate`. Use a key with the scope that the description of the route"
        " names.",
    ),
    ForeignOrigin: ProblemKind(
        "foreign-origin",
        HTTPStatus.FORBIDDEN,
        "Requests from web pages are not allowed",
        "This gateway requires no key, so it accepts only requests to `localhost` or its loopback address, and none"
        " from web pages. To use it from your own page, send a key, or list the page's origin in"
        " `PODCAST_GATEWAY_CORS_ORIGINS`.",
    ),
    OwnKey: ProblemKind(
        "own-key",
        HTTPStatus.CONFLICT,
        "The key is the gateway's own",
        "It is set by `PODCAST_GATEWAY_KEY`. Change or remove the setting and restart the gateway.",
    ),
    Busy: ProblemKind(
        "operator-busy",
        HTTPStatus.CONFLICT,
        "Another operator is using the dead letters",
        "Only one operator at a time can use the dead letters, over HTTP or with `podcast dlq`. `detail` says who it is"
        " and since when. Try again after `Retry-After`; an operator that stops responding is disconnected within half"
        " a minute.",
    ),
    Crowded: ProblemKind(
        "too-many-connections",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "All connections are in use",
        "The limit of this gateway is `PODCAST_GATEWAY_CONNECTIONS`, that of one address"
        " `PODCAST_GATEWAY_CONNECTIONS_PER_ADDRESS`. Try again after `Retry-After`, or at another gateway.",
    ),
    RateLimited: ProblemKind(
        "rate-limited",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many requests",
        "The key has reached its limit of requests per minute. `Retry-After` says when to try again; the header"
        " `RateLimit` says how many requests are left.",
    ),
    TooManyStreams: ProblemKind(
        "too-many-streams",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many event streams",
        "The limit for each key is `PODCAST_GATEWAY_STREAMS_PER_KEY`. Close a stream first; one stream of `/v1/events`"
        " can replace many streams of single jobs.",
    ),
    ShareTaken: _SHARE_TAKEN,
    PreviewShareTaken: _SHARE_TAKEN,
    StreamsFull: ProblemKind(
        "streams-full",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many event streams at this gateway",
        "The gateway has reached its limit (`PODCAST_GATEWAY_STREAMS`), or is stopping. Connect again after"
        " `Retry-After`, or to another gateway.",
    ),
    errors.ForbiddenAddress: ProblemKind(
        "forbidden-address",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The address is not public",
        "The address leads to this machine or to a private network. `PODCAST_FETCH_ALLOW` (for webhooks:"
        " `PODCAST_WEBHOOK_ALLOW`) can allow networks and hosts.",
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
        "The request or the document exceeds a limit. Split it, or raise the setting named in `detail`.",
    ),
    NotEnded: ProblemKind(
        "not-ended",
        HTTPStatus.CONFLICT,
        "The job has not ended",
        "Only a job that has ended can be deleted. Cancel it first.",
    ),
    NotCompleted: ProblemKind(
        "not-completed",
        HTTPStatus.CONFLICT,
        "The job is not completed",
        "The files of a job exist once it is completed. `detail` has its current state; `GET /v1/jobs/{id}/events`"
        " reports each change.",
    ),
    NothingSpoken: ProblemKind(
        "nothing-spoken",
        HTTPStatus.CONFLICT,
        "Nothing of the job is spoken yet",
        "The job is under way, and its first chunk is not spoken. Try again in a moment; `GET /v1/jobs/{id}/events`"
        " reports its progress.",
    ),
    AudioGone: ProblemKind(
        "audio-gone",
        HTTPStatus.CONFLICT,
        "What was spoken is no longer in the store",
        "The job is completed, but the audio of its chunks was removed. `GET /v1/jobs/{id}/episode` is the whole.",
    ),
    FileLost: ProblemKind(
        "file-lost",
        HTTPStatus.NOT_FOUND,
        "The file is missing from the store",
        "The job produced the file, but it is no longer in the store. Submit the job again: audio that is still stored"
        " is not synthesized again.",
    ),
    NoSuchFile: ProblemKind(
        "no-such-file",
        HTTPStatus.NOT_FOUND,
        "The job has no such file",
        "The job did not produce this kind of file. `detail` lists the files that it has; `formats` in the request"
        " decides which are produced.",
    ),
    errors.BadInput: ProblemKind(
        "bad-input",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The request is not valid",
        "`detail` says what is wrong, and `errors` where.",
    ),
    errors.NotFound: ProblemKind("not-found", HTTPStatus.NOT_FOUND, "Not found", "Nothing exists at this address."),
    KeyReused: ProblemKind(
        "idempotency-key-reused",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The Idempotency-Key belongs to another request",
        "A key can be repeated only with the same request. Use a new key for a new request.",
    ),
    NoSuchShow: ProblemKind(
        "no-such-show",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The show does not exist",
        "The job names a show that there is not. `GET /v1/shows` lists the shows there are, `POST /v1/shows` makes one."
        " Nothing was stored.",
    ),
    JobDeleted: ProblemKind(
        "job-deleted",
        HTTPStatus.CONFLICT,
        "A job with this id was deleted",
        "Messages of the deleted job may still be in the queues, so its id cannot be used again for a week. Use another"
        " id.",
    ),
    StillRunning: ProblemKind(
        "job-running",
        HTTPStatus.CONFLICT,
        "The job is running",
        "Only a failed or cancelled job can be retried. This one is still running.",
    ),
    AlreadyCompleted: ProblemKind(
        "job-completed",
        HTTPStatus.CONFLICT,
        "The job is completed",
        "Only a failed or cancelled job can be retried. This one has its episode.",
    ),
    UnreadableJob: ProblemKind(
        "unreadable-job",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The job cannot be read",
        "The stored job is damaged, or was written by an incompatible version. It can be deleted.",
    ),
    SlowRequest: ProblemKind(
        "slow-request",
        HTTPStatus.REQUEST_TIMEOUT,
        "The request did not arrive in time",
        "The body took longer to arrive than `PODCAST_GATEWAY_REQUEST_SECONDS`, or for a form"
        " `PODCAST_GATEWAY_UPLOAD_SECONDS`, allows. Send it again over a faster connection.",
    ),
    EndpointDisabled: ProblemKind(
        "endpoint-disabled",
        HTTPStatus.CONFLICT,
        "The webhook endpoint is disabled",
        "It answered 410, or somebody disabled it. `podcast webhooks edit ID --enable` enables it again, and so does"
        " `PATCH /v1/webhooks/{id}` with `enabled: true`.",
    ),
    FeedExists: ProblemKind(
        "feed-exists",
        HTTPStatus.CONFLICT,
        "The feed has been added already",
        "The address is a feed already, for the same show. Change that one, or add it for another show.",
    ),
    FeedPaused: ProblemKind(
        "feed-paused",
        HTTPStatus.CONFLICT,
        "The feed is not polled",
        "It is paused, or its server says that it is gone. `podcast feeds resume ID` polls it again, and so does"
        " `PATCH /v1/feeds/{id}` with `paused: false`.",
    ),
    errors.Conflict: ProblemKind(
        "conflict", HTTPStatus.CONFLICT, "It was changed in the meantime", "Read it again, then decide."
    ),
    errors.SpeechRejected: ProblemKind(
        "speech-rejected",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The speech server rejected the request",
        "It does not know the voice or model, or cannot speak the text. `GET /v1/voices` lists the voices.",
    ),
    NotSpoken: ProblemKind(
        "not-spoken",
        HTTPStatus.BAD_GATEWAY,
        "The text cannot be spoken",
        "A part of the text became a dead letter, or the job was cancelled. `detail` says why. The header"
        " `X-Podcast-Job` has the id of the job, which keeps the rest.",
    ),
    SpeechStreamsFull: ProblemKind(
        "speech-streams-full",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many streams of speech",
        "The limit of this gateway is `PODCAST_GATEWAY_SPEECH_STREAMS`. Try again after `Retry-After`, or at another"
        " gateway.",
    ),
    errors.Outage: ProblemKind(
        "unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "A server is not available",
        "The broker, the store or the speech server does not respond. Nothing is lost; try again after `Retry-After`.",
    ),
    PreviewsBusy: ProblemKind(
        "previews-busy",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many previews are waiting",
        "Previews wait in the same queue as jobs, so only a few may wait at the same time. Try again after"
        " `Retry-After`, or submit the job.",
    ),
    SourceUnavailable: ProblemKind(
        "source-unavailable",
        HTTPStatus.BAD_GATEWAY,
        "The page cannot be fetched now",
        "The server of the page is down, busy or unknown; `detail` says what happened. A job would retry by itself.",
    ),
    errors.DeadlineExceeded: ProblemKind(
        "too-slow", HTTPStatus.GATEWAY_TIMEOUT, "It took too long", "A server did not respond in time. Try again."
    ),
    errors.PodcastError: ProblemKind(
        "failed",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The request failed",
        "`detail` says why. Repeating it will not help.",
    ),
    Exception: ProblemKind(
        "internal-error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "An internal error of the gateway",
        "This is a bug. The gateway's log has the details under the id in `X-Request-ID`; please report it.",
    ),
}
"""Error → kind; an error is of the first kind in its class's order of bases that is listed."""

HTTP_KINDS: Final[dict[int, ProblemKind]] = {
    400: ProblemKind(
        "bad-request", 400, "The request cannot be read", "The request is not well-formed HTTP, JSON or form data."
    ),
    404: ProblemKind(
        "no-such-route", 404, "No such path", "This path is not part of the API. `/docs` lists all paths."
    ),
    405: ProblemKind("wrong-method", 405, "Method not allowed", "The header `Allow` lists the methods of this path."),
    406: ProblemKind(
        "not-acceptable",
        406,
        "None of the requested media types is available",
        "The description of the route lists them.",
    ),
    412: ProblemKind(
        "precondition-failed",
        412,
        "The file has changed",
        "`If-Match` or `If-Unmodified-Since` does not hold: the file was produced again. Download all of it.",
    ),
    415: ProblemKind(
        "wrong-media-type", 415, "Unsupported media type", "The description of the route lists those that it accepts."
    ),
    416: ProblemKind(
        "range-unsatisfiable", 416, "The range is outside the file", "`Content-Range` has the size of the file."
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
