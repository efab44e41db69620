"""Consumes `preview.requested`; stores `previews/<id>/preview.json` and publishes nothing. An idempotent receiver.

The same steps as for a job, up to the manifest. What is wrong with the document is an answer and no dead letter:
whoever asked gets it, and an operator has nothing to do. An outage of our own servers is retried, like anywhere.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final, get_args

import structlog
from pydantic import ValidationError

from services.chunker import covers, listed_voices, metrics, preview_documents
from services.chunker.sources import read_source, time_left
from shared.addresses import scrub
from shared.errors import BadInput, NotFound, Outage, PodcastError, Transient
from shared.protocol.messages import ObjectSource, PreviewRequested
from shared.protocol.preview import REFUSAL_LIMIT_BYTES, PreviewRefused, RefusalKind, read_outcome
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store
from shared.workers.documents import in_worker

log = structlog.get_logger(__name__)

_KINDS: Final[tuple[RefusalKind, ...]] = get_args(RefusalKind)


async def make_preview(asked: PreviewRequested, *, store: Store, settings: Settings) -> None:
    """Read a source and store what would be spoken, or why it cannot be read.

    Raises:
        Outage: a server of ours is down; the message waits.
    """
    started = time.monotonic()
    key = keys.preview(asked.preview_id)
    if not await _is_answered(key, store):
        outcome = await _outcome(asked, store=store, settings=settings)
        await store.put(key, outcome, content_type="application/json")
        if isinstance(asked.source, ObjectSource):
            await store.delete(asked.source.key)  # whoever asks again sends it again
        log.info("preview stored", preview=asked.preview_id, seconds=round(time.monotonic() - started, 1))
    await store.delete(keys.preview_waiting(asked.preview_id))


async def _is_answered(key: str, store: Store) -> bool:
    """Whether there is an answer that another try would not change."""
    size_bytes = await store.size(key)
    if size_bytes is None:
        return False
    if size_bytes > REFUSAL_LIMIT_BYTES:
        return True
    try:
        outcome = read_outcome(await store.get(key))
    except (NotFound, ValidationError):
        return False
    return not (isinstance(outcome, PreviewRefused) and outcome.is_temporary)


async def _outcome(asked: PreviewRequested, *, store: Store, settings: Settings) -> bytes:
    if time.time() > asked.expires_at:
        return _refusal(asked, "Busy", "Nobody came to read the document in time.", "Try again.")
    if isinstance(asked.source, ObjectSource) and not await store.exists(asked.source.key):
        return _refusal(asked, "Transient", "The document is not in the store any more.", "Send it again.")
    left_seconds = time_left(settings)
    try:
        packed, name = await read_source(
            asked.source,
            store=store,
            settings=settings,
            left_seconds=left_seconds,
            narration=asked.narration,
            content_sha256=asked.content_sha256,
        )
        cover = await covers.of_source(
            packed.picture, wanted=asked.narration.cover, settings=settings, left_seconds=left_seconds
        )
        packed = replace(packed, picture=None)
        voices = await listed_voices.read_list(store, settings)
        made = await in_worker(
            "Splitting the text",
            left_seconds(),
            preview_documents.build,
            asked,
            packed,
            settings,
            name=name,
            voices=voices,
            warnings=cover.warnings,
        )
    except Outage:
        raise
    except (BadInput, Transient) as error:
        return _refusal(asked, _kind(error), error.message, error.hint)
    metrics.PREVIEWS.labels("made").inc()
    return made


def _kind(error: PodcastError) -> RefusalKind:
    """The first of the error's classes that a refusal can name."""
    names = [base.__name__ for base in type(error).__mro__]
    return next(kind for name in names for kind in _KINDS if kind == name)


def _refusal(asked: PreviewRequested, kind: RefusalKind, message: str, hint: str) -> bytes:
    metrics.PREVIEWS.labels("refused").inc()
    refused = PreviewRefused(
        preview_id=asked.preview_id, made_at=time.time(), kind=kind, message=scrub(message), hint=hint
    )
    return refused.model_dump_json().encode()
