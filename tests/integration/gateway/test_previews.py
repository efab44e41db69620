"""What would be spoken, before a second of speech is spent: a real gateway, a real chunker."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from shared.client import previewing, submission
from shared.client.sources import Document
from shared.client.submission import Order
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobRequest, PreviewRequested, TextSource
from shared.protocol.preview import Preview
from shared.runtime.broker import connected
from shared.store import keys
from tests.integration.gateway.completed_jobs import Listener
from tests.integration.gateway.conftest import environment, new_key, with_key
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services
from tests.waiting import until

BOOK = """\
# The Ferry

It left at noon.[^1] Nobody waved, and the rain had not stopped since morning.

```python
print("not to be heard")
```

| a | b |
|---|---|
| 1 | 2 |

![A ferry](ferry.png)

# The Island

She stayed for a week.

[^1]: At five past twelve, to be exact.
"""


def made(text: str, **changed: Any) -> PreviewRequested:
    """The message that a gateway publishes for a Markdown text."""
    settings = changed.pop("settings")
    draft = submission.draft(
        Order(**changed), Document("text.markdown", text.encode(), "markdown", text), text_limit_characters=10_000_000
    )
    return previewing.draft(draft, settings).request


@pytest.fixture(scope="module")
def started(rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway, a chunker and a coordinator for all tests here."""
    directory = tmp_path_factory.mktemp("previews")
    amqp_url = rabbitmq.vhost()
    with Services(environment(amqp_url, (directory / "store").as_uri()), directory / "logs") as services:
        services.start("gateway", "chunker", "coordinator", PODCAST_FETCH_ALLOW="127.0.0.1")
        asyncio.run(services.ready())
        yield services
    rabbitmq.drop_vhost(amqp_url)


@pytest.fixture
async def listener(started: Services) -> AsyncIterator[Listener]:
    async with with_key(started.workers[0].health_url) as client:
        yield Listener(started, client)


async def post(listener: Listener, **document: Any) -> httpx.Response:
    return await listener.client.post("/v1/preview", json=document)


async def test_a_preview_tells_all_that_a_job_would_speak(listener: Listener) -> None:
    response = await post(listener, text=BOOK, source_format="markdown", author="A. Writer", language="en-GB")

    assert response.status_code == 200, response.text
    preview = Preview.model_validate_json(response.content)
    assert (preview.title, preview.author, preview.language) == ("The Ferry", "A. Writer", "en-GB")
    assert [chapter.title for chapter in preview.chapters] == ["The Ferry", "The Island"]
    spoken = [chunk.text for chapter in preview.chapters for chunk in chapter.chunks]
    assert spoken[:2] == ["The Ferry", "It left at noon. Nobody waved, and the rain had not stopped since morning."]
    assert preview.characters == sum(len(text) for text in spoken)
    assert preview.chunk_count == len(spoken) == 4
    assert preview.estimated_seconds == pytest.approx(preview.characters / 14.5 + 3.6, abs=2)
    assert {omission.kind for omission in preview.omissions} == {"code", "table", "footnote", "image"}
    assert all(omission.reason for omission in preview.omissions)
    assert response.headers["content-location"] == f"/v1/previews/{preview.preview_id}"


@pytest.mark.parametrize(("text", "options"), [(BOOK, {}), ("A paragraph of a long text. " * 9_000, {"title": "Long"})])
async def test_what_was_previewed_is_what_the_job_speaks(
    listener: Listener, text: str, options: dict[str, str]
) -> None:
    document = {"text": text, "source_format": "markdown", **options}
    preview = Preview.model_validate_json((await post(listener, **document)).content)
    job_id = (await listener.client.post("/v1/jobs", json=document)).json()["job_id"]
    await until(lambda: listener.services.store.exists(keys.manifest(job_id)), "the manifest", seconds=60)
    manifest = Manifest.model_validate_json(await listener.services.store.get(keys.manifest(job_id)))

    assert [
        (chunk.text, chunk.pause_after, index)
        for index, chapter in enumerate(preview.chapters)
        for chunk in chapter.chunks
    ] == [(chunk.text, chunk.pause_after, chunk.chapter) for chunk in manifest.chunks]
    assert [(chapter.title, chapter.level) for chapter in preview.chapters] == [
        (chapter.title, chapter.level) for chapter in manifest.chapters
    ]
    assert (preview.title, preview.author, preview.language) == (manifest.title, manifest.author, manifest.language)
    assert preview.omissions == manifest.omissions


