"""The store as an S3 bucket, through the `minio` SDK.

The SDK is synchronous: each call runs in a thread with socket time-outs, under an overall deadline. A read time-out
alone
never fires on a server that trickles; the deadline abandons the thread, and its socket time-outs end it.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import urllib3
from minio import Minio
from minio.error import InvalidResponseError, S3Error, ServerError

from shared.deadlines import deadline, in_thread
from shared.errors import NotFound, StoreDown

T = TypeVar("T")

_THREADS = 16
_TRANSFER_BYTES_A_SECOND = 1_000_000
_LIST_PAGE = 1_000
_MISSING = {"NoSuchKey", "NoSuchBucket", "NoSuchObject", "ResourceNotFound"}
_REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_PART_BYTES = 16 * 1024 * 1024


class S3Store:
    """Objects in a bucket."""

    def __init__(
        self,
        *,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        secure: bool,
        connect_timeout_seconds: float,
        deadline_seconds: float,
    ) -> None:
        self.url = f"s3://{endpoint}/{bucket}"
        self._bucket = bucket
        self._deadline_seconds = deadline_seconds
        self._limiter: anyio.CapacityLimiter | None = None
        pool = urllib3.PoolManager(
            num_pools=2,
            maxsize=_THREADS,
            block=False,  # an abandoned thread may still hold a connection; nobody waits for it
            timeout=urllib3.Timeout(connect=connect_timeout_seconds, read=deadline_seconds),
            # One quick repeat for a connection that the server closed while it was idle.
            retries=urllib3.Retry(connect=1, read=1, redirect=0, status=0, other=0, backoff_factor=0.05),
        )
        self._client = Minio(
            endpoint, access_key=access_key, secret_key=secret_key, secure=secure, region="us-east-1", http_client=pool
        )

    async def _run(self, doing: str, call: Callable[[], T], *, size_bytes: int = 0) -> T:
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(_THREADS)
        try:
            async with deadline(
                self._deadline_seconds + size_bytes / _TRANSFER_BYTES_A_SECOND, f"store {doing}", error=StoreDown
            ):
                return await in_thread(call, limiter=self._limiter)
        except S3Error as error:
            if error.code in _MISSING:
                raise NotFound(f"There is no object for {doing}.") from error
            if error.code in _REFUSED:
                raise StoreDown(
                    f"The store at {self.url} refused to {doing}: {error.code}.",
                    hint="Check the key and the secret in PODCAST_STORE_URL.",
                ) from error
            raise StoreDown(f"The store at {self.url} failed to {doing}: {error.code} {error.message}.") from error
        except (urllib3.exceptions.HTTPError, ServerError, InvalidResponseError, OSError) as error:
            raise StoreDown(
                f"The store at {self.url} did not {doing}: {type(error).__name__}.", hint="Is it running?"
            ) from error

    async def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        """See `Store.put`."""
        await self._run(
            f"write {key}",
            lambda: self._client.put_object(self._bucket, key, io.BytesIO(data), len(data), content_type=content_type),
            size_bytes=len(data),
        )

    async def put_file(self, key: str, path: Path, *, content_type: str = "application/octet-stream") -> None:
        """See `Store.put_file`."""
        await self._run(
            f"write {key}",
            lambda: self._client.fput_object(
                self._bucket, key, str(path), content_type=content_type, part_size=_PART_BYTES, num_parallel_uploads=1
            ),
            size_bytes=path.stat().st_size,  # noqa: ASYNC240 - one stat of a local file
        )

    def _read(self, key: str, **parameters: Any) -> bytes:
        response = self._client.get_object(self._bucket, key, **parameters)
        try:
            return bytes(response.read())
        finally:
            response.close()
            response.release_conn()

    async def get(self, key: str) -> bytes:
        """See `Store.get`."""
        return await self._run(f"read {key}", lambda: self._read(key))

    async def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Store.get_range`."""

        def read() -> bytes:
            try:
                return self._read(key, offset=start, length=length)
            except S3Error as error:
                if error.code == "InvalidRange":  # at or past the end
                    return b""
                raise

        return await self._run(f"read {key}", read)

    async def get_file(self, key: str, path: Path) -> None:
        """See `Store.get_file`."""
        size_bytes = await self.size(key) or 0
        # The SDK writes to a part file beside it and renames.
        await self._run(
            f"read {key}", lambda: self._client.fget_object(self._bucket, key, str(path)), size_bytes=size_bytes
        )

    async def size(self, key: str) -> int | None:
        """See `Store.size`."""
        with contextlib.suppress(NotFound):
            found = await self._run(f"look up {key}", lambda: self._client.stat_object(self._bucket, key))
            return int(found.size or 0)
        return None

    async def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        return await self.size(key) is not None

    async def list(self, prefix: str) -> AsyncIterator[str]:
        """See `Store.list`; a page at a time."""
        after: str | None = None
        while True:

            def page(start_after: str | None = after) -> list[str]:
                objects = self._client.list_objects(
                    self._bucket, prefix=prefix, recursive=True, start_after=start_after
                )
                return [str(entry.object_name) for entry, _ in zip(objects, range(_LIST_PAGE), strict=False)]

            keys = await self._run(f"list {prefix}", page)
            for key in keys:
                yield key
            if len(keys) < _LIST_PAGE:
                return
            after = keys[-1]

    async def delete(self, key: str) -> None:
        """See `Store.delete`."""
        await self._run(f"delete {key}", lambda: self._client.remove_object(self._bucket, key))

    async def ping(self) -> None:
        """See `Store.ping`."""

        def make_bucket() -> None:
            if not self._client.bucket_exists(self._bucket):
                try:
                    self._client.make_bucket(self._bucket)
                except S3Error as error:
                    if error.code != "BucketAlreadyOwnedByYou":  # another service was quicker
                        raise

        await self._run("answer", make_bucket)
