"""The records of a show's episodes: `shows/<show>/episodes/<episode>.json`.

The chunker announces an episode when it takes its first job, whichever door the job came through, and adds a job that
renders the episode again. A record says nothing of whether a job is completed: its status says that.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from shared.concurrency import gathered
from shared.errors import BadInput, Conflict, NotFound
from shared.protocol import reading
from shared.protocol.episode_of_show import EpisodeOfShow
from shared.protocol.messages import JobRequest
from shared.protocol.shows import RENDERINGS_LIMIT, EpisodeRecord
from shared.store import changing, keys, listing
from shared.store.port import Entry, Store
from shared.text import one_line

_OWN: Final = uuid.UUID("6c9f6a0e-7f0e-5b43-9d3e-3c2a1f0b8e51")
"""The namespace of guids that are derived from ids which clients have chosen."""
_READ_AT_A_TIME: Final = 32
_CHANGEABLE: Final = frozenset({"title", "number", "season", "type", "summary", "link", "is_hidden", "published_at"})


def guid_of(show_id: str, episode_id: str) -> str:
    """The guid of an episode that was given none: its id, if that is unique in the world; else derived from it."""
    try:
        return str(uuid.UUID(episode_id))
    except ValueError:
        return str(uuid.uuid5(_OWN, f"{show_id}/{episode_id}"))


async def announce(store: Store, request: JobRequest) -> None:
    """Record that a job renders an episode of its show; nothing happens if that is recorded, or it belongs to none.

    Raises:
        StoreDown: the store does not answer.
    """
    if request.show is None:
        return
    place = request.show
    key = keys.show_episode(place.show_id, place.episode_id or request.job_id)
    while True:
        try:
            await store.create(key, _document(_new(request, place)), content_type="application/json")
        except Conflict:
            pass
        else:
            return
        try:
            data, version = await store.get_versioned(key)
        except NotFound:
            continue
        after = _with_job(_read(data, key), request, place)
        if after is None:
            return
        try:
            await store.replace(key, _document(after), version=version, content_type="application/json")
        except Conflict:
            continue
        return


def _new(request: JobRequest, place: EpisodeOfShow) -> EpisodeRecord:
    episode_id = place.episode_id or request.job_id
    return EpisodeRecord(
        show_id=place.show_id,
        episode_id=episode_id,
        guid=place.guid or guid_of(place.show_id, episode_id),
        jobs=(request.job_id,),
        number=place.number,
        season=place.season,
        type=place.type,
        summary=place.summary,
        link=place.link,
        published_at=place.published_at,
        announced_at=time.time(),
    )


def _with_job(record: EpisodeRecord, request: JobRequest, place: EpisodeOfShow) -> EpisodeRecord | None:
    """The record with one more job, and with what that job says of the episode; None: it has the job already."""
    if request.job_id in record.jobs:
        return None
    said = {name: getattr(place, name) for name in ("number", "season", "summary", "link", "published_at")}
    return record.model_copy(
        update={
            "jobs": (*record.jobs, request.job_id)[-RENDERINGS_LIMIT:],
            **{name: value for name, value in said.items() if value is not None},
        }
    )


async def forget_job(store: Store, request: JobRequest) -> None:
    """A job was deleted: take it out of its episode's record, which goes with its last job.

    Raises:
        StoreDown: the store does not answer.
    """
    if request.show is None:
        return
    key = keys.show_episode(request.show.show_id, request.show.episode_id or request.job_id)
    while True:
        try:
            data, version = await store.get_versioned(key)
            record = _read(data, key)
        except (NotFound, BadInput):
            return
        left = tuple(job_id for job_id in record.jobs if job_id != request.job_id)
        if left == record.jobs:
            return
        if not left:
            await store.delete(key)
            return
        after = record.model_copy(update={"jobs": left})
        try:
            await store.replace(key, _document(after), version=version, content_type="application/json")
        except Conflict:
            continue
        return


async def entries(store: Store, show_id: str) -> list[Entry]:
    """All records of a show as they are listed, without reading them.

    Raises:
        StoreDown: the store does not answer.
    """
    return await listing.entries(store, keys.show_episodes(show_id))


async def read_all(store: Store, names: list[str]) -> list[EpisodeRecord]:
    """The records with these keys; those that are gone or cannot be read are left out.

    Raises:
        StoreDown: the store does not answer.
    """

    async def look(key: str) -> EpisodeRecord | None:
        try:
            return _read(await store.get(key), key)
        except (NotFound, BadInput):
            return None

    return [record for record in await gathered(look, names, at_a_time=_READ_AT_A_TIME) if record is not None]


async def find(store: Store, show_id: str, episode_id: str) -> EpisodeRecord:
    """The record of an episode.

    Raises:
        NotFound: there is none.
        BadInput: it cannot be read.
        StoreDown: the store does not answer.
    """
    return (await _versioned(store, show_id, episode_id))[0]


async def change(
    store: Store, show_id: str, episode_id: str, changed: Callable[[EpisodeRecord], EpisodeRecord]
) -> EpisodeRecord:
    """Change a record; `changed` is called again if somebody else has changed it meanwhile.

    Raises:
        NotFound, BadInput, StoreDown: as in `find`.
    """
    key = keys.show_episode(show_id, episode_id)
    return await changing.changed(store, key, lambda: _versioned(store, show_id, episode_id), changed)


def changed_record(record: EpisodeRecord, fields: Mapping[str, Any]) -> EpisodeRecord:
    """The record with other values in these fields.

    Raises:
        BadInput: a value cannot be used, or the field never changes.
    """
    if fixed := sorted(fields.keys() - _CHANGEABLE):
        raise BadInput(f"An episode's {fixed[0]} cannot be changed.")
    try:
        return EpisodeRecord.model_validate({**record.model_dump(mode="json"), **fields}, strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadInput(f"The episode's {first['loc'][0]} cannot be used: {first['msg']}.") from error


async def _versioned(store: Store, show_id: str, episode_id: str) -> tuple[EpisodeRecord, str]:
    key = keys.show_episode(show_id, episode_id)
    try:
        data, version = await store.get_versioned(key)
    except NotFound as error:
        raise NotFound(
            f"The show {one_line(show_id)} has no episode {one_line(episode_id)}.",
            hint=f"`podcast shows episodes {one_line(show_id)}` lists those it has.",
        ) from error
    return _read(data, key), version


def _read(data: bytes, key: str) -> EpisodeRecord:
    try:
        return reading.read(EpisodeRecord, data, strict=False)
    except ValidationError as error:
        raise BadInput(f"What the store has under {key} is no record of an episode.") from error


def _document(record: EpisodeRecord) -> bytes:
    return record.model_dump_json().encode()
