"""Why a file of a job cannot be sent."""

from __future__ import annotations

from shared import errors


class NotCompleted(errors.Conflict):
    """The job has not made its files, or not yet."""


class NoSuchFile(errors.NotFound):
    """The job makes no file of this kind."""


class FileLost(errors.NotFound):
    """The job made the file, and the store does not have it any more."""
