"""Asks what a job would speak: stores the document, publishes preview.requested, and finds the answer in the store.

A preview is derived: its id is a digest of the document and the options, so whoever asks the same gets the same object,
and only the first one asks the chunker. An address is read again after a minute, since the page may change.

Previews wait in the same queue as jobs, in order. So that they cannot keep jobs waiting, only a few may wait at a time
(markers below `previews/waiting/` say how many), and one that was not begun within ten minutes is given up.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from pydantic import ValidationError

from shared.client import documents, show_defaults, submission
from shared.client.documents import Content
from shared.client.submission import Draft
from shared.concurrency import gathered
from shared.deadlines import in_thread
from shared.errors import Conflict, NotFound, Outage
from shared.protocol.manifest import CUTTING_VERSION
from shared.protocol.messages import Message, ObjectSource, PreviewRequested, UrlSource
from shared.protocol.preview import REFUSAL_LIMIT_BYTES, PreviewRefused, read_outcome
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store

WAITING_SECONDS: Final = 600.0
"""A preview that has not been begun after this time is given up."""
_AGAIN_SECONDS: Final = 30.0
"""Whoever asked may have been killed before it could publish: after this time the next one publishes again."""
_SAME_PAGE_SECONDS: Final = 60
_RETRY_AFTER_SECONDS: Final = 5.0
_LOOKS_AT_A_TIME: Final = 16


class PreviewsBusy(Outage):
    """Too many previews are waiting already; jobs come first."""


class PreviewShareTaken(PreviewsBusy):
    """One client has as many previews waiting as it may, so that others can have some too."""


@dataclass(frozen=True)
class PreviewDraft:
    """A preview that is ready to be asked for: the request, and the objects that it names."""

    request: PreviewRequested
    uploads: dict[str, Content]


@dataclass(frozen=True)
class FoundPreview:
    """What the store has of a preview.

    Attributes:
        refused: why there is none; None: it can be read under `keys.preview`.
    """

    refused: PreviewRefused | None


async def draft_with_show(job: Draft, store: Store, settings: Settings) -> PreviewDraft:
    """The same as `draft`, with what the job's show says.

    Raises:
        NoSuchShow: it names a show that does not exist.
        StoreDown: the store does not answer.
    """
    asked = await show_defaults.spoken(store, job.request)
    return await in_thread(lambda: draft(replace(job, request=asked), settings))


def draft(job: Draft, settings: Settings) -> PreviewDraft:
    """The preview of a job that could be submitted. Reads all of a file, for its digest."""
    asked, source = job.request, job.request.source
    content: Content = b""
    name = ""
    if isinstance(source, ObjectSource):
        content, name = job.uploads[source.key], source.key.rpartition("/")[2]
    request = PreviewRequested.model_construct(
        preview_id="",
        source=source,
        content_sha256=_sha256(content) if content else "",
        title=asked.title,
        author=asked.author,
        language=asked.language,
        voice=asked.voice,
        model=asked.model,
        speed=asked.speed,
        pauses=asked.pauses,
        narration=asked.narration,
        read_in=int(time.time() // _SAME_PAGE_SECONDS) if isinstance(source, UrlSource) else 0,
        cut_by=f"{settings.chunk_limit_characters} {settings.chunk_target_characters} {CUTTING_VERSION}",
        expires_at=time.time() + WAITING_SECONDS,
    )
    preview_id = request.own_id()
    own: dict[str, object] = {"preview_id": preview_id}
    uploads: dict[str, Content] = {}
    if isinstance(source, ObjectSource):
        key = keys.preview_source(preview_id, name)
        own["source"] = source.model_copy(update={"key": key})
        uploads[key] = content
    return PreviewDraft(request.model_copy(update=own), uploads)


def _sha256(content: Content) -> str:
    with documents.opened(content) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def answer(store: Store, preview_id: str) -> FoundPreview | None:
    """What the store has of a preview; None if it is not there (yet).

    Raises:
        StoreDown: the store does not answer.
    """
    key = keys.preview(preview_id)
    size_bytes = await store.size(key)
    if size_bytes is None:
        return None
    if size_bytes > REFUSAL_LIMIT_BYTES:
        return FoundPreview(None)
    try:
        outcome = read_outcome(await store.get(key))
    except (NotFound, ValidationError):
        return None
    return FoundPreview(outcome if isinstance(outcome, PreviewRefused) else None)


async def is_waiting(store: Store, preview_id: str) -> bool:
    """Whether somebody asked for the preview a short while ago.

    Raises:
        StoreDown: the store does not answer.
    """
    marker = await store.state(keys.preview_waiting(preview_id))
    return marker is not None and time.time() - marker.modified < WAITING_SECONDS


async def ask(
    preview: PreviewDraft,
    *,
    store: Store,
    publish: Callable[[Message], Awaitable[None]],
    waiting_limit: int,
    owner: str = "",
    owner_limit: int | None = None,
) -> None:
    """Ask for a preview, unless somebody has just done so; returns when the broker has confirmed it.

    Args:
        preview: what is asked for.
        store: where the document goes.
        publish: sends the message.
        waiting_limit: how many may wait, of all clients together.
        owner: who asks: the id of a key.
        owner_limit: how many of these may be the owner's; None: all.

    Raises:
        PreviewShareTaken: `owner_limit` of the owner's are waiting.
        PreviewsBusy: `waiting_limit` of them are waiting.
        StoreDown, BrokerDown: a server does not answer.
    """
    marker = keys.preview_waiting(preview.request.preview_id)
    known = await store.state(marker)
    if known is not None and time.time() - known.modified < _AGAIN_SECONDS:
        return
    if known is None:
        await _check_room(store, waiting_limit, owner, waiting_limit if owner_limit is None else owner_limit)
    for key, content in preview.uploads.items():
        await submission.upload(store, key, content)
    if known is None:
        try:
            await store.create(marker, owner.encode())
        except Conflict:
            return
    else:
        await store.put(marker, owner.encode())
    try:
        await publish(preview.request)
    except BaseException:
        await store.delete(marker)
        raise


async def _check_room(store: Store, limit: int, owner: str, owner_limit: int) -> None:
    """Count what is waiting; remove what nobody waits for any more."""
    now = time.time()
    waiting = await store.entries(keys.PREVIEWS_WAITING, limit=limit)
    for entry in waiting:
        if now - entry.modified > WAITING_SECONDS:
            await store.delete(entry.key)
            return  # there is room for one
    if len(waiting) >= limit:
        raise PreviewsBusy(
            f"{len(waiting)} previews are waiting already.",
            hint="Try again in a moment, or submit the job.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        )
    if len(waiting) < owner_limit:
        return
    owners = Counter[str]()

    async def read(key: str) -> None:
        with contextlib.suppress(NotFound):  # made meanwhile
            owners[(await store.get(key)).decode(errors="replace")] += 1

    await gathered(read, [entry.key for entry in waiting], at_a_time=_LOOKS_AT_A_TIME)
    if owners[owner] >= owner_limit:
        raise PreviewShareTaken(
            f"{owners[owner]} previews of this key are waiting already, of {limit} that may wait.",
            hint="Try again in a moment, or submit the job.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        )
