"""One job for one text, however many ask for it, and whoever dies meanwhile."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from shared.client import speech_jobs
from shared.client.deleting import delete_job
from shared.client.sources import Document
from shared.client.submission import Order
from shared.protocol.messages import JobRequest, JobState, JobStatus, Message, ObjectSource
from shared.settings import Settings
from shared.store import keys
from shared.store.folder import FileStore

SETTINGS = Settings(speech_url="http://127.0.0.1:9")
ORDER = Order(voice="anna")


class Desk:
    """A store, and what was published."""

    def __init__(self, folder: Path) -> None:
        self.store = FileStore(folder, deadline_seconds=10)
        self.published: list[Message] = []

    async def publish(self, message: Message) -> None:
        self.published.append(message)

    async def ask(self, said: str = "Hello.", order: Order = ORDER, *, owner: str = "me") -> str:
        digest = speech_jobs.digest_of(said, order, SETTINGS, owner=owner)
        document = Document("speech.text", said.encode(), "text", said)
        return await speech_jobs.join(
            digest, order, document, store=self.store, publish=self.publish, text_limit_characters=1_000_000
        )

    async def reaches(self, job_id: str, state: JobState) -> None:
        status = JobStatus(job_id=job_id, state=state, submitted_at=1.0, updated_at=2.0)
        await self.store.put(keys.status(job_id), status.model_dump_json().encode())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_the_same_text_joins_the_job_that_speaks_it(desk: Desk) -> None:
    first = await desk.ask()
    await desk.reaches(first, "synthesizing")
    assert await desk.ask() == first
    await desk.reaches(first, "completed")
    assert await desk.ask() == first
    assert len(desk.published) == 1


async def test_of_many_who_ask_at_once_one_makes_the_job(desk: Desk) -> None:
    assert len(set(await asyncio.gather(*(desk.ask() for _ in range(20))))) == 1


async def test_whatever_decides_the_answer_makes_another_job(desk: Desk) -> None:
    others = [
        await desk.ask(),
        await desk.ask("Hello!"),
        await desk.ask(owner="you"),
        *[
            await desk.ask(order=replace(ORDER, **change))
            for change in ({"voice": "bert"}, {"speed": 1.1}, {"formats": ("wav",)}, {"language": "de"}, {"model": "m"})
        ],
    ]
    assert len(set(others)) == len(others)


async def test_a_long_text_travels_as_a_claim_check(desk: Desk) -> None:
    long = "A word. " * 20_000
    job_id = await desk.ask(long)
    (request,) = desk.published
    assert isinstance(request, JobRequest)
    assert isinstance(request.source, ObjectSource)
    assert (request.job_id, await desk.store.get(request.source.key)) == (job_id, long.encode())


@pytest.mark.parametrize("state", ["failed", "cancelled"])
async def test_a_job_that_came_to_nothing_is_not_joined(desk: Desk, state: JobState) -> None:
    first = await desk.ask()
    await desk.reaches(first, state)
    second = await desk.ask()
    assert second != first
    assert await desk.ask() == second


async def test_a_job_that_was_deleted_is_not_joined(desk: Desk) -> None:
    first = await desk.ask()
    await desk.reaches(first, "completed")
    await delete_job(desk.store, first)
    second = await desk.ask()
    assert second != first
    assert isinstance(desk.published[-1], JobRequest)
    assert desk.published[-1].job_id == second


async def test_a_job_that_was_named_and_never_submitted_is_submitted(desk: Desk) -> None:
    first = await desk.ask()
    await desk.store.delete(keys.request(first))
    desk.published.clear()
    assert await desk.ask() == first
    (request,) = desk.published
    assert isinstance(request, JobRequest)
    assert request.job_id == first


async def test_a_name_that_cannot_be_read_is_replaced(desk: Desk) -> None:
    key = keys.speech_job(speech_jobs.digest_of("Hello.", ORDER, SETTINGS, owner="me"))
    await desk.store.put(key, b"nonsense")
    assert await desk.ask() == await desk.ask()


async def test_names_of_jobs_that_are_gone_are_swept(desk: Desk, tmp_path: Path) -> None:
    kept, gone, young = await desk.ask("Kept."), await desk.ask("Gone."), await desk.ask("Young.")
    names = {
        said: keys.speech_job(speech_jobs.digest_of(said, ORDER, SETTINGS, owner="me"))
        for said in ("Kept.", "Gone.", "Young.")
    }
    for job_id in (gone, young):
        await desk.store.delete(keys.request(job_id))
    long_ago = time.time() - 86_400
    for said in ("Kept.", "Gone."):
        os.utime(tmp_path / names[said], (long_ago, long_ago))

    assert (await speech_jobs.sweep(desk.store, dry_run=True)).objects == 1
    assert (await speech_jobs.sweep(desk.store)).objects == 1
    assert [said for said, key in names.items() if await desk.store.exists(key)] == ["Kept.", "Young."]
    assert (await speech_jobs.sweep(desk.store, without=frozenset({kept}))).objects == 1
