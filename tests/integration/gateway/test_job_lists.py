"""Lists of jobs and chunks over HTTP: pages that follow each other, filters, and what cannot be done to a job."""

from __future__ import annotations

import time
from typing import Any

import pytest

from shared.client import job_ids
from shared.protocol.messages import (
    ChunkCounts,
    ChunkFailure,
    JobState,
    JobStatus,
    new_job_id,
)
from shared.store import keys
from tests.integration.gateway.conftest import Gateway
from tests.manifests import manifest
from tests.unit.cli.test_job_pages import an_id


async def put(gateway: Gateway, job_id: str, state: JobState = "completed", **fields: Any) -> str:
    status = JobStatus(
        job_id=job_id, state=state, **{"submitted_at": 1_000.0, "updated_at": 1_001.0, "title": job_id, **fields}
    )
    await gateway.store.put(keys.status(job_id), status.model_dump_json().encode())
    return job_id


async def pages(gateway: Gateway, **query: Any) -> list[list[str]]:
    """The ids on each page, following the `Link` header."""
    found: list[list[str]] = []
    response = await gateway.client.get("/v1/jobs", params=query)
    while True:
        assert response.status_code == 200, response.text
        found.append([job["job_id"] for job in response.json()["jobs"]])
        if response.json()["next"] is None:
            assert "link" not in response.headers
            return found
        response = await gateway.client.get(response.links["next"]["url"])


def joined(found: list[list[str]]) -> list[str]:
    return [job_id for page in found for job_id in page]


async def test_pages_follow_each_other_newest_first(gateway: Gateway) -> None:
    ids = sorted([await put(gateway, new_job_id()) for _ in range(7)], reverse=True)
    assert await pages(gateway, limit=3) == [ids[:3], ids[3:6], ids[6:]]
    assert await pages(gateway) == [ids]
    gone = ids[3]
    await gateway.store.delete(keys.status(gone))
    assert (await pages(gateway, cursor=gone))[0] == ids[4:]


async def test_jobs_are_filtered_by_state_title_and_time_and_links_keep_the_filter(gateway: Gateway) -> None:
    now = time.time()
    ids = [an_id(now - 1_000 + 100 * number) for number in range(10)]
    for number, job_id in enumerate(ids):
        await put(gateway, job_id, "failed" if number % 2 else "cancelled", title=f"Ünïcode & Title {number}")
    await put(gateway, an_id(now - 50), "completed")

    failed = [ids[number] for number in (9, 7, 5, 3, 1)]
    assert joined(await pages(gateway, state="failed", limit=2)) == failed
    assert joined(await pages(gateway, state=["failed", "cancelled"], limit=4)) == ids[::-1]
    assert joined(await pages(gateway, title="ünïcode & title", limit=4)) == ids[::-1]
    assert await pages(gateway, title="TITLE 3") == [[ids[3]]]
    assert await pages(gateway, since=now - 750, until=now - 550) == [[ids[4], ids[3]]]
    assert await pages(gateway, since=now - 750, until=now - 550, state="failed", title="title") == [[ids[3]]]
    assert await pages(gateway, state="synthesizing") == [[]]


async def test_a_filter_that_finds_little_answers_with_an_empty_page_and_goes_on(gateway: Gateway) -> None:
    now = time.time()
    ids = [an_id(now - 2_000 + number) for number in range(1_200)]
    for job_id in ids:
        await put(gateway, job_id)
    await put(gateway, ids[10], "failed")

    found = await pages(gateway, state="failed")

    assert [page for page in found if page] == [[ids[10]]]
    assert 2 <= len(found) <= 4


async def test_a_job_that_cannot_be_read_hides_no_other(gateway: Gateway) -> None:
    good = await put(gateway, new_job_id())
    bad = new_job_id()
    await gateway.store.put(keys.status(bad), b"no status")
    listed = (await gateway.client.get("/v1/jobs")).json()
    shown = await gateway.client.get(f"/v1/jobs/{bad}")

    assert ([job["job_id"] for job in listed["jobs"]], listed["unreadable"]) == ([good], [bad])
    assert (shown.status_code, shown.json()["type"]) == (500, "/problems/unreadable-job")
    assert (await gateway.client.delete(f"/v1/jobs/{bad}?purge=true")).status_code == 204


async def test_the_chunks_of_a_job_say_what_is_done_and_why_the_others_are_not(gateway: Gateway) -> None:
    job_id = new_job_id()
    made = manifest(["a", "b", "c", "b", "d"], job_id=job_id)
    await gateway.store.put(keys.manifest(job_id), made.model_dump_json().encode())
    await gateway.store.put(made.chunks[0].audio_key, b"not a chunk that can be measured")
    failure = ChunkFailure(index=1, text="b", reason="The voice is unknown.", attempts=3)
    await put(gateway, job_id, "failed", chunks=ChunkCounts(total=5, done=1, failed=2), failures=(failure,))

    page = (await gateway.client.get(f"/v1/jobs/{job_id}/chunks?limit=4")).json()

    assert (page["total"], page["next"]) == (5, "4")
    assert [(each["state"], each["attempts"], each["reason"]) for each in page["chunks"]] == [
        ("done", None, None),
        ("failed", 3, "The voice is unknown."),
        ("waiting", None, None),
        ("failed", 3, "The voice is unknown."),
    ]
    assert page["chunks"][0]["audio_seconds"] is None
    rest = (await gateway.client.get(f"/v1/jobs/{job_id}/chunks?cursor=4")).json()
    assert ([each["text"] for each in rest["chunks"]], rest["next"]) == (["d"], None)
    past = (await gateway.client.get(f"/v1/jobs/{job_id}/chunks?cursor=999999")).json()
    assert (past["chunks"], past["next"]) == ([], None)


