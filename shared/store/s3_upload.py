"""An object of a bucket that is written in parts: a multipart upload.

The SDK has these requests only as private methods, below its `put_object` and `compose_object`; tests against a real
MinIO fail if a new version moves them.

What a call that was given up can still do: a part that arrives late has the same content as the one that was added
again, or another ETag, so that completing fails instead of mixing them up; and a late request to complete finds no
upload any more once the context has been left and the server has answered. What cannot be prevented: after a `finish`
that was given up, with a server that does not answer either when the context is left, the object may still appear,
complete; and the request that begins an upload may be carried out without an answer, which leaves an empty upload to
the server's own expiry.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar
from xml.etree.ElementTree import ParseError

from minio import Minio
from minio.datatypes import Part
from minio.error import S3Error
from minio.helpers import DictType

from shared.errors import Conflict, PodcastError, StoreDown
from shared.store.attempt import CURRENT, GivenUpError
from shared.store.port import UploadedPart
from shared.store.upload_parts import checked_number, checked_size, gone, over

T = TypeVar("T")

UPLOAD_ID: Final = re.compile(r"[!-~]+")
"""What ids of uploads are like; each server has its own."""


class BucketRun(Protocol):
    """Runs a blocking call in a thread, under the store's deadline (`S3Calls`)."""

    async def __call__(self, doing: str, call: Callable[[], T], *, size_bytes: int = 0) -> T:
        """The call's result."""


class S3Upload:
    """See `shared.store.port.Upload`. The server hears of it with the first part, unless it was begun before.

    Args:
        client: of the server.
        bucket: where the object will be.
        key: of the object.
        content_type: of the object.
        run: runs a call.
        taken_up: the id of an upload that was begun before.
        parts: of that.
    """

    def __init__(
        self,
        client: Minio,
        bucket: str,
        key: str,
        content_type: str,
        run: BucketRun,
        *,
        taken_up: str = "",
        parts: Sequence[UploadedPart] = (),
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._content_type = content_type
        self._run = run
        self._parts = {part.number: Part(part.number, part.tag, size=part.size_bytes) for part in parts}
        self._starting = asyncio.Lock()
        self._problem: PodcastError | None = None
        """Why the upload could not be begun: whoever waited for that does not try again, for a deadline each."""
        self._taken_up = taken_up
        self._ids: list[str] = [taken_up] if taken_up else []
        """Of the multipart uploads that were begun here. The first one counts; another was begun by a call whose
        predecessor was given up and came through after all."""
        self._is_finished = False
        self._is_over = False

    async def add(self, number: int, data: bytes) -> UploadedPart:
        """See `Upload.add`."""
        checked_number(number)
        upload_id = await self.begin()

        def send() -> str:
            return self._client._upload_part(self._bucket, self._key, data, None, upload_id, number)  # noqa: SLF001 - see the module

        etag = await self._run(f"write {self._key}", lambda: self._written(upload_id, send), size_bytes=len(data))
        self._parts[number] = Part(number, etag, size=len(data))
        return UploadedPart(number, etag, len(data))

    async def finish(self) -> int:
        """See `Upload.finish`."""
        if self._is_over:
            raise over(self._key)
        parts = [self._parts[number] for number in sorted(self._parts)]
        size_bytes = checked_size(self._key, {part.part_number: part.size or 0 for part in parts})
        await self._run(f"write {self._key}", lambda: self._complete(parts, size_bytes), size_bytes=size_bytes)
        self._is_finished = True
        return size_bytes

    async def discard(self) -> None:
        """See `Discardable.discard`: also of an upload that was taken up."""
        self._is_over = True  # before the ids are looked at: a thread that begins one later sees this
        unwanted = self._ids[self._is_finished :]
        if unwanted:
            await self._run(f"abort {self._key}", lambda: self._abort(*unwanted))

    async def begin(self) -> str:
        """The id of the multipart upload, which begins now if it has not."""
        async with self._starting:
            if self._is_over:
                raise over(self._key)
            if self._problem is not None:
                raise self._problem
            if not self._ids:
                try:
                    await self._run(f"write {self._key}", self._begin)
                except PodcastError as error:
                    self._problem = error
                    raise
            return self._ids[0]

    def _begin(self) -> None:
        headers: DictType = {"Content-Type": self._content_type}
        upload_id = _understood(lambda: self._client._create_multipart_upload(self._bucket, self._key, headers))  # noqa: SLF001 - see the module
        self._ids.append(upload_id)
        if self._is_over:  # `discard` has not seen it
            self._abort_quietly(upload_id)
            raise GivenUpError

    def _written(self, upload_id: str, send: Callable[[], str]) -> str:
        """Write a part. One that arrives at the server while the upload is aborted may outlive it, so abort again."""
        try:
            return _understood(send)
        except S3Error as error:
            if error.code == "NoSuchUpload" and self._taken_up:
                raise gone(self._key) from error
            raise
        finally:
            if self._is_over:
                self._abort_quietly(upload_id)

    def _complete(self, parts: Sequence[Part], size_bytes: int) -> None:
        try:
            answer = _understood(
                lambda: self._client._complete_multipart_upload(self._bucket, self._key, self._ids[0], list(parts))  # noqa: SLF001 - see the module
            )
        except S3Error as error:
            # An earlier try may have succeeded and its answer been lost; then there is an object of just these parts.
            if error.code == "NoSuchUpload" and self._is_there(_etag(parts), size_bytes):
                return
            if error.code == "NoSuchUpload" and self._taken_up:
                raise gone(self._key) from error
            if error.code == "InvalidPart" and self._taken_up:
                raise Conflict(f"A part of the upload of {self._key} is gone, or another one.") from error
            raise
        if answer.etag is None:  # the status was sent before the server knew the outcome, and the body is an error
            raise StoreDown(f"The store failed to write {self._key} from its parts.")

    def _is_there(self, etag: str, size_bytes: int) -> bool:
        try:
            found = self._client.stat_object(self._bucket, self._key)
        except S3Error as error:
            if error.code == "NoSuchKey":
                return False
            raise
        return (found.etag, found.size) == (etag, size_bytes)

    def _abort(self, *upload_ids: str) -> None:
        for upload_id in upload_ids:
            try:
                self._client._abort_multipart_upload(self._bucket, self._key, upload_id)  # noqa: SLF001 - see the module
            except S3Error as error:
                if error.code != "NoSuchUpload":
                    raise

    def _abort_quietly(self, upload_id: str) -> None:
        """Abort in a thread that nobody waits for any more."""
        with contextlib.suppress(Exception):  # `discard` has done it, or said that it could not
            self._abort(upload_id)


def _understood(send: Callable[[], T]) -> T:
    """The result of a request, where the SDK assumes that an answer of 200 has what it looks for.

    A server that takes long answers 200 first, and an error in the body. (Amazon S3 API reference, UploadPartCopy.)

    Raises:
        StoreDown: the answer holds something else.
    """
    CURRENT.get().check()
    try:
        return send()
    except (ValueError, ParseError) as error:
        raise StoreDown("The store's answer about a part of an upload was an error, or cannot be read.") from error


def _etag(parts: Sequence[Part]) -> str:
    """The ETag of the object that these parts make, as servers compute it; of encrypted objects it may be another."""
    try:
        digests = b"".join(bytes.fromhex(part.etag) for part in parts)
    except ValueError:  # this server's are no digests
        return ""
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
