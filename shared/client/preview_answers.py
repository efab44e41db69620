"""Asks for a preview, waits for it and reads it: for clients that reach the broker and the store themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from shared import errors
from shared.client import previewing
from shared.client.previewing import PreviewDraft, PreviewsBusy
from shared.deadlines import in_thread
from shared.protocol.messages import Message
from shared.protocol.preview import Preview, PreviewRefused, RefusalKind, read_outcome
from shared.store import keys
from shared.store.port import Store

_PATIENCE_SECONDS: Final = previewing.WAITING_SECONDS + 300.0
"""A preview is begun within `WAITING_SECONDS` or given up; reading a document then takes minutes at the most."""
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 1.0
_PAUSE_GROWTH: Final = 1.4

ERRORS: Final[dict[RefusalKind, type[errors.PodcastError]]] = {
    "BadInput": errors.BadInput,
    "BadSource": errors.BadSource,
    "ForbiddenAddress": errors.ForbiddenAddress,
    "TooLarge": errors.TooLarge,
    "DeadlineExceeded": errors.DeadlineExceeded,
    "Transient": errors.Transient,
    "Busy": PreviewsBusy,
}
"""Why a preview was refused → the error that it is."""


async def obtain(
    draft: PreviewDraft, *, store: Store, publish: Callable[[Message], Awaitable[None]], waiting_limit: int
) -> Preview:
    """Ask for a preview and wait until it is made.

    Args:
        draft: what is asked for.
        store: where the document goes and the answer comes from.
        publish: sends the message.
        waiting_limit: how many may wait, of all clients together.

    Raises:
        BadInput, Transient: why the source cannot be read.
        PreviewsBusy: too many are waiting.
        DeadlineExceeded: nobody has read it.
    """
    preview_id = draft.request.preview_id
    before = await previewing.answer(store, preview_id)
    if before is None or (before.refused is not None and before.refused.is_temporary):
        await previewing.ask(draft, store=store, publish=publish, waiting_limit=waiting_limit)
        before = await _next(store, preview_id, after=before)
    if before.refused is not None:
        raise error_of(before.refused)
    return await read(store, preview_id)


async def read(store: Store, preview_id: str) -> Preview:
    """A preview that is in the store."""
    data = await store.get(keys.preview(preview_id))
    outcome = await in_thread(lambda: read_outcome(data))  # that of a book has megabytes
    if isinstance(outcome, PreviewRefused):
        raise error_of(outcome)
    return outcome


def error_of(refused: PreviewRefused) -> errors.PodcastError:
    """The error with which a job of the same source would end."""
    return ERRORS[refused.kind](refused.message, hint=refused.hint)


async def _next(store: Store, preview_id: str, *, after: previewing.FoundPreview | None) -> previewing.FoundPreview:
    pause_seconds = _FIRST_PAUSE_SECONDS
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                found = await previewing.answer(store, preview_id)
                if found is not None and found != after:
                    return found
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(_PAUSE_GROWTH * pause_seconds, _LONGEST_PAUSE_SECONDS)
    except TimeoutError as error:
        raise errors.DeadlineExceeded(
            f"The document was not read within {_PATIENCE_SECONDS:g} s.",
            hint="Check with `podcast ps` that a chunker runs.",
        ) from error
