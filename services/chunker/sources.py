"""Gets a source (inline text, object, address) and reads it into a document; the same for a job and for a preview."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

from services.chunker.documents.packed import Picture
from services.chunker.documents.reading import Packed, read_packed
from shared.deadlines import in_thread
from shared.errors import BadSource, NotFound, Permanent, TooLarge
from shared.fetching.fetching import fetch
from shared.protocol.messages import Source, SourceFormat, TextSource, UrlSource
from shared.protocol.narration import Narration
from shared.settings import Settings
from shared.store.port import Store
from shared.tracing import http_calls

_OWN_SHARE_OF_DEADLINE = 0.9
"""The handler ends a little before its deadline, with an error that names the step that took too long."""


def time_left(settings: Settings) -> Callable[[], float]:
    """A function that says how many seconds are left of a handler's time, which begins now."""
    end = time.monotonic() + settings.chunker_deadline_seconds * _OWN_SHARE_OF_DEADLINE
    return lambda: max(0.0, end - time.monotonic())


async def read_source(
    source: Source,
    *,
    store: Store,
    settings: Settings,
    left_seconds: Callable[[], float],
    narration: Narration,
    content_sha256: str = "",
) -> tuple[Packed, str]:
    """Get a source and read it.

    Args:
        source: of a job or a preview.
        store: where an object is.
        settings: limits, and what may be fetched.
        left_seconds: how much time there is.
        narration: what is read of it.
        content_sha256: of the object; "" if that is not known.

    Returns:
        The document, and its name for want of a better title.

    Raises:
        BadSource: it cannot be read.
        TooLarge: it is over a limit.
        Permanent: the object is not the one that was meant.
        Transient: a server failed or a deadline passed.
    """
    got = await _bytes_of(source, store, settings)
    if content_sha256 and await in_thread(lambda: hashlib.sha256(got.data).hexdigest()) != content_sha256:
        # Not the document's fault, so not an answer either: somebody wants this one's answer stored as another's.
        raise Permanent("The document in the store is not the one that was asked about.")
    document = await read_packed(
        got.data,
        format=got.format,
        name=got.name,
        content_type=got.content_type,
        narration=narration,
        deadline_seconds=left_seconds(),
    )
    if document.characters > settings.text_limit_characters:
        raise TooLarge(
            f"The text has {document.characters:,} characters; {settings.text_limit_characters:,} are the limit.",
            hint="Split it into several jobs, or raise PODCAST_TEXT_LIMIT_CHARACTERS.",
        )
    return replace(document, picture=_reachable(document.picture, got)), got.title_name


@dataclass(frozen=True, slots=True)
class _Bytes:
    data: bytes
    format: SourceFormat | None
    name: str
    title_name: str
    content_type: str = ""
    address: str = ""


def _reachable(picture: Picture | None, source: _Bytes) -> Picture | None:
    """The picture, with its whole address. A document that a client has sent has nothing fetched, whatever it names."""
    if picture is None or not picture.address:
        return picture
    try:
        address = urljoin(source.address, picture.address) if source.address else ""
    except ValueError:
        address = ""
    return replace(picture, address=address) if address else None


async def _bytes_of(source: Source, store: Store, settings: Settings) -> _Bytes:
    if isinstance(source, TextSource):
        return _Bytes(source.text.encode(), source.format, name="", title_name="")
    if isinstance(source, UrlSource):
        with http_calls.calling("GET", str(source.url)):
            fetched = await fetch(
                str(source.url),
                limit_bytes=settings.source_limit_bytes,
                deadline_seconds=settings.fetch_deadline_seconds,
                connect_timeout_seconds=settings.connect_timeout_seconds,
                allowed=settings.fetch_allowed,
            )
        parts = urlsplit(fetched.final_url)
        name = PurePosixPath(unquote(parts.path)).name
        return _Bytes(
            fetched.data, source.format, name, name or parts.hostname or "", fetched.content_type, fetched.final_url
        )
    size = await store.size(source.key)
    if size is None:
        raise _missing(source.key)
    if size > settings.source_limit_bytes:
        raise TooLarge(
            f"The source has {size / 1e6:,.1f} MB; {settings.source_limit_bytes / 1e6:,.1f} MB are the limit.",
            hint="Split it into several documents, or raise PODCAST_SOURCE_LIMIT_BYTES.",
        )
    name = source.name or PurePosixPath(source.key).name
    try:
        return _Bytes(await store.get(source.key), source.format, name, name)
    except NotFound as error:
        raise _missing(source.key) from error


def _missing(key: str) -> BadSource:
    return BadSource(f"The source {key} is not in the store.", hint="Store the document before the job is sent.")
