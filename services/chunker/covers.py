"""The cover that a book or a page has: fetched if necessary, fitted, or refused with its size.

No job fails for it: whatever is wrong with the picture becomes a warning, and the episode has no cover.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.chunker.documents import pictures
from services.chunker.documents.packed import Picture
from shared.errors import BadInput, Outage, Transient
from shared.fetching.fetching import fetch
from shared.settings import Settings
from shared.workers.documents import in_worker

_SHARE_OF_TIME = 0.25
"""Of what is left for the document: the text is more important."""
_REMEDY = "the episode has no cover: name one with --cover, or use --no-cover"


@dataclass(frozen=True, slots=True)
class SourceCover:
    """The cover of a source.

    Attributes:
        jpeg: the picture; empty if there is none.
        warnings: why there is none although the source names one.
    """

    jpeg: bytes = b""
    warnings: tuple[str, ...] = ()


async def of_source(
    picture: Picture | None, *, wanted: bool | None, settings: Settings, left_seconds: Callable[[], float]
) -> SourceCover:
    """Make the cover out of what the source names.

    Args:
        picture: from the source; None: it names none.
        wanted: as the job says; None: as the settings say.
        settings: limits, and what may be fetched.
        left_seconds: how much time there is for the whole job.

    Raises:
        Outage: a server of ours is down.
    """
    if picture is None or not (settings.cover_from_source if wanted is None else wanted):
        return SourceCover()
    what = "The picture that the page names" if picture.address else "The cover in the document"
    try:
        data = picture.data or await _fetched(picture.address, settings, left_seconds)
        fitted = await in_worker("Fitting the cover", left_seconds() * _SHARE_OF_TIME, pictures.fitted, data)
    except Outage:
        raise
    except (BadInput, Transient) as error:
        return SourceCover(warnings=(f"{what} cannot be used ({error.message.rstrip('.')}); {_REMEDY}.",))
    if fitted.why_not and picture.is_stated:
        return SourceCover(warnings=(f"{what} {fitted.why_not}; {_REMEDY}.",))
    return SourceCover(fitted.jpeg)


async def _fetched(address: str, settings: Settings, left_seconds: Callable[[], float]) -> bytes:
    """The picture at an address, under the rules for every address (ADR 12)."""
    fetched = await fetch(
        address,
        limit_bytes=pictures.FILE_LIMIT_BYTES,
        deadline_seconds=min(settings.fetch_deadline_seconds, left_seconds() * _SHARE_OF_TIME),
        connect_timeout_seconds=settings.connect_timeout_seconds,
        allowed=settings.fetch_allowed,
    )
    return fetched.data
