"""Errors that only the gateway raises: who asks, how often, and what it does not do now."""

from __future__ import annotations

from shared import errors


class Unauthenticated(errors.PodcastError):
    """The request has no key, or one that is not valid."""


class ScopeMissing(errors.PodcastError):
    """The key is valid, but does not allow this."""


class ForeignOrigin(errors.PodcastError):
    """A web page of somebody else uses a browser to make the request."""


class OwnKey(errors.PodcastError):
    """The key is the one in the gateway's settings, which only these can change."""


class Crowded(errors.PodcastError):
    """All connections are in use."""


class RateLimited(errors.PodcastError):
    """The key has made more requests than it may.

    Attributes:
        retry_after_seconds: when it may make the next.
    """

    def __init__(self, message: str, *, hint: str = "", retry_after_seconds: int = 1) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class StillRunning(errors.Conflict):
    """The job is under way, so there is nothing to retry."""


class AlreadyCompleted(errors.Conflict):
    """The job is completed, so there is nothing to retry."""


class TooManyStreams(RateLimited):
    """The key has as many event streams open as it may."""


class ShareTaken(RateLimited):
    """The key has as many of something under way as one key may, so that others can have some too."""


class StreamsFull(errors.Outage):
    """This gateway has as many event streams open as it may, or is stopping."""


class SpeechStreamsFull(errors.Outage):
    """This gateway sends as many streams of audio as it may."""


class KeyReused(errors.Conflict):
    """The same Idempotency-Key came with another request."""
