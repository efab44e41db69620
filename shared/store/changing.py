"""Changes an object over the version that was read, so that of several who do so at a time nobody's change is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.errors import Conflict
from shared.protocol.messages import Frozen
from shared.store.port import Store

Document = TypeVar("Document", bound=Frozen)


async def changed(
    store: Store,
    key: str,
    read: Callable[[], Awaitable[tuple[Document, str | None]]],
    change: Callable[[Document], Document],
) -> Document:
    """Change a document; it is read again, and `change` called again, if somebody else has changed it meanwhile.

    Args:
        store: the store.
        key: of the object.
        read: returns the document and its version, None if it is not stored yet; what it raises is raised here.
        change: returns the document as it shall be; nothing is written if that is the same.

    Returns:
        The document as it is now.

    Raises:
        StoreDown: the store does not answer.
    """
    while True:
        before, version = await read()
        after = change(before)
        if after == before:
            return after
        data = after.model_dump_json().encode()
        try:
            if version is None:
                await store.create(key, data, content_type="application/json")
            else:
                await store.replace(key, data, version=version, content_type="application/json")
        except Conflict:
            continue
        return after