async def test_the_same_preview_is_made_once_and_other_options_make_another(listener: Listener) -> None:
    responses = await asyncio.gather(*(post(listener, text="Made only once.", title="One") for _ in range(10)))
    other = await post(listener, text="Made only once.", title="Two")

    assert {response.status_code for response in responses} == {200}
    assert len({response.json()["made_at"] for response in responses}) == 1
    assert len({response.json()["preview_id"] for response in responses}) == 1
    assert other.json()["preview_id"] != responses[0].json()["preview_id"]
    shown = await listener.client.get(other.headers["content-location"])
    assert shown.json() == other.json()
    again = await listener.client.get(
        other.headers["content-location"], headers={"If-None-Match": shown.headers["etag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("document", "status", "problem"),
    [
        ({"text": "```\nonly code\n```", "source_format": "markdown"}, 422, "bad-source"),
        ({"text": " \n "}, 422, "bad-source"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, 422, "forbidden-address"),
        ({"url": "http://[::1]:1/"}, 422, "forbidden-address"),
        ({"url": "http://127.0.0.1:1/"}, 502, "source-unavailable"),
        ({"text": "x" * 5_100_000}, 413, "too-large"),
        ({"text": "Hello.", "language": "no tag"}, 422, "bad-input"),
        ({"text": "Hello.", "unknown": 1}, 422, "bad-input"),
    ],
)
async def test_what_is_wrong_with_a_document_is_a_problem_and_no_dead_letter(
    listener: Listener, document: dict[str, Any], status: int, problem: str
) -> None:
    response = await post(listener, **document)

    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{problem}"), response.text
    assert response.json()["detail"]
    assert await listener.services.dead_letters() == {}


async def test_a_page_that_was_down_is_tried_again_when_somebody_asks_again(listener: Listener) -> None:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    url = f"http://127.0.0.1:{port}/page.html"
    if time.time() % 60 > 55:  # an address is another preview in the next minute
        await asyncio.sleep(60 - time.time() % 60)
    assert (await post(listener, url=url)).status_code == 502

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b"<html><body><p>It is up again.</p></body></html>"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port):
        response = await post(listener, url=url)

    assert response.status_code == 200, response.text
    assert response.json()["chapters"][0]["chunks"][0]["text"] == "It is up again."


async def test_a_preview_is_no_job(listener: Listener) -> None:
    response = await post(listener, text="This is no job.")
    preview_id = response.json()["preview_id"]

    assert not [job_id for job_id in await listener.services.store.folders(keys.JOBS) if job_id == preview_id]
    assert (await listener.client.get(f"/v1/jobs/{preview_id}")).status_code == 404
    assert await listener.services.store.page(keys.PREVIEWS_WAITING) == []


async def test_what_is_not_there_in_time_is_fetched_later(listener: Listener) -> None:
    """With the chunker stopped, so that nothing is made before the client is told to come back."""
    (chunker,) = listener.services.of("chunker")
    text = "Read by a chunker that comes late."
    asked = made(text, settings=listener.services.settings)
    async with with_key(listener.url) as impatient:
        chunker.process.stop()
        try:
            with pytest.raises(httpx.ReadTimeout):
                await impatient.post("/v1/preview", json={"text": text, "source_format": "markdown"}, timeout=1)
            waiting = await listener.client.get(f"/v1/previews/{asked.preview_id}")
            assert (waiting.status_code, waiting.headers["retry-after"]) == (202, "2")
            assert waiting.headers["location"] == f"/v1/previews/{asked.preview_id}"
        finally:
            listener.services.restart(chunker)

    async def is_made() -> bool:
        return (await listener.client.get(f"/v1/previews/{asked.preview_id}")).status_code == 200

    await until(is_made, "the preview, although the client that asked is gone", seconds=60)


async def test_a_preview_that_nobody_asked_for_is_not_there(listener: Listener) -> None:
    assert (await listener.client.get(f"/v1/previews/{'0' * 32}")).json()["type"] == "/problems/not-found"
    assert (await listener.client.get("/v1/previews/..%2fjobs")).status_code in {404, 422}


async def test_a_preview_that_was_not_begun_in_time_is_given_up_and_made_when_asked_again(listener: Listener) -> None:
    asked = made("Too late to be read.", settings=listener.services.settings)
    await listener.services.submit(asked.model_copy(update={"expires_at": time.time() - 1}))
    await until(lambda: listener.services.store.exists(keys.preview(asked.preview_id)), "it was given up")
    late = await listener.client.get(f"/v1/previews/{asked.preview_id}")
    assert (late.status_code, late.json()["type"]) == (503, "/problems/previews-busy")

    response = await post(listener, text="Too late to be read.", source_format="markdown")

    assert response.status_code == 200
    assert await listener.services.dead_letters() == {}


async def test_nobody_can_have_an_answer_stored_under_anothers_id(listener: Listener) -> None:
    jobs = await listener.services.store.folders(keys.JOBS)
    asked = made("What I want to know.", settings=listener.services.settings)
    forged = asked.model_copy(update={"source": TextSource(text="What somebody else wants me to read.")})
    await listener.services.submit(forged)
    await until(lambda: _dead(listener.services), "the forged message is refused")

    assert not await listener.services.store.exists(keys.preview(asked.preview_id))
    async with connected(listener.services.settings) as connection, connection.channel() as channel:
        purged = await (await channel.declare_queue("chunker.dead", passive=True)).purge()
    assert purged.message_count == 1
    assert await listener.services.store.folders(keys.JOBS) == jobs, "the dead letter made no failed job"


async def _dead(services: Services) -> bool:
    return bool(await services.dead_letters())


async def test_a_client_that_goes_away_leaves_nothing_waiting(listener: Listener) -> None:
    (chunker,) = listener.services.of("chunker")
    place = urlsplit(listener.url)
    body = b'{"text": "Nobody waits for this."}'
    chunker.process.stop()
    await listener.client.get("/healthz")  # so that its connection is open before they are counted
    try:
        before = _descriptors(listener)
        clients = [socket.create_connection((place.hostname or "", place.port or 0)) for _ in range(20)]
        for client in clients:
            client.sendall(
                b"POST /v1/preview HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + f"Authorization: {listener.client.headers['authorization']}\r\n".encode()
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
        await until(lambda: _descriptors(listener) >= before + 20, "all are waiting")
        for client in clients:
            client.close()
        await until(lambda: _descriptors(listener) <= before, "none is left", seconds=5)
    finally:
        listener.services.restart(chunker)
    assert (await listener.client.get("/healthz")).status_code == 200


def _descriptors(listener: Listener) -> int:
    return len(list(Path(f"/proc/{listener.pid}/fd").iterdir()))


async def test_jobs_are_not_kept_waiting_by_previews_nor_one_key_by_another(listener: Listener) -> None:
    """Only so many previews may wait, half of them of one key; a job after them is read as soon as they are."""
    (chunker,) = listener.services.of("chunker")
    limit = listener.services.settings.gateway_previews_waiting_limit
    other = await new_key(listener.services.store, "submit")

    async def none_waits() -> bool:
        return not [key async for key in listener.services.store.list(keys.PREVIEWS_WAITING)]

    await until(none_waits, "the previews of other tests are made")
    chunker.process.stop()
    try:
        async with (
            httpx.AsyncClient(base_url=listener.url, headers=listener.client.headers, timeout=2) as many,
            httpx.AsyncClient(base_url=listener.url, headers={"Authorization": f"Bearer {other}"}, timeout=2) as others,
        ):

            async def ask(client: httpx.AsyncClient, number: int) -> int:
                try:
                    return (await client.post("/v1/preview", json={"text": f"Preview {number}."})).status_code
                except httpx.ReadTimeout:
                    return 0

            statuses = [await ask(many, 0), *await asyncio.gather(*(ask(many, n) for n in range(1, limit // 2)))]
            assert set(statuses) == {0}
            has_its_share = await many.post("/v1/preview", json={"text": "One too many of this key."})
            assert set(await asyncio.gather(*(ask(others, n) for n in range(limit // 2, limit)))) == {0}
            refused = await others.post("/v1/preview", json={"text": "One too many."})
        assert (has_its_share.status_code, has_its_share.json()["type"]) == (429, "/problems/key-share-taken")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/previews-busy")
        for answer in (has_its_share, refused):
            assert int(answer.headers["retry-after"]) >= 1
        job = JobRequest(source=TextSource(text="A job after them."))
        await listener.services.submit(job)
    finally:
        listener.services.restart(chunker)
    await until(lambda: listener.services.store.exists(keys.manifest(job.job_id)), "the job is read", seconds=90)
    assert await listener.services.ready_messages("chunker") == 0
