"""The object store: a port with two adapters, chosen by `PODCAST_STORE_URL`.

`s3://KEY:SECRET@HOST:PORT/BUCKET?secure=false` is MinIO and anything else that speaks S3; `file:///DIR` is a folder on
this machine. Every call has an overall deadline, runs off the event loop, and either has happened whole or not at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from shared.errors import Misconfigured
from shared.settings import Settings


class Store(Protocol):
    """Objects by key. Keys are `/`-separated paths without `..`.

    Every method raises `StoreDown` when the store does not answer within its deadline.
    """

    url: str
    """The store's address, without its secret."""

    async def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Store `data` under `key`, replacing what was there."""

    async def put_file(self, key: str, path: Path, *, content_type: str = "application/octet-stream") -> None:
        """Store the content of the file at `path` under `key`."""

    async def get(self, key: str) -> bytes:
        """The object's content.

        Raises:
            NotFound: there is none.
        """

    async def get_range(self, key: str, start: int, length: int) -> bytes:
        """At most `length` bytes from offset `start`; fewer at the object's end.

        Raises:
            NotFound: there is no such object.
        """

    async def get_file(self, key: str, path: Path) -> None:
        """Write the object's content to `path`, which appears only when it is whole.

        Raises:
            NotFound: there is no such object.
        """

    async def size(self, key: str) -> int | None:
        """The object's size in bytes, or None if there is none."""

    async def exists(self, key: str) -> bool:
        """Whether there is an object under `key`."""

    def list(self, prefix: str) -> AsyncIterator[str]:
        """Every key that begins with `prefix`, in order."""

    async def delete(self, key: str) -> None:
        """Remove the object; no error if there is none."""

    async def ping(self) -> None:
        """Return if the store answers; make its bucket or folder if it is missing."""


def open_store(settings: Settings) -> Store:
    """The store that the settings name. Nothing is connected yet.

    Raises:
        Misconfigured: the URL is of no known kind.
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
        )
    raise Misconfigured(
        f"PODCAST_STORE_URL is {parts.scheme or 'no'}://… and cannot be used.",
        hint="Use s3://KEY:SECRET@HOST:PORT/BUCKET?secure=false or file:///DIR.",
    )
