"""The object store: a port with two adapters, chosen by `PODCAST_STORE_URL`.

`s3://KEY:SECRET@HOST:PORT/BUCKET?secure=false` is MinIO or any other S3 server; `file:///DIR` is a folder on this
machine. Every call has an overall deadline, runs off the event loop, and takes effect completely or not at all.
docs/adr/0010-state-in-the-store.md says which objects are created once, which are replaced by version, and why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from shared.errors import Misconfigured
from shared.settings import Settings

PAGE: Final = 1_000
"""Names per listing call: the most that S3 returns at a time."""
SMALL_OBJECT_BYTES: Final = 1_000_000
LEAST_PART_BYTES: Final = 5 * 1024 * 1024
"""Every part of an upload but the last has at least as many (Amazon S3 user guide, "multipart upload limits")."""
LAST_PART: Final = 10_000
"""The highest number of a part (the same source)."""


@dataclass(frozen=True)
class Entry:
    """An object in a listing.

    Attributes:
        key: its key.
        size_bytes: its size.
        modified: when it was last written, in seconds since the epoch, by the store's clock.
        tag: as of `ObjectState`; empty if it cannot be relied on.
    """

    key: str
    size_bytes: int
    modified: float
    tag: str = ""


@dataclass(frozen=True)
class ObjectState:
    """What can be said about an object without reading it.

    Attributes:
        size_bytes: its size.
        modified: when it was last written, in seconds since the epoch, by the store's clock.
        tag: opaque; another content has another tag, but the same content may have another tag too when it is written
            again. It is no version: `Store.replace` does not know it.
        is_strong: whether the tag can be relied on byte for byte; False while the object is so young that another
            write might have the same tag.
    """

    size_bytes: int
    modified: float
    tag: str
    is_strong: bool = True


@dataclass(frozen=True)
class UploadedPart:
    """A part that was added to an upload.

    Attributes:
        number: its number.
        tag: opaque; names just this content to the store, when the upload is finished.
        size_bytes: its size.
    """

    number: int
    tag: str
    size_bytes: int


class Upload(Protocol):
    """An object that is written in parts; it appears as a whole when it is finished, or never.

    Parts may be added in any order, and several at a time. A part that is added again replaces the one before, which
    must have been added completely by then. A call that raised `StoreDown` has added nothing; it may be repeated.
    """

    async def add(self, number: int, data: bytes) -> UploadedPart:
        """Write `data` as the part with this number, from 1 to `LAST_PART`.

        Raises:
            NotFound: the upload was taken up, and is no longer there.
        """

    async def finish(self) -> int:
        """Let the object appear, as its parts in the order of their numbers, which may have gaps.

        Returns:
            The object's size in bytes.

        Raises:
            ValueError: there is no part, or one that is not the last has less than `LEAST_PART_BYTES`.
            NotFound: the upload was taken up, and is no longer there.
            Conflict: a part of an upload that was taken up is gone, or another one.
        """


Keys: TypeAlias = list[str]  # the stores have a method called `list`
Entries: TypeAlias = list[Entry]
Contents: TypeAlias = list[bytes | None]


class Store(Protocol):
    """Objects by key. Keys are `/`-separated paths that both back ends can hold (`shared.store.key_rules`).

    Every method raises `StoreDown` when the store does not answer within its deadline, and `BadInput` for a key that
    the store cannot hold. A write that raised `StoreDown` may have happened; in the folder it happens within its
    deadline or not at all, and in S3 an unconditional one may still arrive later (see `S3Store`).

    A version is an opaque string that stands for an object's content: two objects with the same content may have the
    same version, so what is replaced is what the caller has read, byte for byte.
    """

    url: str
    """The store's address, without its secret."""

    async def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Store `data` under `key`, replacing what was there."""

    async def put_file(self, key: str, path: Path, *, content_type: str = "application/octet-stream") -> None:
        """Store the content of the file at `path` under `key`."""

    def upload(
        self, key: str, *, content_type: str = "application/octet-stream"
    ) -> AbstractAsyncContextManager[Upload]:
        """Store an object under `key` in parts, replacing what was there when the upload is finished.

        Leaving the context without `finish` removes what was written: one more call, under a deadline of its own, whose
        failure is logged and not raised. What a process that dies leaves behind is never part of an object, and an S3
        server removes it after a while (MinIO: a day; others need a lifecycle rule).
        """

    async def open_upload(self, key: str, *, content_type: str = "application/octet-stream") -> str:
        """Begin an upload that stays when this process ends: any process can take it up, and one has to end it.

        The store may forget it after a day.

        Returns:
            Its id.
        """

    def taken_up(self, key: str, upload_id: str, parts: Sequence[UploadedPart] = ()) -> Upload:
        """Go on with an upload of `open_upload`, as often as need be until it is finished.

        Args:
            key: of the object.
            upload_id: what `open_upload` returned.
            parts: those that were added before and shall be in the object.

        Raises:
            NotFound: the store has never given such an id.
        """

    async def abandon_upload(self, key: str, upload_id: str) -> None:
        """End an upload of `open_upload`, and remove what was written; no error if there is none."""

    async def create(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> str:
        """Store `data` under `key` if there is no object yet. Of several callers, one succeeds.

        Returns:
            The object's version.

        Raises:
            Conflict: there is an object already; it is left as it is.
        """

    async def replace(
        self, key: str, data: bytes, *, version: str, content_type: str = "application/octet-stream"
    ) -> str:
        """Store `data` under `key` over the object that is at `version`.

        Returns:
            The object's new version.

        Raises:
            Conflict: the object is at another version, or is gone; it is left as it is.
        """

    async def get_versioned(self, key: str) -> tuple[bytes, str]:
        """The object's content and its version.

        Raises:
            NotFound: there is none.
        """

    async def get(self, key: str) -> bytes:
        """The object's content.

        Raises:
            NotFound: there is none.
        """

    async def get_many(self, keys: Sequence[str]) -> Contents:
        """The contents of several small objects, in one call: most of what a small object costs is the call.

        Args:
            keys: of the objects; the deadline leaves time for `SMALL_OBJECT_BYTES` of each.

        Returns:
            One for each key; None where there is no object.
        """

    async def get_range(self, key: str, start: int, length: int, *, tag: str | None = None) -> bytes:
        """At most `length` bytes from offset `start`; fewer at the object's end.

        Args:
            key: of the object.
            start: offset in bytes.
            length: in bytes.
            tag: what `state` gave; read only if the object is still the same.

        Raises:
            NotFound: there is no such object.
            Conflict: the object has another tag by now.
        """

    async def state(self, key: str) -> ObjectState | None:
        """The object's size, age and tag, without reading it; None if there is none."""

    async def get_file(self, key: str, path: Path) -> None:
        """Write the object's content to `path`; the file appears only when it is complete.

        Raises:
            NotFound: there is no such object.
        """

    def link(self, key: str, *, seconds: int, content_type: str, disposition: str) -> str | None:
        """An address from which anyone who has it can read the object for a while; None: the store has no such thing.

        Args:
            key: of the object, which need not exist.
            seconds: how long it works.
            content_type: the response's.
            disposition: the response's `Content-Disposition`.
        """

    async def size(self, key: str) -> int | None:
        """The object's size in bytes, or None if there is none."""

    async def exists(self, key: str) -> bool:
        """Whether there is an object under `key`."""

    def list(self, prefix: str) -> AsyncIterator[str]:
        """Every key that begins with `prefix`, in order."""

    async def page(self, prefix: str, *, after: str = "", limit: int = PAGE) -> Keys:
        """At most `limit` keys that begin with `prefix` and come after the key `after`, in order, in one call."""

    async def entries(self, prefix: str, *, after: str = "", limit: int = PAGE) -> Entries:
        """As `page`, with the size and age of each object."""

    async def folders(self, prefix: str, *, after: str = "", limit: int = PAGE) -> Keys:
        """The names of the folders directly below `prefix`, without their contents, in one call.

        Args:
            prefix: empty, or ends in `/`.
            after: the last name of the previous page.
            limit: maximum number of names.

        Returns:
            Names without `/`, in the order of their keys: `a-b` comes before `a`, since `-` sorts before `/`.
        """

    async def delete(self, key: str) -> None:
        """Remove the object; no error if there is none."""

    async def ping(self) -> None:
        """Return if the store answers; create its bucket or folder if it is missing."""


