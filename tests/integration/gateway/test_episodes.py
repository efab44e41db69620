"""A completed job's files over HTTP: what players, browsers and download tools do with them."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from shared.protocol.messages import JobRequest, JobStatus, TextSource, new_job_id
from shared.store import keys
from tests.integration.gateway.completed_jobs import Listener, completed, minute_of_sound, put_status
from tests.integration.gateway.conftest import STACK_KEY, environment, gateway_on, with_key
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services
from tests.waiting import until

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


@pytest.fixture(scope="module", params=["file", "s3"])
def started(
    request: pytest.FixtureRequest, rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """One gateway for all tests here, on each store in turn."""
    directory = tmp_path_factory.mktemp("episodes")
    is_s3 = request.param == "s3"
    store_url = request.getfixturevalue("minio").bucket() if is_s3 else (directory / "store").as_uri()
    amqp_url = rabbitmq.vhost()
    with gateway_on(amqp_url, store_url, directory) as services:
        yield services
    rabbitmq.drop_vhost(amqp_url)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An MP3 of a minute."""
    return minute_of_sound(tmp_path_factory.mktemp("sound") / "sound.mp3")


@pytest.fixture
async def listener(started: Services) -> AsyncIterator[Listener]:
    async with with_key(started.workers[0].health_url) as client:
        yield Listener(started, client)


async def test_an_episode_comes_whole_with_all_that_a_player_needs(listener: Listener, sound: bytes) -> None:
    content = sound
    job_id = await completed(listener.services, {"vtt": b"WEBVTT\n", "mp3": content, "m4b": b"m4b"})

    response = await listener.client.get(f"/v1/jobs/{job_id}/episode")

    assert (response.status_code, response.content) == (200, content)
    assert response.headers["content-type"] == "audio/mpeg"
    assert response.headers["content-length"] == str(len(content))
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["cache-control"].startswith("private")
    assert response.headers["content-disposition"] == (
        "inline; filename=\"Grue-the-Ferry-Ann.mp3\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe-the-Ferry-Ann-%C3%98.mp3"
    )
    assert response.headers["x-content-type-options"] == "nosniff"
    again = await listener.client.head(f"/v1/jobs/{job_id}/episode?format=m4b&download=1")
    assert (again.status_code, again.content, again.headers["content-length"]) == (200, b"", "3")
    assert again.headers["content-disposition"].startswith("attachment; ")


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("mp3", "audio/mpeg"),
        ("m4b", "audio/mp4"),
        ("opus", "audio/ogg"),
        ("flac", "audio/flac"),
        ("wav", "audio/wav"),
        ("vtt", "text/vtt; charset=utf-8"),
        ("chapters", "application/json+chapters"),
        ("timing", "application/json"),
    ],
)
async def test_each_kind_of_file_has_its_media_type(listener: Listener, kind: str, media_type: str) -> None:
    job_id = await completed(listener.services, {kind: b"content"})

    response = await listener.client.get(f"/v1/jobs/{job_id}/files/{kind}")

    assert (response.status_code, response.content) == (200, b"content")
    assert response.headers["content-type"] == media_type


async def test_what_nobody_knows_how_to_show_is_saved_and_not_run(listener: Listener) -> None:
    job_id = await completed(listener.services, {"html": b"<script>alert(1)</script>"})

    response = await listener.client.get(f"/v1/jobs/{job_id}/files/html")

    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment; ")


