"""A job is submitted completely, or not at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.client.sources import Address, Document
from shared.client.submission import Order, draft, hand_over
from shared.errors import BadInput, BrokerDown, TooLarge
from shared.protocol.messages import (
    INLINE_TEXT_LIMIT_CHARACTERS,
    JobRequest,
    Message,
    ObjectSource,
    TextSource,
    UrlSource,
)
from shared.store import keys
from shared.store.port import Store
from tests.unit.cli.conftest import a_status

TEXT_LIMIT = 200_000


def a_text(text: str) -> Document:
    return Document("a.md", text.encode(), "markdown", text)


def request_for(source: Document | Address, **order: object) -> JobRequest:
    return draft(Order(**order), source, text_limit_characters=TEXT_LIMIT).request  # type: ignore[arg-type] # by name


class Broker:
    """Remembers what was published, or refuses it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.published: list[Message] = []
        self.error = error

    async def publish(self, message: Message) -> None:
        if self.error is not None:
            raise self.error
        self.published.append(message)


async def objects(store: Store) -> list[str]:
    return [key async for key in store.list("jobs/")]


def test_a_small_text_travels_inside_the_message() -> None:
    assert request_for(a_text("x" * INLINE_TEXT_LIMIT_CHARACTERS)).source == TextSource(
        text="x" * INLINE_TEXT_LIMIT_CHARACTERS, format="markdown"
    )


def test_a_long_text_and_a_book_are_claim_checks() -> None:
    long = a_text("x" * (INLINE_TEXT_LIMIT_CHARACTERS + 1))
    book = Document("My Book.epub", b"PK...", "epub", None)
    for document in (long, book):
        made = draft(Order(job_id="j"), document, text_limit_characters=TEXT_LIMIT)
        source = made.request.source
        assert isinstance(source, ObjectSource)
        assert (source.format, source.name) == (document.format, document.name)
        assert made.uploads == {source.key: document.content}
        assert source.key.startswith("jobs/j/source/")


def test_an_address_is_passed_on() -> None:
    source = request_for(Address("https://example.org/a", "html")).source
    assert isinstance(source, UrlSource)
    assert (str(source.url), source.format) == ("https://example.org/a", "html")


def test_a_text_of_too_many_characters_is_refused_before_it_is_sent() -> None:
    with pytest.raises(TooLarge, match="200,001 characters; the limit is 200,000"):
        request_for(a_text("x" * (TEXT_LIMIT + 1)))


def test_a_value_out_of_range_is_named() -> None:
    with pytest.raises(BadInput, match="'klingon!' is no language tag"):
        request_for(a_text("x"), language="klingon!")
    with pytest.raises(BadInput, match="title cannot be used"):
        request_for(a_text("x"), title="t" * 501)


def test_a_cover_goes_into_the_store(tmp_path: Path) -> None:
    picture = tmp_path / "c"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n....")
    made = draft(Order(job_id="j", cover=picture), a_text("x"), text_limit_characters=TEXT_LIMIT)
    assert made.request.cover is not None
    assert re.fullmatch(r"jobs/j/source/cover-[0-9a-f]{16}\.png", made.request.cover)
    assert made.uploads == {made.request.cover: picture}


@pytest.mark.parametrize("data", [b"GIF89a", b""])
def test_a_cover_that_is_no_picture_is_refused(tmp_path: Path, data: bytes) -> None:
    picture = tmp_path / "c.png"
    picture.write_bytes(data)
    with pytest.raises(BadInput, match="neither JPEG nor PNG"):
        request_for(a_text("x"), cover=picture)


async def test_the_job_is_in_the_store_when_it_is_published(store: Store) -> None:
    made = draft(Order(job_id="j"), Document("b.epub", b"book", "epub", None), text_limit_characters=TEXT_LIMIT)
    broker = Broker()
    assert await hand_over(made, store=store, publish=broker.publish)
    assert broker.published == [made.request]
    assert isinstance(made.request.source, ObjectSource)
    assert await objects(store) == [keys.request("j"), made.request.source.key]


async def test_a_job_that_could_not_be_announced_is_announced_by_the_next_try(store: Store) -> None:
    made = draft(Order(job_id="j"), Document("b.epub", b"book", "epub", None), text_limit_characters=TEXT_LIMIT)
    with pytest.raises(BrokerDown, match="use --id j"):
        await hand_over(made, store=store, publish=Broker(BrokerDown("gone")).publish)
    broker = Broker()
    await hand_over(made, store=store, publish=broker.publish)
    assert broker.published == [made.request]


async def test_the_same_id_twice_is_one_job_and_the_first_counts(store: Store) -> None:
    first, second = (
        draft(Order(job_id="j"), a_text(text), text_limit_characters=TEXT_LIMIT) for text in ("one", "two")
    )
    broker = Broker()
    assert await hand_over(first, store=store, publish=broker.publish)
    assert not await hand_over(second, store=store, publish=broker.publish)
    assert {message.model_dump_json() for message in broker.published} == {first.request.model_dump_json()}

    await store.put(keys.status("j"), a_status("j").model_dump_json().encode())
    broker.published.clear()
    assert not await hand_over(second, store=store, publish=broker.publish)
    assert broker.published == []
