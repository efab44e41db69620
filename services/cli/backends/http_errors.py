"""What went wrong over HTTP, as the errors that the same thing has over AMQP: commands end with the same sentences."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

import podcast_client as api
from shared import errors
from shared.client.deleting import NotEnded
from shared.client.feeds.stored import FeedExists, FeedPaused
from shared.client.show_defaults import NoSuchShow
from shared.client.submission import JobDeleted
from shared.client.watching import UnreadableJob
from shared.client.webhook_endpoints import EndpointDisabled
from shared.dead_letters.operator_lock import Busy

_KINDS: Final[dict[str, type[errors.PodcastError]]] = {
    "forbidden-address": errors.ForbiddenAddress,
    "bad-source": errors.BadSource,
    "too-large": errors.TooLarge,
    "not-ended": NotEnded,
    "bad-input": errors.BadInput,
    "not-found": errors.NotFound,
    "conflict": errors.Conflict,
    "own-key": errors.Conflict,
    "speech-rejected": errors.SpeechRejected,
    "unavailable": errors.Outage,
    "source-unavailable": errors.Transient,
    "too-slow": errors.DeadlineExceeded,
    "operator-busy": Busy,
    "unreadable-job": UnreadableJob,
    "job-deleted": JobDeleted,
    "no-such-show": NoSuchShow,
    "endpoint-disabled": EndpointDisabled,
    "feed-exists": FeedExists,
    "feed-paused": FeedPaused,
}
"""The last part of a problem's type → the error that the gateway had."""


@contextlib.contextmanager
def as_ours(url: str) -> Iterator[None]:
    """Turn the client's errors into ours.

    Args:
        url: the API's address, for messages.

    Raises:
        PodcastError: the kind that fits.
    """
    try:
        yield
    except api.ClientError as error:
        raise ours(error, url) from error


def ours(error: api.ClientError, url: str) -> errors.PodcastError:
    """The error of ours that an error of the client is."""
    if isinstance(error, api.ApiError):
        return _answered(error, url)
    if isinstance(error, api.UnexpectedAnswer):
        return errors.Misconfigured(
            f"What answers at {url} is not the API: {error}", hint="Check the address, and what is in between."
        )
    if isinstance(error, api.Unreachable | api.TooSlow):
        return errors.Outage(
            f"The API at {url} cannot be reached: {error.reason if isinstance(error, api.Unreachable) else error}",
            hint="Check that it runs and that the address is right.",
        )
    return errors.PodcastError(str(error))


def _answered(error: api.ApiError, url: str) -> errors.PodcastError:
    kind = _KINDS.get(error.kind)
    found: errors.PodcastError
    match error:
        case api.Unauthenticated():
            found = errors.Misconfigured(
                f"The API at {url} wants a key that is valid.",
                hint="Set PODCAST_API_KEY, or name a file with --api-key-file; `podcast keys add` makes a key.",
            )
        case api.Forbidden():
            found = errors.Misconfigured(str(error))
        case api.RateLimited():
            found = errors.Outage(str(error), retry_after_seconds=error.retry_after)
        case _ if kind is not None:
            found = kind(str(error))
        case _ if error.kind in {"job-running", "job-completed"}:
            found = errors.BadInput(str(error))
        case api.NotFound() if error.kind not in {"no-such-route", "about:blank"}:
            found = errors.NotFound(str(error))
        case _ if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
            found = errors.Misconfigured(
                f"The API at {url} does not know {error.instance or 'this address'} (HTTP {error.status}).",
                hint="Check the address, and that both sides have the same version.",
            )
        case api.Unavailable():
            found = errors.Outage(f"The API at {url} is not available: {error}", retry_after_seconds=error.retry_after)
        case api.InvalidRequest():
            found = errors.BadInput(str(error))
        case _:
            found = errors.PodcastError(str(error))
    return found
