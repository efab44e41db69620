"""Why a file of a job cannot be sent, or its source not be read."""

from __future__ import annotations

from shared import errors


class NotCompleted(errors.Conflict):
    """The job has not made its files, or not yet."""


class NoSuchFile(errors.NotFound):
    """The job makes no file of this kind."""


class SourceUnavailable(errors.Transient):
    """The page or document that an address names could not be fetched this time."""


class FileLost(errors.NotFound):
    """The job made the file, and the store does not have it any more."""