async def test_a_corrected_chunk_is_shown_as_it_was_corrected_also_in_the_manifest(gateway: Gateway) -> None:
    job_id = new_job_id()
    made = manifest(["a", "b"], job_id=job_id)
    await gateway.store.put(keys.manifest(job_id), made.model_dump_json().encode())
    request = made.chunk_request(1).model_copy(update={"text": "B", "audio_key": f"audio/{'0' * 64}.flac"})
    corrected = made.corrected(request).model_dump_json().encode()
    await gateway.store.put(keys.corrected_manifest(job_id), corrected)
    await put(gateway, job_id, "synthesizing", chunks=ChunkCounts(total=2, done=0, failed=0))
    page = (await gateway.client.get(f"/v1/jobs/{job_id}/chunks")).json()
    assert [each["text"] for each in page["chunks"]] == ["a", "B"]
    assert (await gateway.client.get(f"/v1/jobs/{job_id}/manifest")).content == corrected


async def test_a_job_without_a_manifest_has_no_chunks_yet(gateway: Gateway) -> None:
    job_id = await put(gateway, new_job_id(), "chunking")
    page = (await gateway.client.get(f"/v1/jobs/{job_id}/chunks")).json()
    assert page == {"total": 0, "chunks": [], "next": None}
    await gateway.store.put(keys.manifest(job_id), b'{"chunks": 7}')
    broken = await gateway.client.get(f"/v1/jobs/{job_id}/chunks")
    assert (broken.status_code, broken.json()["type"]) == (500, "/problems/unreadable-job")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/chunks"),
        ("DELETE", ""),
        ("DELETE", "?purge=true"),
        ("POST", "/retry"),
    ],
)
async def test_of_a_job_that_does_not_exist_there_is_nothing(gateway: Gateway, method: str, path: str) -> None:
    began = time.monotonic()
    response = await gateway.client.request(method, f"/v1/jobs/{new_job_id()}{path}")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")
    assert time.monotonic() - began < 2, "nobody waits for a job that is not there"


@pytest.mark.parametrize(
    ("state", "problem"),
    [("queued", "job-running"), ("synthesizing", "job-running"), ("completed", "job-completed")],
)
async def test_a_job_that_is_under_way_or_completed_cannot_be_retried(
    gateway: Gateway, state: JobState, problem: str
) -> None:
    job_id = await put(gateway, new_job_id(), state)
    before = await gateway.services.ready_messages("coordinator")
    response = await gateway.client.post(f"/v1/jobs/{job_id}/retry")
    assert (response.status_code, response.json()["type"]) == (409, f"/problems/{problem}")
    assert await gateway.services.ready_messages("coordinator") == before


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
async def test_cancelling_a_job_that_has_ended_changes_nothing(gateway: Gateway, state: JobState) -> None:
    job_id = await put(gateway, new_job_id(), state)
    before = await gateway.services.ready_messages("coordinator")
    response = await gateway.client.delete(f"/v1/jobs/{job_id}")
    assert (response.status_code, response.json()["state"]) == (202, state)
    assert await gateway.services.ready_messages("coordinator") == before


async def test_a_purge_that_cannot_stop_the_job_in_time_deletes_nothing(gateway: Gateway) -> None:
    job_id = await put(gateway, new_job_id(), "synthesizing")
    response = await gateway.client.delete(f"/v1/jobs/{job_id}?purge=true")
    assert (response.status_code, response.json()["type"]) == (409, "/problems/not-ended")
    assert await gateway.store.exists(keys.status(job_id))


async def test_pruning_removes_what_ended_long_ago_and_says_what(gateway: Gateway) -> None:
    now = time.time()
    old = await put(gateway, an_id(now - 100_000), updated_at=now - 90_000)
    new = await put(gateway, an_id(now - 90_000), updated_at=now - 10)
    tried = await gateway.client.post("/v1/prune", json={"older_than_seconds": 3_600, "dry_run": True})
    assert (tried.status_code, tried.json()["jobs"], tried.json()["dry_run"]) == (200, [old], True)
    assert await gateway.store.exists(keys.status(old))
    done = await gateway.client.post("/v1/prune", json={"older_than_seconds": 3_600})
    assert (done.status_code, done.json()["jobs"], done.json()["job_objects"]) == (200, [old], 1)
    assert [await gateway.store.exists(keys.status(job_id)) for job_id in (old, new)] == [False, True]


async def test_reading_needs_another_scope_than_changing(gateway: Gateway) -> None:
    job_id = await put(gateway, new_job_id())
    token = await gateway.key("read")
    headers = {"Authorization": f"Bearer {token}"}
    refused = [
        await gateway.client.request(method, path, headers=headers, json={})
        for method, path in (
            ("DELETE", f"/v1/jobs/{job_id}"),
            ("POST", f"/v1/jobs/{job_id}/retry"),
            ("POST", "/v1/prune"),
            ("POST", "/v1/jobs"),
        )
    ]
    assert {response.status_code for response in refused} == {403}
    older = await gateway.client.post("/webhook/create-podcast", headers=headers, json={"text": "x"})
    assert (older.status_code, older.json()["success"]) == (403, False)
    assert (await gateway.client.get(f"/v1/jobs/{job_id}", headers=headers)).status_code == 200


def test_what_sorts_before_an_id_of_a_time_is_older() -> None:
    now = time.time()
    assert an_id(now - 1) < job_ids.first_at(now) < an_id(now + 1)
