"""Answers: which object of the store a request for a job's file means, and under which name it is sent."""

from __future__ import annotations

from typing import Final

from services.gateway.download_names import MEDIA_TYPES, UNKNOWN, disposition, download_name
from services.gateway.episode_errors import FileLost, NoSuchFile, NotCompleted
from services.gateway.stored_file import StoredObject
from shared.client import watching
from shared.client.fetching import KIND
from shared.client.submission import AUDIO_FORMATS
from shared.errors import NotFound
from shared.protocol.messages import JobStatus
from shared.store import job_manifest, job_request, keys
from shared.store.port import Store

_COVER: Final = "cover"
_PICTURES: Final = {b"\xff\xd8\xff": ("image/jpeg", "jpg"), b"\x89PNG\r\n\x1a\n": ("image/png", "png")}
_MARK_BYTES: Final = 8


async def episode(store: Store, job_id: str, audio_format: str | None, *, is_attachment: bool) -> StoredObject:
    """The episode in a format; None: in the first that the job made.

    Raises:
        NotFound: there is no such job.
        NotCompleted: it has no files, or not yet.
        NoSuchFile: it was not made in this format.
        FileLost: its status names what is not its own.
    """
    status = await _completed(store, job_id)
    kind = audio_format or next((kind for kind in status.files if kind in AUDIO_FORMATS), "")
    return await _file(store, status, kind, is_attachment=is_attachment)


async def file(store: Store, job_id: str, kind: str, *, is_attachment: bool) -> StoredObject:
    """A job's file of some kind.

    Raises:
        NotFound: there is no such job.
        NotCompleted: it has no files, or not yet.
        NoSuchFile: it has none of this kind.
        FileLost: its status names what is not its own.
    """
    return await _file(store, await _completed(store, job_id), kind, is_attachment=is_attachment)


async def manifest(store: Store, job_id: str, *, is_attachment: bool) -> StoredObject:
    """A job's manifest, as it was corrected; it is there before the job is completed.

    Raises:
        NotFound: there is no such job.
        NotCompleted: its source has not been read.
    """
    status = await _known(store, job_id)
    key = await job_manifest.key_of(store, job_id)
    if key is None:
        raise NotCompleted(f"Job {job_id} is {status.state}: it has no manifest.", hint=_hint(status))
    return _named(status, key, "manifest", is_attachment=is_attachment)


async def _known(store: Store, job_id: str) -> JobStatus:
    status = await watching.look(store, job_id)
    if status is None:
        raise NotFound(f"There is no job {job_id}.", hint="`GET /v1/jobs` lists all jobs.")
    return status


async def _completed(store: Store, job_id: str) -> JobStatus:
    status = await _known(store, job_id)
    if status.state != "completed":
        raise NotCompleted(f"Job {job_id} is {status.state}.", hint=_hint(status))
    return status


def _hint(status: JobStatus) -> str:
    if status.state in {"failed", "cancelled"}:
        return f"`POST /v1/jobs/{status.job_id}/retry` opens it again."
    return f"`GET /v1/jobs/{status.job_id}/events` tells when that changes."


async def _file(store: Store, status: JobStatus, kind: str, *, is_attachment: bool) -> StoredObject:
    key = status.files.get(kind)
    if key is None and kind == _COVER:
        key = await _cover_key(store, status.job_id)
    if key is None:
        has = [name for name in status.files if KIND.fullmatch(name)]
        if _COVER not in has and await _cover_key(store, status.job_id):
            has.append(_COVER)
        raise NoSuchFile(
            f"Job {status.job_id} has no {kind or 'audio'}.", hint=f"It has {', '.join(has)}." if has else ""
        )
    if not key.startswith(keys.job(status.job_id)) or ".." in key.split("/"):
        # Otherwise anyone who can write a status could have any object copied out of the store.
        raise FileLost(f"The status of job {status.job_id} names a file of another job.")
    if kind == _COVER:
        return await _picture(store, status, key, is_attachment=is_attachment)
    return _named(status, key, kind, is_attachment=is_attachment)


def _named(status: JobStatus, key: str, kind: str, *, is_attachment: bool) -> StoredObject:
    media_type = MEDIA_TYPES.get(kind)
    name = download_name(status.title, status.author, "manifest.json" if kind == "manifest" else kind)
    # What nobody has said how to show is saved: a browser must not run it as a page of this origin.
    return StoredObject(key, media_type or UNKNOWN, disposition(name, is_attachment=is_attachment or not media_type))


async def _cover_key(store: Store, job_id: str) -> str | None:
    """The picture that the client has named, else the one that was found in the source."""
    request = await job_request.readable(store, job_id)
    if request is None:
        return None
    found = keys.cover(job_id)
    return request.cover or (found if await store.exists(found) else None)


async def _picture(store: Store, status: JobStatus, key: str, *, is_attachment: bool) -> StoredObject:
    """The cover, which a client may have named: only if it is a picture."""
    try:
        mark = await store.get_range(key, 0, _MARK_BYTES)
    except NotFound as error:
        raise FileLost(f"The cover of job {status.job_id} is no longer in the store.") from error
    for begins, (media_type, suffix) in _PICTURES.items():
        if mark.startswith(begins):
            name = download_name(status.title, status.author, suffix)
            return StoredObject(key, media_type, disposition(name, is_attachment=is_attachment))
    raise NoSuchFile(f"The cover of job {status.job_id} is neither JPEG nor PNG.")
