"""What a job takes from its show, when it is submitted: from then on it means the same, however the show changes."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from shared.client import shows
from shared.errors import BadInput, NotFound
from shared.protocol.messages import JobRequest
from shared.protocol.narration import FRAME_LIMIT_CHARACTERS, PRONUNCIATIONS_LIMIT, Narration
from shared.protocol.shows import Show
from shared.store import keys
from shared.store.port import Store

_TAKEN: Final = ("voice", "model", "loudness", "formats")
_DEFAULTS: Final = JobRequest.model_fields
_COVER: Final = "show-cover-"


class NoSuchShow(BadInput):
    """A job names a show that does not exist."""


def is_of_the_show(key: str) -> bool:
    """Whether this cover of a job is a copy of its show's, as it was when the job was submitted."""
    return key.rpartition("/")[2].startswith(_COVER)


async def applied(store: Store, request: JobRequest) -> tuple[JobRequest, dict[str, bytes]]:
    """The request with what its show says where it has a default, and the objects that it then names.

    Raises:
        NoSuchShow: there is no such show.
        StoreDown: the store does not answer.
    """
    show = await _show(store, request)
    if show is None:
        return request, {}
    update = of_show(show, request)
    uploads: dict[str, bytes] = {}
    if request.cover is None and show.cover is not None:
        picture = await _picture(store, show.cover)
        if picture is not None:
            name = f"{_COVER}{hashlib.sha256(picture).hexdigest()[:16]}.{show.cover.rpartition('.')[2]}"
            update["cover"] = keys.source(request.job_id, name)
            uploads[update["cover"]] = picture
    return request.model_copy(update=update), uploads


async def spoken(store: Store, request: JobRequest) -> JobRequest:
    """The same as `applied`, but without the cover: what a preview needs.

    Raises:
        NoSuchShow: there is no such show.
        StoreDown: the store does not answer.
    """
    show = await _show(store, request)
    return request if show is None else request.model_copy(update=of_show(show, request))


async def _show(store: Store, request: JobRequest) -> Show | None:
    if request.show is None:
        return None
    try:
        return await shows.find(store, request.show.show_id)
    except NotFound as error:
        raise NoSuchShow(
            f"There is no show {request.show.show_id}.",
            hint=f"`podcast shows create {request.show.show_id}` makes it, `podcast shows list` lists the others.",
        ) from error


def of_show(show: Show, request: JobRequest) -> dict[str, Any]:
    """The fields of the request that the show decides; pure."""
    update: dict[str, Any] = {
        name: getattr(show, name) for name in _TAKEN if getattr(request, name) == _DEFAULTS[name].default
    }
    update["language"] = request.language or show.language
    update["author"] = request.author or show.author or None
    update["metadata"] = {"album": show.title, **request.metadata}
    number = "" if request.show is None or request.show.number is None else str(request.show.number)
    update["narration"] = _narration(show, request.narration, number)
    return update


def _narration(show: Show, own: Narration, number: str) -> Narration:
    own_words = {entry.word for entry in own.lexicon}
    lexicon = (*own.lexicon, *(entry for entry in show.lexicon if entry.word not in own_words))
    return own.model_copy(
        update={
            "intro": own.intro or _frame(show.intro, show, number),
            "outro": own.outro or _frame(show.outro, show, number),
            "lexicon": lexicon[:PRONUNCIATIONS_LIMIT],
            "voices": {**show.voices, **own.voices},
        }
    )


def _frame(text: str | None, show: Show, number: str) -> str | None:
    made = (text or "").replace("{show}", show.title).replace("{number}", number)
    return made[:FRAME_LIMIT_CHARACTERS].strip() or None


async def _picture(store: Store, key: str) -> bytes | None:
    try:
        return await store.get(key)
    except NotFound:
        return None
