"""Whole listings, of what is known to be no more than memory holds."""

from __future__ import annotations

from shared.store.port import PAGE, Entry, Store


async def entries(store: Store, prefix: str) -> list[Entry]:
    """All objects whose keys begin with a prefix, in order, as they are listed; none is read.

    Raises:
        StoreDown: the store does not answer.
    """
    found: list[Entry] = []
    while page := await store.entries(prefix, after=found[-1].key if found else "", limit=PAGE):
        found += page
        if len(page) < PAGE:
            break
    return found
