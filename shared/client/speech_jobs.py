"""One job for one text: the same text asked again joins the job that speaks it, or answers from what it has spoken.

A small object under a digest of all that decides the answer names the job. (The job's id is not derived itself: ids
are UUIDv7, so that listings sort by time, and a job that failed must not stand in the way of the next try.)
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from shared.client import submission, watching
from shared.client.deleting import Removed, delete_all, total
from shared.client.sources import Document
from shared.client.stored import read_versioned
from shared.client.submission import Order
from shared.errors import Conflict, StoreDown
from shared.protocol.manifest import PROCESSING_VERSION
from shared.protocol.messages import Frozen, JobId, Message, new_job_id
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Entry, Store

_YOUNG_SECONDS: Final = 3_600.0
_TRIES: Final = 5
"""Each lost race means that another client has made a job, which can be joined."""


class SpeechJob(Frozen):
    """Names the job that speaks a text."""

    job_id: JobId


def digest_of(text: str, order: Order, settings: Settings, *, owner: str) -> str:
    """What decides the answer: the text, what is asked of it, what speaks, and how it is split.

    Args:
        text: what is spoken.
        order: how.
        settings: engine, sample rate, lengths of chunks and pauses; after a change of these, a new job is made.
        owner: who asks; nobody joins another's job, since its id lets one cancel it.
    """
    wanted: list[Any] = [
        *(PROCESSING_VERSION, owner, hashlib.sha256(text.encode()).hexdigest()),
        *(order.language, order.voice, order.model, round(order.speed, 4), order.formats),
        *(settings.default_voice, settings.default_model, settings.engine_identity, settings.sample_rate),
        *(settings.chunk_target_characters, settings.chunk_limit_characters, settings.pauses.model_dump()),
    ]
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()


async def join(
    digest: str,
    order: Order,
    document: Document,
    *,
    store: Store,
    publish: Callable[[Message], Awaitable[None]],
    text_limit_characters: int,
) -> str:
    """The id of the job that speaks a text; it is submitted if there is none, or if the last one came to nothing.

    Args:
        digest: of the text and what is asked of it.
        order: what is asked; its job id is ignored.
        document: the text.
        store: where jobs are.
        publish: publishes a job.
        text_limit_characters: the longest text.

    Raises:
        BadInput: what is asked makes no sense.
        StoreDown, BrokerDown: a server does not answer.
    """
    key = keys.speech_job(digest)
    for _ in range(_TRIES):
        found = await read_versioned(store, key, SpeechJob)
        new = SpeechJob(job_id=new_job_id())
        data = new.model_dump_json().encode()
        try:
            if found is None:
                await store.create(key, data)
            elif found[0] is None or await _came_to_nothing(store, found[0]):
                await store.replace(key, data, version=found[1])
            else:
                new = found[0]
        except Conflict:
            continue
        draft = submission.draft(
            replace(order, job_id=new.job_id), document, text_limit_characters=text_limit_characters
        )
        # Also for a job that was found: whoever named it may have been killed before it was submitted.
        await submission.hand_over(draft, store=store, publish=publish)
        return new.job_id
    raise StoreDown("Too many clients ask for the same text at the same moment.", hint="Try again in a moment.")


async def forget(store: Store, digest: str) -> None:
    """Let the same text asked again make a new job, which has spoken what the store has lost."""
    await store.delete(keys.speech_job(digest))


async def _came_to_nothing(store: Store, job: SpeechJob) -> bool:
    try:
        status = await watching.look(store, job.job_id)
    except watching.UnreadableJob:
        return True
    if status is None:
        return await store.exists(keys.deleted(job.job_id))
    return status.state in {"failed", "cancelled"}


async def sweep(store: Store, *, without: frozenset[str] = frozenset(), dry_run: bool = False) -> Removed:
    """Remove the names of jobs that do not exist any more.

    Args:
        store: where they are.
        without: ids of jobs to treat as deleted.
        dry_run: remove nothing.
    """
    removed = Removed()
    after = ""
    while page := await store.entries(keys.SPEECH_JOBS, after=after):
        after = page[-1].key
        doomed: list[Entry] = []
        for entry in page:
            if entry.modified > time.time() - _YOUNG_SECONDS:
                continue  # its job may not be submitted yet
            found = await read_versioned(store, entry.key, SpeechJob)
            job = found[0] if found is not None else None
            if job is None or job.job_id in without or not await store.exists(keys.request(job.job_id)):
                doomed.append(entry)
        if not dry_run:
            await delete_all(store, [entry.key for entry in doomed])
        removed += total(doomed)
    return removed
