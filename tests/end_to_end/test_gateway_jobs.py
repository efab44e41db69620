"""A job's whole life over HTTP, with every service at work: made, looked at, stopped, tried again, deleted."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pypandoc
import pytest

from shared.protocol.messages import TERMINAL_STATES, JobRequest, JobStatus
from shared.protocol.reading import read
from shared.store import keys
from tests.end_to_end import texts
from tests.integration.gateway.conftest import environment, with_key
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import ToneSpeech
from tests.waiting import until


@pytest.fixture(scope="module")
def services(
    rabbitmq: RabbitServer, tone_speech: ToneSpeech, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """Every service and a gateway, on a folder as store."""
    directory = tmp_path_factory.mktemp("line")
    amqp_url = rabbitmq.vhost()
    own = {
        **environment(amqp_url, (directory / "store").as_uri()),
        "PODCAST_SPEECH_URL": tone_speech.url,
        "PODCAST_SPEECH_ENGINE": "tones",
        "PODCAST_NORMALISE_TEXT": "false",  # what is heard is compared with what is written
        "PODCAST_CHUNK_LIMIT_CHARACTERS": "300",
        "PODCAST_ATTEMPTS_LIMIT": "2",
    }
    with Services(own, directory / "logs") as started:
        started.start(*SERVICES, "gateway")
        asyncio.run(started.ready())
        yield started
    rabbitmq.drop_vhost(amqp_url)


@pytest.fixture
async def client(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with with_key(services.of("gateway")[0].health_url) as opened:
        yield opened


async def submit(client: httpx.AsyncClient, text: str, **options: Any) -> str:
    response = await client.post("/v1/jobs", json={"text": text, "source_format": "markdown", **options})
    assert response.status_code == 202, response.text
    return str(response.json()["job_id"])


async def reaches(client: httpx.AsyncClient, job_id: str, *states: str) -> dict[str, Any]:
    """Wait until the job is in one of the states; the job."""
    found: dict[str, Any] = {}

    async def is_there() -> bool:
        response = await client.get(f"/v1/jobs/{job_id}")
        assert response.status_code == 200, response.text
        found.update(response.json())
        return found["state"] in states

    await until(is_there, f"job {job_id} is {states}", seconds=120)
    return found


async def chunks(client: httpx.AsyncClient, job_id: str, limit: int = 100) -> list[dict[str, Any]]:
    """All chunks of a job, page by page."""
    found: list[dict[str, Any]] = []
    url: str | None = f"/v1/jobs/{job_id}/chunks?limit={limit}"
    while url is not None:
        response = await client.get(url)
        assert response.status_code == 200, response.text
        found += response.json()["chunks"]
        url = response.links["next"]["url"] if "next" in response.links else None
        assert (response.json()["next"] is None) == (url is None)
    return found


async def test_a_book_that_is_uploaded_becomes_an_episode_word_for_word(
    services: Services, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    path = tmp_path / "book.epub"
    metadata = ["--metadata", "title=The Tested Book", "--metadata", "author=B. Binder"]
    await asyncio.to_thread(
        pypandoc.convert_text,
        texts.book(24, chapters=4, seed=6),
        "epub3",
        format="markdown",
        outputfile=str(path),
        extra_args=metadata,
    )
    with path.open("rb") as file:
        response = await client.post(
            "/v1/jobs",
            files={"file": ("book.epub", file)},
            data={
                "options": json.dumps(
                    {"formats": ["m4b"], "chapter_files": True, "pauses": {"sentence": 100, "chapter": 500}}
                )
            },
        )
    assert response.status_code == 202, response.text

    job = await reaches(client, response.json()["job_id"], *TERMINAL_STATES)

    assert (job["state"], job["title"], job["progress"], job["estimated_seconds_left"]) == (
        "completed",
        "The Tested Book",
        1.0,
        0.0,
    )
    assert set(job["links"]["files"]) == set(job["files"]) >= {"m4b", "vtt"}
    assert set(job["stages"]) == {"chunking", "synthesizing", "assembling"}
    request = JobRequest.model_validate_json(await services.store.get(keys.request(job["job_id"])))
    written, heard = await services.spoken(request, tmp_path)
    assert heard == written
    spoken = await chunks(client, job["job_id"], limit=7)
    assert [chunk["text"] for chunk in spoken] == written
    assert [chunk["index"] for chunk in spoken] == list(range(len(written)))
    assert {chunk["state"] for chunk in spoken} == {"done"}
    assert 0 < sum(chunk["audio_seconds"] for chunk in spoken) < job["audio_seconds"]
    packed = await client.get(f"/v1/jobs/{job['job_id']}/files/zip")
    assert (packed.status_code, packed.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.testzip() is None
        chapters = [name for name in archive.namelist() if name.endswith(".m4b")]
        assert [name.split(" ", 1)[1] for name in chapters][-4:] == [
            f"Chapter number {number}.m4b" for number in (0, 6, 12, 18)
        ]
    status = await services.status(job["job_id"])
    assert status is not None
    assert read(JobStatus, json.dumps(job), strict=False) == status.model_copy(update={"finished": {}, "lost": {}})


async def test_a_job_shows_how_far_it_is_and_stops_when_it_is_told(
    services: Services, client: httpx.AsyncClient, tone_speech: ToneSpeech
) -> None:
    tone_speech.delay(0.1)
    try:
        job_id = await submit(client, texts.book(300, seed=92), max_parallel=2)

        async def is_under_way() -> bool:
            job = (await client.get(f"/v1/jobs/{job_id}")).json()
            return bool(0 < job["progress"] < 1 and job["estimated_seconds_left"])

        await until(is_under_way, "progress and an estimate")
        states = [chunk["state"] for chunk in await chunks(client, job_id)]
        assert (states[0], states[-1], len(states)) == ("done", "waiting", 300)

        stopped = await client.delete(f"/v1/jobs/{job_id}")
        assert stopped.status_code == 202
        job = await reaches(client, job_id, *TERMINAL_STATES)
        assert job["state"] == "cancelled"
        again = await client.delete(f"/v1/jobs/{job_id}")
        assert (again.status_code, again.json()) == (202, job)
    finally:
        tone_speech.delay(0)
    retried = await client.post(f"/v1/jobs/{job_id}/retry")
    assert (retried.status_code, retried.json()["job_id"]) == (202, job_id)
    await reaches(client, job_id, "synthesizing", "assembling", "completed")
    running = await client.post(f"/v1/jobs/{job_id}/retry")
    assert (running.status_code, running.json()["type"].removeprefix("/problems/")) in {
        (409, "job-running"),
        (409, "job-completed"),
    }
    assert (await client.delete(f"/v1/jobs/{job_id}", params={"purge": "true"})).status_code == 204
    assert [key async for key in services.store.list(keys.job(job_id))] == []


async def test_a_chunk_that_cannot_be_spoken_is_named_with_its_reason_and_the_job_can_be_tried_again(
    client: httpx.AsyncClient, tone_speech: ToneSpeech
) -> None:
    tone_speech.misbehave("status", status=500, containing="zebra", message="no zebras here")
    try:
        job_id = await submit(client, "First words.\n\nA zebra speaks.\n\nLast words.\n\nA zebra speaks.")
        job = await reaches(client, job_id, *TERMINAL_STATES)
    finally:
        tone_speech.behave()

    assert job["state"] == "failed"
    found = await chunks(client, job_id)
    assert [chunk["state"] for chunk in found] == ["done", "failed", "done", "failed"]
    assert found[1]["attempts"] == 2
    assert "no zebras here" in found[1]["reason"]
    assert job["failures"][0]["attempts"] == 2

    assert (await client.post(f"/v1/jobs/{job_id}/retry")).status_code == 202
    await reaches(client, job_id, "completed")
    refused = await client.post(f"/v1/jobs/{job_id}/retry")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/job-completed")


async def test_purging_a_job_that_is_under_way_stops_it_first(
    services: Services, client: httpx.AsyncClient, tone_speech: ToneSpeech
) -> None:
    tone_speech.delay(0.1)
    try:
        job_id = await submit(client, texts.book(200, seed=93), max_parallel=1)
        await reaches(client, job_id, "synthesizing")
        assert (await client.delete(f"/v1/jobs/{job_id}?purge=true")).status_code == 204
    finally:
        tone_speech.delay(0)
    assert [key async for key in services.store.list(keys.job(job_id))] == []
    assert (await client.get(f"/v1/jobs/{job_id}")).status_code == 404
    assert (await client.delete(f"/v1/jobs/{job_id}?purge=true")).status_code == 404


async def test_an_older_systems_chapters_become_an_episode_with_chapters(
    services: Services, client: httpx.AsyncClient
) -> None:
    chapters = [{"title": "One", "content": "    First words."}, {"title": "Two", "content": "Last words."}]
    response = await client.post(
        "/webhook/create-podcast",
        json={"title": "Two", "chapters": chapters, "processing_options": {"max_parallel_tts": 3}},
    )
    assert response.status_code == 200, response.text
    job_id = response.json()["job_id"]
    assert response.json() == {"success": True, "job_id": job_id, "mode": "async"}
    await reaches(client, job_id, "completed")
    request = JobRequest.model_validate_json(await services.store.get(keys.request(job_id)))
    assert request.max_parallel == 3
    assert [chunk["text"] for chunk in await chunks(client, job_id)] == ["One", "First words.", "Two", "Last words."]


async def test_a_client_that_goes_away_while_its_job_is_stopped_keeps_nothing_busy(
    services: Services, client: httpx.AsyncClient
) -> None:
    coordinator = services.of("coordinator")[0]
    services.kill(coordinator)
    try:
        job_id = await submit(client, "Words that nobody takes.")
        with pytest.raises(httpx.ReadTimeout):
            await client.delete(f"/v1/jobs/{job_id}?purge=true", timeout=0.5)
        assert (await client.get("/healthz")).status_code == 200
    finally:
        services.restart(coordinator)
    await services.ready()
    await reaches(client, job_id, *TERMINAL_STATES)
