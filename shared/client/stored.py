"""Reads a document of the store together with its version, for those who replace only what they have read."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from shared.errors import NotFound
from shared.protocol import reading
from shared.protocol.messages import Frozen
from shared.store.port import Store

Document = TypeVar("Document", bound=Frozen)


async def read_versioned(store: Store, key: str, model: type[Document]) -> tuple[Document | None, str] | None:
    """The document under `key` and its version.

    Returns:
        No document if what is stored is not one; None if there is nothing.

    Raises:
        StoreDown: the store does not answer.
    """
    try:
        data, version = await store.get_versioned(key)
    except NotFound:
        return None
    try:
        return reading.read(model, data, strict=False), version
    except ValidationError:
        return None, version
