"""`request.json` is created once: of several clients that use the same id, the first one wins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from shared.client.sources import Document
from shared.client.submission import Draft, Order, draft, hand_over
from shared.errors import BrokerDown
from shared.protocol.messages import JobRequest, Message, ObjectSource
from shared.store import keys
from shared.store.folder import FileStore
from shared.store.port import Store


def a_book(text: str) -> Draft:
    document = Document("book.epub", text.encode(), "epub", None)
    return draft(Order(job_id="j", title=text), document, text_limit_characters=1_000)


async def read(store: Store) -> tuple[JobRequest, bytes]:
    """What the chunker would read: the request in the store, and the document that it names."""
    request = JobRequest.model_validate_json(await store.get(keys.request("j")))
    assert isinstance(request.source, ObjectSource)
    return request, await store.get(request.source.key)


class Overtaken(FileStore):
    """Somebody else does `meanwhile` right before the request is created."""

    def __init__(self, root: Path, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__(root, deadline_seconds=20)
        self._meanwhile: Callable[[], Awaitable[object]] | None = meanwhile

    async def create(self, key: str, data: bytes, *, content_type: str = "") -> str:
        if key == keys.request("j") and self._meanwhile is not None:
            meanwhile, self._meanwhile = self._meanwhile, None
            await meanwhile()
        return await super().create(key, data, content_type=content_type)


async def test_of_two_clients_that_race_the_first_counts_with_its_document(tmp_path: Path) -> None:
    store = FileStore(tmp_path, deadline_seconds=20)
    first, second = a_book("the first"), a_book("the second")
    announced: list[Message] = []

    async def publish(message: Message) -> None:
        announced.append(message)

    async def the_other_client() -> None:
        assert await hand_over(first, store=store, publish=publish)

    assert not await hand_over(second, store=Overtaken(tmp_path, the_other_client), publish=publish)
    assert announced == [first.request, first.request]
    assert await read(store) == (first.request, b"the first")


async def test_a_client_that_fails_removes_nothing_of_a_job_that_another_has_announced(tmp_path: Path) -> None:
    store = FileStore(tmp_path, deadline_seconds=20)
    first, second = a_book("the first"), a_book("the second")
    announced: list[Message] = []

    async def publish(message: Message) -> None:
        announced.append(message)

    async def publish_too_late(message: Message) -> None:
        del message
        await hand_over(second, store=store, publish=publish)
        raise BrokerDown("The connection was lost.")

    with pytest.raises(BrokerDown):
        await hand_over(first, store=store, publish=publish_too_late)
    assert announced == [first.request]
    assert await read(store) == (first.request, b"the first")
