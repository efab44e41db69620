"""A corrected chunk belongs to its job alone: it gets a key of its own, which is recorded before anything is sent.

The record is a second manifest beside the chunker's (`corrected.json`), so everybody who reads the job's manifest sees
the corrected text and where its audio will be: the coordinator, the assembler with its captions, whoever looks at the
chunks. Without it, the corrected text would be stored as the audio of the original, and the next job with the original
paragraph would get it.

The key is derived from what is corrected, so a replay that was broken off can be repeated.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from pydantic import ValidationError

from shared.deadlines import in_thread
from shared.errors import BadInput, Conflict, NotFound
from shared.protocol.manifest import Manifest, correction_key
from shared.protocol.messages import ChunkRequested, JobRequest, JobStatus
from shared.protocol.reading import read
from shared.store import job_request, keys
from shared.store.port import Store

_AS_IT_IS: Final = "Replay the dead letter as it is, or discard it."


async def corrected(store: Store, letter: ChunkRequested, edited: ChunkRequested) -> ChunkRequested:
    """The message to send in place of a dead letter; what it changes is in the store when this returns.

    Args:
        store: where the job is.
        letter: what died.
        edited: what an operator wants to have spoken instead; about the same chunk, under the same key.

    Returns:
        `edited` under a key of its own, or as it is if nothing in it differs from the dead letter.

    Raises:
        BadInput: the job is completed, or is not one whose chunk this is; nothing was changed.
        Conflict: somebody else has corrected the job at the same moment.
        StoreDown: the store does not answer.
    """
    if edited == letter:
        return letter
    job_id = letter.job_id
    await _not_completed(store, job_id)
    made = await _stored(store, keys.manifest(job_id))
    if made is None:
        raise BadInput(f"There is no chunk to correct: job {job_id} has no manifest in the store.", hint=_AS_IT_IS)
    manifest, version = await _stored(store, keys.corrected_manifest(job_id)) or (made[0], None)
    _is_of_the_job(letter, made[0], manifest)
    edited = edited.model_copy(update={"audio_key": correction_key(edited)})
    if manifest.chunks[edited.index].audio_key != edited.audio_key:
        await _write(store, manifest.corrected(edited), version)
    return edited


async def request_counts(store: Store, edited: JobRequest) -> None:
    """Refuse an edited request for a job whose first request is in the store: that one counts, so nothing would change.

    Raises:
        BadInput: there is another request.
        StoreDown: the store does not answer.
    """
    stored = await job_request.readable(store, edited.job_id)
    if stored is not None and stored != edited:
        raise BadInput(
            f"Job {edited.job_id} was asked for already, and its first request counts.",
            hint="Submit what is correct as a new job, and discard the dead letter.",
        )


async def _not_completed(store: Store, job_id: str) -> None:
    try:
        status = read(JobStatus, await store.get(keys.status(job_id)), strict=False)
    except NotFound:
        raise BadInput(f"There is no chunk to correct: there is no job {job_id}.", hint=_AS_IT_IS) from None
    except ValidationError as error:
        raise BadInput(f"The status of job {job_id} cannot be read.", hint=_AS_IT_IS) from error
    if status.state == "completed":
        raise BadInput(f"Job {job_id} has its episode already: a correction would change nothing.", hint=_AS_IT_IS)


async def _stored(store: Store, key: str) -> tuple[Manifest, str] | None:
    try:
        data, version = await store.get_versioned(key)
        return await in_thread(partial(read, Manifest, data, strict=False)), version
    except NotFound:
        return None
    except ValidationError as error:
        raise BadInput(f"{key} cannot be read, so no chunk of it can be corrected.", hint=_AS_IT_IS) from error


def _is_of_the_job(letter: ChunkRequested, made: Manifest, manifest: Manifest) -> None:
    """Refuse a dead letter that the job would never have sent: anyone may have put it there."""
    if letter.index < len(made.chunks) and letter.audio_key in {
        made.chunks[letter.index].audio_key,
        manifest.chunks[letter.index].audio_key,
        correction_key(letter),  # of an earlier correction
    }:
        return
    raise BadInput(f"Job {letter.job_id} has not asked for this chunk, so it cannot be corrected.", hint=_AS_IT_IS)


async def _write(store: Store, manifest: Manifest, version: str | None) -> None:
    key = keys.corrected_manifest(manifest.job_id)
    data = await in_thread(lambda: manifest.model_dump_json().encode())
    try:
        if version is None:
            await store.create(key, data, content_type="application/json")
        else:
            await store.replace(key, data, version=version, content_type="application/json")
    except Conflict as error:
        raise Conflict(
            f"Somebody else corrects job {manifest.job_id} at this moment.", hint="Replay the dead letter again."
        ) from error
