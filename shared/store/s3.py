"""The store as an S3 bucket, through the `minio` SDK."""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

from minio.error import S3Error

from shared.errors import Conflict, NotFound, StoreDown
from shared.store.attempt import CURRENT
from shared.store.key_rules import checked, checked_prefix
from shared.store.port import (
    PAGE,
    SMALL_OBJECT_BYTES,
    Contents,
    Entries,
    Entry,
    Keys,
    ObjectState,
    Upload,
    UploadedPart,
)
from shared.store.s3_calls import MISSING, S3Calls
from shared.store.s3_conditions import AlreadyChanged, put_if, read
from shared.store.s3_upload import UPLOAD_ID, S3Upload
from shared.store.upload_parts import checked_id, removed_unless_finished

_PART_BYTES = 5 * 1024 * 1024
"""What one upload has in memory; the least that S3 takes."""


class S3Store(S3Calls):
    """Objects in a bucket.

    A call that was given up sends nothing more, but a request already sent may still reach the server later, and cannot
    be stopped from here. It is fenced as follows: state that changes (`status.json`) goes through `replace` and what is
    written once (`request.json`, `manifest.json`) through `create`, whose conditions the server checks when the request
    arrives. A late unconditional `put` is harmless if the key is derived from the content (`audio/…`), if every writer
    writes the same (an episode, made of the same chunks), and for marks that are verified when read (`active/…`, which
    the coordinator compares with the job's status).
    """

    async def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        """See `Store.put`."""
        checked(key)
        await self._run(
            f"write {key}",
            lambda: self._client.put_object(self._bucket, key, io.BytesIO(data), len(data), content_type=content_type),
            size_bytes=len(data),
        )

    async def put_file(self, key: str, path: Path, *, content_type: str = "application/octet-stream") -> None:
        """See `Store.put_file`."""
        checked(key)
        await self._run(
            f"write {key}",
            lambda: self._client.fput_object(
                self._bucket, key, str(path), content_type=content_type, part_size=_PART_BYTES, num_parallel_uploads=1
            ),
            size_bytes=path.stat().st_size,  # noqa: ASYNC240 - one stat of a local file
        )

    def upload(
        self, key: str, *, content_type: str = "application/octet-stream"
    ) -> AbstractAsyncContextManager[Upload]:
        """See `Store.upload`."""
        upload = S3Upload(self._client, self._bucket, checked(key), content_type, self._run)
        return removed_unless_finished(upload, key)

    async def open_upload(self, key: str, *, content_type: str = "application/octet-stream") -> str:
        """See `Store.open_upload`."""
        return await S3Upload(self._client, self._bucket, checked(key), content_type, self._run).begin()

    def taken_up(self, key: str, upload_id: str, parts: Sequence[UploadedPart] = ()) -> Upload:
        """See `Store.taken_up`."""
        return self._taken_up(key, upload_id, parts)

    async def abandon_upload(self, key: str, upload_id: str) -> None:
        """See `Store.abandon_upload`."""
        with contextlib.suppress(NotFound):
            await self._taken_up(key, upload_id).discard()

    def _taken_up(self, key: str, upload_id: str, parts: Sequence[UploadedPart] = ()) -> S3Upload:
        begun = checked_id(key, upload_id, UPLOAD_ID)
        return S3Upload(self._client, self._bucket, checked(key), "", self._run, taken_up=begun, parts=parts)

    async def create(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> str:
        """See `Store.create`."""
        return await self._put_if({"If-None-Match": "*"}, key, data, content_type)

    async def replace(
        self, key: str, data: bytes, *, version: str, content_type: str = "application/octet-stream"
    ) -> str:
        """See `Store.replace`."""
        return await self._put_if({"If-Match": f'"{version}"'}, key, data, content_type)

    async def _put_if(self, condition: dict[str, str], key: str, data: bytes, content_type: str) -> str:
        checked(key)
        headers = {**condition, "Content-Type": content_type}
        try:
            return await self._run(
                f"write {key}",
                lambda: put_if(self._client, self._bucket, key, data, headers),
                size_bytes=len(data),
            )
        except AlreadyChanged as error:
            raise Conflict(f"{key} was not written: {error}") from error

    async def get_versioned(self, key: str) -> tuple[bytes, str]:
        """See `Store.get_versioned`."""
        checked(key)
        return await self._run(f"read {key}", lambda: read(self._client, self._bucket, key))

    async def get(self, key: str) -> bytes:
        """See `Store.get`."""
        return (await self.get_versioned(key))[0]

    async def get_many(self, keys: Sequence[str]) -> Contents:
        """See `Store.get_many`."""
        for key in keys:
            checked(key)

        def content(key: str) -> bytes | None:
            CURRENT.get().check()
            data = self._quick.read(key)
            if data is not None:
                return data
            try:
                return read(self._client, self._bucket, key)[0]
            except S3Error as error:
                if error.code in MISSING:
                    return None
                raise

        return await self._run(
            f"read {len(keys)} objects", lambda: list(map(content, keys)), size_bytes=len(keys) * SMALL_OBJECT_BYTES
        )

    async def get_range(self, key: str, start: int, length: int, *, tag: str | None = None) -> bytes:
        """See `Store.get_range`."""
        checked(key)
        same = {"request_headers": {"If-Match": f'"{tag}"'}} if tag is not None else {}

        def read_part() -> bytes:
            try:
                return read(self._client, self._bucket, key, offset=start, length=length, **same)[0]
            except S3Error as error:
                if error.code == "InvalidRange":  # at or past the end
                    return b""
                if error.code == "PreconditionFailed":
                    raise Conflict(f"{key} was changed.") from error
                raise

        return await self._run(f"read {key}", read_part)

    async def get_file(self, key: str, path: Path) -> None:
        """See `Store.get_file`."""
        size_bytes = await self.size(key) or 0
        # The SDK writes to a temporary file in the same folder and renames it.
        await self._run(
            f"read {key}", lambda: self._client.fget_object(self._bucket, key, str(path)), size_bytes=size_bytes
        )

    def link(self, key: str, *, seconds: int, content_type: str, disposition: str) -> str | None:
        """See `Store.link`. It is computed here, without a call to the server."""
        return str(
            self._client.presigned_get_object(
                self._bucket,
                checked(key),
                expires=timedelta(seconds=seconds),
                response_headers={
                    "response-content-type": content_type,
                    "response-content-disposition": disposition,
                },
            )
        )

    async def size(self, key: str) -> int | None:
        """See `Store.size`."""
        found = await self.state(key)
        return None if found is None else found.size_bytes

    async def state(self, key: str) -> ObjectState | None:
        """See `Store.state`."""
        checked(key)
        with contextlib.suppress(NotFound):
            found = await self._run(f"look up {key}", lambda: self._client.stat_object(self._bucket, key))
            modified = found.last_modified.timestamp() if found.last_modified else 0.0
            return ObjectState(int(found.size or 0), modified, str(found.etag))
        return None

    async def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        return await self.size(key) is not None

    async def list(self, prefix: str) -> AsyncIterator[str]:
        """See `Store.list`; a page at a time."""
        after = ""
        while keys := await self.page(prefix, after=after, limit=PAGE):
            for key in keys:
                yield key
            if len(keys) < PAGE:
                return
            after = keys[-1]

    async def page(self, prefix: str, *, after: str = "", limit: int = PAGE) -> Keys:
        """See `Store.page`."""
        return [entry.key for entry in await self.entries(prefix, after=after, limit=limit)]

    async def entries(self, prefix: str, *, after: str = "", limit: int = PAGE) -> Entries:
        """See `Store.entries`."""
        checked_prefix(prefix)

        def look() -> Entries:
            found = self._client.list_objects(self._bucket, prefix=prefix, recursive=True, start_after=after or None)
            return [
                Entry(
                    str(entry.object_name),
                    int(entry.size or 0),
                    entry.last_modified.timestamp(),
                    str(entry.etag or "").strip('"'),
                )
                for entry in itertools.islice(found, limit)
            ]

        return await self._run(f"list {prefix}", look)

    async def folders(self, prefix: str, *, after: str = "", limit: int = PAGE) -> Keys:
        """See `Store.folders`."""
        checked_prefix(prefix)
        # `0` follows `/`: everything below the folder `after` sorts before this, every later folder after it.
        start_after = f"{prefix}{after}0" if after else None

        def look() -> Keys:
            found = self._client.list_objects(self._bucket, prefix=prefix, start_after=start_after)
            names = (str(entry.object_name) for entry in found if entry.is_dir)
            return [name.removeprefix(prefix).rstrip("/") for name in itertools.islice(names, limit)]

        return await self._run(f"list {prefix}", look)

    async def delete(self, key: str) -> None:
        """See `Store.delete`."""
        checked(key)
        await self._run(f"delete {key}", lambda: self._client.remove_object(self._bucket, key))

    async def ping(self) -> None:
        """See `Store.ping`. A user with the rights of one role may not look for the bucket as such."""

        def make_bucket() -> None:
            if self._is_restricted:
                self._client.get_bucket_versioning(self._bucket)
                return
            try:
                is_there = self._client.bucket_exists(self._bucket)
            except S3Error as error:
                if error.code != "AccessDenied":
                    raise
                # Refused for another reason than a wrong key, if this works.
                self._client.get_bucket_versioning(self._bucket)
                self._is_restricted = True
                return
            if not is_there:
                try:
                    self._client.make_bucket(self._bucket)
                except S3Error as error:
                    if error.code != "BucketAlreadyOwnedByYou":  # another service was faster
                        raise

        try:
            await self._run("answer", make_bucket)
        except NotFound as error:
            raise StoreDown(
                f"The store at {self.url} has no such bucket, and this user may not make it.",
                hint="Provisioning makes it: `podcast deploy up`, or `python -m deploy.store.provision`.",
            ) from error
