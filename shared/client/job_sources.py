"""Where a job's text is from, in a few words for lists."""

from __future__ import annotations

from pydantic import ValidationError

from shared.addresses import without_login
from shared.errors import BadInput, NotFound
from shared.protocol.messages import JobRequest, ObjectSource, UrlSource
from shared.protocol.reading import read
from shared.store import keys
from shared.store.port import Store


async def source_of(store: Store, job_id: str) -> str:
    """Where a job's text is from: a file name, an address without its login, or `text`; empty if it cannot be told.

    Raises:
        StoreDown: the store does not answer.
    """
    try:
        request = read(JobRequest, await store.get(keys.request(job_id)), strict=False)
    except (NotFound, ValidationError, BadInput):
        return ""
    match request.source:
        case UrlSource(url=url):
            return without_login(str(url))
        case ObjectSource(name=name, key=key):
            return name or key.rpartition("/")[2]
        case _:
            return "text"
