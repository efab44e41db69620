"""What the `minio` SDK does not offer: conditional writes, and retries that end with the call.

The SDK signs, sends and translates errors; only the two conditional headers are ours. Its public `put_object` would
turn them into user metadata, so this calls the underlying `_put_object`; a test against a real MinIO fails if a new
version of the SDK moves it.
"""

from __future__ import annotations

from typing import Any, Final

import urllib3
from minio import Minio
from minio.error import S3Error

from shared.errors import Conflict
from shared.store.attempt import CURRENT

_CHANGED: Final = {"PreconditionFailed", "ConditionalRequestConflict"}
_MISSING: Final = {"NoSuchKey", "NoSuchObject"}


class AlreadyChanged(Conflict):
    """The condition does not hold: the object exists already, was changed, or is gone."""


class PatientRetry(urllib3.Retry):
    """urllib3's retries, which send nothing more for a call that was given up."""

    def increment(self, *args: Any, **kwargs: Any) -> PatientRetry:
        """The next retry.

        Raises:
            GivenUpError: nobody is waiting for the call any more.
        """
        CURRENT.get().check()
        return super().increment(*args, **kwargs)


def put_if(client: Minio, bucket: str, key: str, data: bytes, headers: dict[str, str]) -> str:
    """Write an object under the condition given by the headers (`If-None-Match`, `If-Match`).

    Returns:
        The object's new version.

    Raises:
        AlreadyChanged: the condition does not hold.
        S3Error: the server answered with any other error.
    """
    try:
        return str(client._put_object(bucket, key, data, dict(headers)).etag)  # noqa: SLF001 - see the module
    except S3Error as error:
        if error.code in _MISSING:
            raise AlreadyChanged("it is gone.") from error
        if error.code not in _CHANGED:
            raise
        if _was_sent_before(error):
            # The first try may have succeeded and its answer been lost; then the conflicting object is our own.
            version = _version_if_ours(client, bucket, key, data)
            if version is not None:
                return version
        raise AlreadyChanged("somebody else was first.") from error


def _was_sent_before(error: S3Error) -> bool:
    """Whether urllib3 sent the request a second time after it may have arrived."""
    retries = error.response.retries
    never_sent = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    return retries is not None and any(not isinstance(entry.error, never_sent) for entry in retries.history)


def _version_if_ours(client: Minio, bucket: str, key: str, data: bytes) -> str | None:
    found, version = read(client, bucket, key)
    return version if found == data else None


def read(client: Minio, bucket: str, key: str, **parameters: Any) -> tuple[bytes, str]:
    """An object's content and version.

    Args:
        client: of the store.
        bucket: the bucket.
        key: the object.
        **parameters: `offset` and `length`, for a part of it.

    Raises:
        S3Error: the server's answer, such as NoSuchKey.
    """
    response = client.get_object(bucket, key, **parameters)
    try:
        return bytes(response.read()), str(response.headers["etag"]).strip('"')
    finally:
        response.close()
        response.release_conn()
