"""A store that has answered, so that a command fails at once and with a hint where none does."""

from __future__ import annotations

from typing import Final

from shared.deadlines import deadline
from shared.errors import StoreDown
from shared.settings import Settings
from shared.store.port import Store, open_store

_FIRST_ANSWER_SECONDS: Final = 8.0
"""A store that does not answer its first, smallest call within this time counts as unreachable."""


async def reachable_store(settings: Settings) -> Store:
    """The store, after it has answered a call.

    Raises:
        StoreDown: it does not answer.
    """
    store = open_store(settings)
    try:
        async with deadline(_FIRST_ANSWER_SECONDS, "asking the store", error=StoreDown):
            await store.ping()
    except StoreDown as error:
        raise StoreDown(
            f"The store at {store.url} cannot be reached: {error.message}",
            hint=error.hint or "Check that it runs and that PODCAST_STORE_URL is right.",
        ) from error
    return store
