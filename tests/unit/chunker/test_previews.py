"""From a preview that was asked for to an answer in the store. With the real file store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import HttpUrl, ValidationError

from services.chunker.previews import make_preview
from shared.client import previewing
from shared.client.previewing import PreviewDraft, PreviewsBusy
from shared.client.submission import Draft
from shared.errors import BrokerDown, Permanent, StoreDown
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobRequest, Message, ObjectSource, PreviewRequested, Source, TextSource, UrlSource
from shared.protocol.narration import Narration
from shared.protocol.preview import Preview, PreviewRefused, read_outcome
from shared.store import keys
from shared.store.folder import FileStore
from tests.unit.chunker import made_documents
from tests.unit.chunker.test_fetching import answering, server
from tests.unit.chunker.test_handlers import Harness

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]


class Previewer(Harness):
    """A chunker that makes previews, and a client that asks for them."""

    def draft(self, source: Source, uploads: dict[str, bytes] | None = None, **fields: Any) -> PreviewDraft:
        return previewing.draft(Draft(JobRequest(job_id="j", source=source, **fields), uploads or {}), self.settings)

    async def ask(self, draft: PreviewDraft) -> list[Message]:
        """Ask as the gateway does; what was published."""
        published: list[Message] = []

        async def publish(message: Message) -> None:
            published.append(message)

        await previewing.ask(draft, store=self.store, publish=publish, waiting_limit=3)
        return published

    async def make(self, asked: PreviewRequested) -> Preview | PreviewRefused:
        # As it arrives: through JSON, and checked.
        arrived = PreviewRequested.model_validate_json(asked.model_dump_json())
        await make_preview(arrived, store=self.store, settings=self.settings)
        return read_outcome(await self.store.get(keys.preview(asked.preview_id)))


async def test_a_book_is_previewed_as_the_job_reads_it(tmp_path: Path) -> None:
    harness = Previewer(tmp_path)
    book = made_documents.from_markdown("epub")
    key = keys.source("j", "book.epub")
    draft = harness.draft(ObjectSource(key=key, name="book.epub"), {key: book}, title="Mine")
    assert await harness.ask(draft) == [draft.request]
    assert await previewing.is_waiting(harness.store, draft.request.preview_id)

    preview = await harness.make(draft.request)

    assert isinstance(preview, Preview)
    await harness.store.put(key, book)
    manifest: Manifest = await harness.chunk(
        JobRequest(job_id="j", source=ObjectSource(key=key, name="book.epub"), title="Mine")
    )
    assert [chunk.text for chapter in preview.chapters for chunk in chapter.chunks] == [
        chunk.text for chunk in manifest.chunks
    ]
    assert (preview.title, preview.author, preview.language) == (manifest.title, manifest.author, manifest.language)
    assert not await previewing.is_waiting(harness.store, draft.request.preview_id)


async def test_the_estimate_counts_words_pauses_and_speed(tmp_path: Path) -> None:
    harness = Previewer(tmp_path, pause_paragraph_ms=2_000)
    text = "a" * 29 + "\n\n" + "b" * 29
    slow, fast = [await harness.make(harness.draft(TextSource(text=text), speed=speed).request) for speed in (1.0, 2.0)]
    chinese = await harness.make(harness.draft(TextSource(text="\u6211" * 29)).request)
    assert isinstance(slow, Preview)
    assert isinstance(fast, Preview)
    assert isinstance(chinese, Preview)
    assert (slow.estimated_seconds, fast.estimated_seconds) == (6.0, 4.0)
    assert chinese.estimated_seconds == 6.0


@pytest.mark.parametrize(
    ("language", "model", "seconds"),
    [("en", None, 10.0), ("fr-CA", None, 8.9), ("pt", None, 11.3), ("en", "espeak-ng", 8.1)],
)
async def test_the_estimate_depends_on_language_and_engine(
    tmp_path: Path, language: str, model: str | None, seconds: float
) -> None:
    harness = Previewer(tmp_path)
    made = await harness.make(harness.draft(TextSource(text="a" * 145), language=language, model=model).request)
    assert isinstance(made, Preview)
    assert made.estimated_seconds == seconds


@pytest.mark.parametrize(
    ("source", "limits", "kind"),
    [
        (TextSource(text=" \n "), {}, "BadSource"),
        (TextSource(text="```\nx\n```", format="markdown"), {}, "BadSource"),
        (TextSource(text="A long text."), {"text_limit_characters": 5}, "TooLarge"),
        (TextSource(text="A.\n\nB.\n\nC."), {"chunks_limit": 2}, "TooLarge"),
        (UrlSource(url=HttpUrl("http://10.0.0.1/")), {}, "ForbiddenAddress"),
        (UrlSource(url=HttpUrl("http://127.0.0.1:1/")), {}, "Transient"),
    ],
)
async def test_what_is_wrong_with_the_document_is_the_answer(
    tmp_path: Path, source: Source, limits: dict[str, Any], kind: str
) -> None:
    harness = Previewer(tmp_path, **limits)
    refused = await harness.make(harness.draft(source).request)
    assert isinstance(refused, PreviewRefused)
    assert refused.kind == kind
    assert refused.message
    assert refused.is_temporary is (kind == "Transient")


async def test_a_lasting_answer_is_kept_and_a_temporary_one_is_tried_again(tmp_path: Path) -> None:
    harness = Previewer(tmp_path)
    async with server(answering("200 OK", b"<p>Words.</p>", content_type="text/html")) as url:
        asked = harness.draft(UrlSource(url=HttpUrl(f"{url}/a.html"))).request
    refused = await harness.make(asked)
    assert isinstance(refused, PreviewRefused)
    assert refused.is_temporary
    host, port = url.removeprefix("http://").split(":")
    assert host
    async with server(answering("200 OK", b"<p>Words.</p>", content_type="text/html"), port=int(port)):
        made = await harness.make(asked)
    assert isinstance(made, Preview)
    assert await harness.make(asked) == made


async def test_an_outage_of_our_own_store_is_no_answer(tmp_path: Path) -> None:
    harness = Previewer(tmp_path)
    asked = harness.draft(TextSource(text="Words.")).request

    class Broken(FileStore):
        async def put(self, key: str, data: bytes, *, content_type: str = "") -> None:
            raise StoreDown(f"It is full: no {len(data)} bytes {content_type} for {key}.")

    with pytest.raises(StoreDown):
        await make_preview(asked, store=Broken(tmp_path, deadline_seconds=5), settings=harness.settings)
    assert await previewing.answer(harness.store, asked.preview_id) is None


async def test_an_answer_cannot_be_stored_under_the_id_of_another_question(tmp_path: Path) -> None:
    harness = Previewer(tmp_path)
    key = keys.source("j", "a.txt")
    asked = harness.draft(ObjectSource(key=key, format="text"), {key: b"What I ask."}).request
    assert isinstance(asked.source, ObjectSource)
    for field, value in {"title": "Another", "language": "de", "preview_id": "0" * 32}.items():
        forged = asked.model_copy(update={field: value})
        with pytest.raises(ValidationError):
            await harness.make(forged)
    await harness.store.put(asked.source.key, b"What somebody else wants to hear.")
    with pytest.raises(Permanent):
        await harness.make(asked)
    assert await previewing.answer(harness.store, asked.preview_id) is None


async def test_a_document_that_is_gone_blocks_nobody_who_sends_it_again(tmp_path: Path) -> None:
    harness = Previewer(tmp_path)
    key = keys.source("j", "a.txt")
    draft = harness.draft(ObjectSource(key=key, format="text"), {key: b"What I ask."})
    refused = await harness.make(draft.request)
    assert isinstance(refused, PreviewRefused)
    assert refused.is_temporary
    await harness.ask(draft)
    assert isinstance(await harness.make(draft.request), Preview)


@pytest.mark.parametrize(
    "other",
    [
        lambda harness: harness.draft(TextSource(text="Words!")),
        lambda harness: harness.draft(TextSource(text="Words.", format="markdown")),
        lambda harness: harness.draft(TextSource(text="Words."), title="T"),
        lambda harness: harness.draft(TextSource(text="Words."), speed=2.0),
        lambda harness: harness.draft(TextSource(text="Words."), voice="another"),
        lambda harness: harness.draft(TextSource(text="Words."), narration=Narration(chapters="1")),
        lambda _: Previewer(Path("/nowhere"), chunk_limit_characters=40).draft(TextSource(text="Words.")),
    ],
)
async def test_whatever_changes_the_answer_changes_the_id(
    tmp_path: Path, other: Callable[[Previewer], PreviewDraft]
) -> None:
    harness = Previewer(tmp_path)
    one = harness.draft(TextSource(text="Words."), max_parallel=7).request
    assert one.preview_id == harness.draft(TextSource(text="Words."), max_parallel=8).request.preview_id
    assert one.preview_id != other(harness).request.preview_id


async def test_only_so_many_may_wait_and_a_forgotten_one_makes_room(tmp_path: Path) -> None:
    harness = Previewer(tmp_path)
    drafts = [harness.draft(TextSource(text=f"Number {number}.")) for number in range(4)]
    for draft in drafts[:3]:
        assert len(await harness.ask(draft)) == 1
    assert await harness.ask(drafts[0]) == [], "somebody has just asked"
    with pytest.raises(PreviewsBusy) as busy:
        await harness.ask(drafts[3])
    assert busy.value.retry_after_seconds
    _age(harness, drafts[1], seconds=60)
    assert len(await harness.ask(drafts[1])) == 1, "whoever asked may have died before it could publish"
    _age(harness, drafts[0], seconds=3_600)
    assert len(await harness.ask(drafts[3])) == 1


async def test_what_could_not_be_published_is_not_waited_for(tmp_path: Path) -> None:
    harness = Previewer(tmp_path)
    draft = harness.draft(TextSource(text="Words."))

    async def fails(_: Message) -> None:
        raise BrokerDown("It is down.")

    with pytest.raises(BrokerDown):
        await previewing.ask(draft, store=harness.store, publish=fails, waiting_limit=3)
    assert len(await harness.ask(draft)) == 1


def _age(harness: Previewer, draft: PreviewDraft, *, seconds: float) -> None:
    assert isinstance(harness.store, FileStore)
    at = time.time() - seconds
    os.utime(harness.store.root / keys.preview_waiting(draft.request.preview_id), (at, at))