def open_store(settings: Settings) -> Store:
    """The store that the settings name; not connected yet.

    Raises:
        Misconfigured: the URL has no supported form.
    """
    url = settings.store_url or (settings.state_dir.expanduser() / "store").resolve().as_uri()
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path not in {"", "/"}:
        from shared.store.folder import FileStore  # noqa: PLC0415 - only the adapter that is used is loaded

        return FileStore(Path(unquote(parts.path)), deadline_seconds=settings.store_deadline_seconds)
    bucket = parts.path.strip("/")
    if parts.scheme == "s3" and parts.hostname and bucket and "/" not in bucket:
        from shared.store.s3 import S3Store  # noqa: PLC0415 - the SDK takes half a second to load

        return S3Store(
            endpoint=parts.hostname + (f":{parts.port}" if parts.port else ""),
            access_key=unquote(parts.username or ""),
            secret_key=unquote(parts.password or ""),
            bucket=bucket,
            secure=parse_qs(parts.query).get("secure", ["true"])[-1].lower() not in {"false", "0", "no"},
            connect_timeout_seconds=settings.connect_timeout_seconds,
            deadline_seconds=settings.store_deadline_seconds,
            ca=settings.ca,
        )
    raise Misconfigured(
        f"PODCAST_STORE_URL is {parts.scheme or 'no'}://… and cannot be used.",
        hint="Use s3://KEY:SECRET@HOST:PORT/BUCKET?secure=false or file:///DIR.",
    )