async def test_a_range_is_that_part_of_the_file_and_several_are_the_whole(listener: Listener, sound: bytes) -> None:
    content = sound
    job_id = await completed(listener.services, {"mp3": content})

    async def get(header: str) -> httpx.Response:
        return await listener.client.get(f"/v1/jobs/{job_id}/episode", headers={"Range": header})

    part = await get("bytes=1000-1999")
    assert (part.status_code, part.content) == (206, content[1_000:2_000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(content)}"
    assert (await get("bytes=-7")).content == content[-7:]
    assert (await get(f"bytes={len(content) - 3}-")).content == content[-3:]
    several = await get("bytes=0-0,5-9")
    assert (several.status_code, several.content) == (200, content)
    outside = await get(f"bytes={len(content)}-")
    assert (outside.status_code, outside.headers["content-range"]) == (416, f"bytes */{len(content)}")
    assert outside.json()["type"] == "/problems/range-unsatisfiable"
    head = await listener.client.head(f"/v1/jobs/{job_id}/episode", headers={"Range": "bytes=0-9"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(content)))


async def test_a_header_full_of_ranges_costs_nothing(listener: Listener) -> None:
    """CVE-2025-62727: a server that merges ranges takes time that grows with the square of their number."""
    job_id = await completed(listener.services, {"mp3": b"0123456789"})
    ranges = "bytes=" + ",".join(f"{index}-{index}" for index in range(0, 11_000, 2))
    assert len(ranges) > 50_000
    began = time.perf_counter()
    responses = await asyncio.gather(
        *(listener.client.get(f"/v1/jobs/{job_id}/episode", headers={"Range": ranges}) for _ in range(20))
    )
    assert {(response.status_code, response.content) for response in responses} == {(200, b"0123456789")}
    assert time.perf_counter() - began < 5


async def test_conditions_save_a_download_and_guard_one_that_goes_on(listener: Listener) -> None:
    job_id = await completed(listener.services, {"mp3": b"0123456789"})
    url = f"/v1/jobs/{job_id}/episode"

    async def is_strong() -> bool:
        return not (await listener.client.head(url)).headers["etag"].startswith("W/")

    await until(is_strong, "the ETag is strong")
    first = await listener.client.get(url)
    etag, modified = first.headers["etag"], first.headers["last-modified"]

    async def get(**headers: str) -> httpx.Response:
        return await listener.client.get(
            url, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    same = await get(if_none_match=etag)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert (await get(if_modified_since=modified)).status_code == 304
    assert (await get(if_none_match='"other"')).status_code == 200
    assert (await get(range="bytes=2-3", if_range=etag)).content == b"23"
    assert (await get(range="bytes=2-3", if_range=modified)).content == b"23"
    assert (await get(range="bytes=2-3", if_range='"other"')).content == b"0123456789"
    failed = await get(if_match='"other"')
    assert (failed.status_code, failed.json()["type"]) == (412, "/problems/precondition-failed")

    await listener.services.store.put(keys.episode(job_id, "mp3"), b"abcdefghij")

    assert (await get(range="bytes=2-3", if_range=etag)).content == b"abcdefghij"
    assert (await get(if_none_match=etag)).status_code == 200
    assert (await get(if_match=etag)).status_code == 412


async def test_a_job_without_files_says_in_which_state_it_is(listener: Listener) -> None:
    for state in ("synthesizing", "failed"):
        job_id = await completed(listener.services, {}, state=state)
        for path in ("episode", "files/vtt", "manifest"):
            response = await listener.client.get(f"/v1/jobs/{job_id}/{path}")
            assert (response.status_code, response.json()["type"]) == (409, "/problems/not-completed")
            assert state in response.json()["detail"]
    assert (await listener.client.get(f"/v1/jobs/{new_job_id()}/episode")).json()["type"] == "/problems/not-found"


async def test_an_address_names_all_the_methods_that_it_knows(listener: Listener) -> None:
    refused = await listener.client.put(f"/v1/jobs/{new_job_id()}/episode")

    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


async def test_a_kind_that_a_job_has_not_is_answered_with_those_it_has(listener: Listener) -> None:
    job_id = await completed(listener.services, {"mp3": b"mp3", "vtt": b"vtt"})

    for path in ("files/flac", "files/cover", "episode?format=wav"):
        response = await listener.client.get(f"/v1/jobs/{job_id}/{path}")
        assert (response.status_code, response.json()["type"]) == (404, "/problems/no-such-file")
        assert "It has mp3, vtt." in response.json()["detail"]


async def test_a_file_that_the_store_has_lost_is_named(listener: Listener) -> None:
    job_id = await completed(listener.services, {"mp3": b"mp3"})
    await listener.services.store.delete(keys.episode(job_id, "mp3"))

    response = await listener.client.get(f"/v1/jobs/{job_id}/episode")

    assert (response.status_code, response.json()["type"]) == (404, "/problems/file-lost")


@pytest.mark.parametrize("path", ["access/keys/0123456789ab.json", "jobs/{other}/episode.mp3", "jobs/{own}/../x"])
async def test_a_status_can_name_only_the_jobs_own_files(listener: Listener, path: str) -> None:
    other = await completed(listener.services, {"mp3": b"secret"})
    job_id = await completed(listener.services, {})
    now = time.time()
    files = {"mp3": path.format(other=other, own=job_id)}
    await put_status(
        listener.services,
        JobStatus(job_id=job_id, state="completed", files=files, submitted_at=now, updated_at=now),
    )

    response = await listener.client.get(f"/v1/jobs/{job_id}/episode")

    assert (response.status_code, response.json()["type"]) == (404, "/problems/file-lost")


@pytest.mark.parametrize(("content", "status"), [(PNG, 200), (b"\xff\xd8\xff" + b"\0" * 9, 200), (b"<html>", 404)])
async def test_a_cover_is_sent_if_it_is_a_picture(listener: Listener, content: bytes, status: int) -> None:
    job_id = await completed(listener.services, {"mp3": b"mp3"})
    cover = keys.source(job_id, "cover")
    await listener.services.store.put(cover, content)
    request = JobRequest(job_id=job_id, source=TextSource(text="x"), cover=cover)
    await listener.services.store.put(keys.request(job_id), request.model_dump_json().encode())

    response = await listener.client.get(f"/v1/jobs/{job_id}/files/cover")

    assert response.status_code == status
    if status == 200:
        assert response.content == content
        assert response.headers["content-type"] in {"image/png", "image/jpeg"}


async def test_a_cover_that_was_found_in_the_source_is_sent(listener: Listener) -> None:
    job_id = await completed(listener.services, {"mp3": b"mp3"})
    request = JobRequest(job_id=job_id, source=TextSource(text="x"))
    await listener.services.store.put(keys.request(job_id), request.model_dump_json().encode())
    await listener.services.store.put(keys.cover(job_id), b"\xff\xd8\xff" + b"\0" * 9)

    response = await listener.client.get(f"/v1/jobs/{job_id}/files/cover")

    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")


async def test_the_manifest_is_there_before_the_episode(listener: Listener) -> None:
    job_id = await completed(listener.services, {}, state="synthesizing")
    await listener.services.store.put(keys.manifest(job_id), b'{"chunks": []}')

    response = await listener.client.get(f"/v1/jobs/{job_id}/manifest")

    assert (response.status_code, response.json()) == (200, {"chunks": []})
    assert response.headers["content-type"] == "application/json"


async def test_curl_goes_on_with_a_download_that_was_cut(listener: Listener, sound: bytes, tmp_path: Path) -> None:
    content = sound
    job_id = await completed(listener.services, {"mp3": content})
    out = tmp_path / "episode.mp3"
    out.write_bytes(content[:100_000])
    url = f"{listener.url}/v1/jobs/{job_id}/episode"

    async def curl(*arguments: str) -> None:
        process = await asyncio.create_subprocess_exec(
            "curl", "-sSf", "-H", f"Authorization: Bearer {STACK_KEY}", "-o", str(out), *arguments, url
        )
        assert await process.wait() == 0

    await curl("-C", "-")
    assert out.read_bytes() == content
    await curl("-r", "5-9")
    assert out.read_bytes() == content[5:10]


async def test_ffmpeg_seeks_in_an_episode(listener: Listener, sound: bytes) -> None:
    job_id = await completed(listener.services, {"mp3": sound})
    url = f"{listener.url}/v1/jobs/{job_id}/episode"
    headers = f"Authorization: Bearer {STACK_KEY}\r\n"

    def seconds() -> float:
        found = subprocess.run(
            ["ffprobe", "-v", "error", "-headers", headers, "-show_entries", "format=duration", "-of", "csv=p=0", url],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return float(found.stdout)

    def from_the_end() -> bytes:
        found = subprocess.run(
            ["ffmpeg", "-v", "error", "-headers", headers, "-ss", "55", "-i", url,
             "-f", "s16le", "-ac", "1", "-ar", "8000", "-"],
            check=True, capture_output=True,
        )  # fmt: skip
        return found.stdout

    assert await asyncio.to_thread(seconds) == pytest.approx(60, abs=0.2)
    assert len(await asyncio.to_thread(from_the_end)) / 16_000 == pytest.approx(5, abs=0.3)


async def test_the_store_itself_sends_a_file_if_a_setting_says_so(
    rabbitmq: RabbitServer, s3_store_url: str, tmp_path: Path
) -> None:
    amqp_url = rabbitmq.vhost()
    with Services({**environment(amqp_url, s3_store_url), "PODCAST_GATEWAY_REDIRECT_SECONDS": "60"}, tmp_path) as own:
        (worker,) = own.start("gateway")
        await own.ready()
        job_id = await completed(own, {"mp3": b"0123456789"})
        url = f"/v1/jobs/{job_id}/episode"
        async with with_key(worker.health_url) as client:
            redirect = await client.get(url)
            assert (redirect.status_code, redirect.headers["cache-control"]) == (307, "no-store")
            async with httpx.AsyncClient() as anyone:
                part = await anyone.get(redirect.headers["location"], headers={"Range": "bytes=2-4"})
            assert (part.status_code, part.content) == (206, b"234")
            assert part.headers["content-type"] == "audio/mpeg"
            assert part.headers["content-disposition"].startswith('inline; filename="Grue-the-Ferry')
            assert (await client.head(url)).headers["content-length"] == "10"
            async with httpx.AsyncClient(base_url=worker.health_url) as stranger:
                assert (await stranger.get(url)).status_code == 401
    rabbitmq.drop_vhost(amqp_url)
