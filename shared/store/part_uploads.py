"""Ends the uploads of episodes that were joined while they were spoken; their ids are objects beside the parts."""

from __future__ import annotations

from collections.abc import Collection
from typing import get_args

import structlog

from shared.errors import NotFound, PodcastError
from shared.protocol.messages import AudioFormat
from shared.store import keys
from shared.store.port import Store

log = structlog.get_logger(__name__)


def id_in(content: bytes) -> str:
    """The id that such an object holds; if it is damaged, one that no store has given."""
    return content.decode(errors="replace")


async def abandon(store: Store, job_id: str, audio_format: str) -> None:
    """End the upload of an episode that was begun while it was spoken, if there is one, and remove its parts."""
    key = keys.part_upload(job_id, audio_format)
    try:
        upload = id_in(await store.get(key))
    except NotFound:
        return
    await store.abandon_upload(keys.episode(job_id, audio_format), upload)
    await store.delete(key)


async def abandon_all(store: Store, job_id: str, found: Collection[str]) -> None:
    """End the uploads of a job that is removed. If that fails, the store's own expiry ends them.

    Args:
        store: where they are.
        job_id: of the job.
        found: the keys of its objects.
    """
    for audio_format in get_args(AudioFormat):
        if keys.part_upload(job_id, audio_format) in found:
            try:
                await abandon(store, job_id, audio_format)
            except PodcastError as error:
                log.warning("upload left open", job=job_id, format=audio_format, reason=str(error))
