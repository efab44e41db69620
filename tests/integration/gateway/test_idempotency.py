"""`Idempotency-Key`: the same request sent again makes no second job, wherever and whenever it arrives."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from shared.client import deleting, idempotency, pruning
from shared.client.idempotency import Claim
from shared.client.job_pages import jobs_page
from shared.protocol.messages import JobRequest, JobStatus
from shared.store import keys
from shared.store.port import Store
from tests.integration.gateway.conftest import Gateway, with_key
from tests.servers.proxy import Proxy
from tests.servers.services import Services, Worker
from tests.waiting import until

SUBMITTED = "chunker"
TEXT = {"text": "Words.", "title": "T"}


async def send(client: httpx.AsyncClient, key: str, **body: Any) -> httpx.Response:
    return await client.post("/v1/jobs", headers={"Idempotency-Key": key}, **body or {"json": TEXT})


async def jobs_of(store: Store) -> list[str]:
    return [status.job_id for status in (await jobs_page(store)).jobs]


def claim_of(key: str) -> str:
    return keys.idempotency("stack", hashlib.sha256(key.encode()).hexdigest())


@pytest.fixture(scope="module")
def second_replica(module_services: Services) -> Worker:
    (worker,) = module_services.start("gateway")
    asyncio.run(module_services.ready())
    return worker


@pytest.fixture
async def other(second_replica: Worker) -> AsyncIterator[httpx.AsyncClient]:
    """A client of another replica."""
    async with with_key(second_replica.health_url) as client:
        yield client


async def test_the_same_request_gets_the_same_answer_also_at_another_replica(
    gateway: Gateway, other: httpx.AsyncClient
) -> None:
    book = {"files": {"file": ("a.md", b"# Words\n" * 20_000)}, "data": {"options": '{"title": "T"}'}}
    first = [await send(gateway.client, "k"), await send(gateway.client, "form", **book)]
    again = [await send(client, "k") for client in (gateway.client, other)]
    again_form = [await send(client, "form", **book) for client in (gateway.client, other)]

    assert {response.status_code for response in (*first, *again, *again_form)} == {202}
    assert [each.json() for each in again] == [first[0].json()] * 2
    assert [each.json() for each in again_form] == [first[1].json()] * 2
    assert {each.headers["location"] for each in again} == {first[0].headers["location"]}
    assert len(await jobs_of(gateway.store)) == 2
    assert await gateway.services.ready_messages(SUBMITTED) == 2


@pytest.mark.parametrize(
    "another",
    [
        {"json": {**TEXT, "text": "Other words."}},
        {"json": {**TEXT, "speed": 1.5}},
        {"files": {"file": ("a.txt", b"Words.")}, "data": {"options": '{"title": "T"}'}},
    ],
)
async def test_another_request_with_the_same_key_is_refused(gateway: Gateway, another: dict[str, Any]) -> None:
    first = await send(gateway.client, "k")
    response = await send(gateway.client, "k", **another)

    assert (response.status_code, response.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert await jobs_of(gateway.store) == [first.json()["job_id"]]
    assert await gateway.services.ready_messages(SUBMITTED) == 1


async def test_a_default_that_is_spelled_out_is_the_same_request(gateway: Gateway) -> None:
    first = await send(gateway.client, "k")
    again = await send(gateway.client, "k", json={**TEXT, "speed": 1, "formats": ["mp3"], "voice": None})
    assert again.json() == first.json()


async def test_two_owners_may_use_the_same_key(gateway: Gateway) -> None:
    async with with_key(gateway.url, await gateway.key("submit")) as stranger:
        responses = [await send(gateway.client, "k"), await send(stranger, "k", json={"text": "Other words."})]
    assert [response.status_code for response in responses] == [202, 202]
    assert len(await jobs_of(gateway.store)) == 2


async def test_of_many_at_the_same_moment_at_two_replicas_one_makes_the_job(
    gateway: Gateway, other: httpx.AsyncClient
) -> None:
    for number in range(5):
        book = {"files": {"file": ("a.md", f"# Words {number}\n".encode() * 20_000)}}
        responses = await asyncio.gather(
            *(send(client, f"k{number}", **book) for client in (gateway.client, other) for _ in range(8))
        )
        assert {response.status_code for response in responses} == {202}
        assert len({response.json()["job_id"] for response in responses}) == 1
    assert len(await jobs_of(gateway.store)) == 5
    for job_id in await jobs_of(gateway.store):
        documents = [key async for key in gateway.store.list(f"jobs/{job_id}/source/")]
        assert len(documents) == 1, "one document, of one request"


async def test_of_different_requests_at_the_same_moment_one_wins_and_the_others_are_refused(gateway: Gateway) -> None:
    responses = await asyncio.gather(
        *(send(gateway.client, "k", json={"text": f"Words {number}."}) for number in range(16))
    )
    assert sorted(response.status_code for response in responses) == [202] + [422] * 15
    assert len(await jobs_of(gateway.store)) == 1


@pytest.mark.parametrize("after", ["the claim", "the document", "the request"])
async def test_a_gateway_that_was_killed_half_way_leaves_a_job_that_the_next_try_finishes(
    gateway: Gateway, other: httpx.AsyncClient, after: str
) -> None:
    book = {"files": {"file": ("a.md", b"# Words\n" * 20_000)}}
    whole = await send(other, "whole", **book)
    store = gateway.store
    job_id = whole.json()["job_id"]
    name = claim_of("whole")
    # What a gateway that was killed after each step has left: the objects of the steps before, and nothing published.
    claimed = Claim.model_validate_json(await store.get(name)).model_copy(update={"published": False})
    await store.put(name, claimed.model_dump_json().encode())
    if after != "the request":
        await store.delete(keys.request(job_id))
    if after == "the claim":
        for key in [key async for key in store.list(f"jobs/{job_id}/source/")]:
            await store.delete(key)
    before = await gateway.services.ready_messages(SUBMITTED)

    again = await send(gateway.client, "whole", **book)

    assert (again.status_code, again.json()) == (202, whole.json())
    request = JobRequest.model_validate_json(await store.get(keys.request(job_id)))
    assert request.source.kind == "object"
    assert await store.get(request.source.key) == b"# Words\n" * 20_000
    assert await gateway.services.ready_messages(SUBMITTED) == before + 1
    assert Claim.model_validate_json(await store.get(name)).published


async def test_a_gateway_that_is_killed_between_storing_and_publishing_is_made_good_by_a_repetition(
    gateway: Gateway, other: httpx.AsyncClient
) -> None:
    book = {"files": {"file": ("a.md", b"# Words\n" * 20_000)}}
    amqp_url = gateway.settings.amqp_url
    with Proxy(urlsplit(amqp_url).port or 5672) as proxy:
        (victim,) = gateway.services.start("gateway", PODCAST_AMQP_URL=proxy.in_front_of(amqp_url))
        await gateway.services.ready()
        proxy.break_as("stall")

        async def send_to_the_victim() -> httpx.Response:
            async with with_key(victim.health_url) as client:
                return await send(client, "k", **book)

        sending = asyncio.create_task(send_to_the_victim())

        async def stored() -> bool:
            jobs = await jobs_of(gateway.store)
            return bool(jobs) and await gateway.store.exists(keys.request(jobs[0])) and proxy.bites["stall"] > 0

        await until(stored, "the request is stored and its message is held back")
        gateway.services.kill(victim)
        gateway.services.workers.remove(victim)
        with pytest.raises(httpx.HTTPError):
            await sending
    assert await gateway.services.ready_messages(SUBMITTED) == 0

    again = await send(other, "k", **book)

    assert again.status_code == 202
    assert await jobs_of(gateway.store) == [again.json()["job_id"]]
    assert await gateway.services.ready_messages(SUBMITTED) == 1


async def test_while_the_broker_is_down_nothing_is_stored_and_the_key_is_still_good(
    gateway: Gateway,
) -> None:
    (worker,) = gateway.services.start("gateway", PODCAST_AMQP_URL="amqp://guest:guest@127.0.0.1:9/")

    async def answers() -> bool:
        try:
            async with with_key(worker.health_url) as client:
                return (await client.get("/healthz")).status_code == 200
        except httpx.HTTPError:
            return False

    await until(answers, "the gateway answers")
    async with with_key(worker.health_url) as client:
        refused = await send(client, "k")
    gateway.services.kill(worker)
    gateway.services.workers.remove(worker)
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
    assert "Idempotency-Key" in refused.json()["detail"]
    assert "retry-after" in refused.headers
    assert [key async for key in gateway.store.list(keys.JOBS)] == []
    assert (await send(gateway.client, "k")).status_code == 202


async def test_the_key_of_a_deleted_job_does_not_make_it_again(gateway: Gateway) -> None:
    first = await send(gateway.client, "k")
    job_id = first.json()["job_id"]
    ended = JobStatus(job_id=job_id, state="cancelled", submitted_at=1.0, updated_at=2.0)
    await gateway.store.put(keys.status(job_id), ended.model_dump_json().encode())
    await deleting.delete_job(gateway.store, job_id)

    again = await send(gateway.client, "k")

    assert (again.status_code, again.json()) == (202, first.json())
    assert await jobs_of(gateway.store) == []


async def test_an_old_key_is_free_again(gateway: Gateway) -> None:
    first = await send(gateway.client, "k")
    name = claim_of("k")
    old = Claim.model_validate_json(await gateway.store.get(name)).model_copy(
        update={"created_at": time.time() - idempotency.LIFETIME_SECONDS - 1}
    )
    await gateway.store.put(name, old.model_dump_json().encode())

    second = await send(gateway.client, "k", json={"text": "Other words."})

    assert second.status_code == 202
    assert second.json()["job_id"] != first.json()["job_id"]


async def test_pruning_removes_keys_that_have_outlived_their_time(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(gateway.client, "k")
    kept = await pruning.prune(gateway.store, older_than_seconds=1e9, job_deadline_seconds=1e9)
    monkeypatch.setattr(idempotency, "LIFETIME_SECONDS", -1.0)
    would = await pruning.prune(gateway.store, older_than_seconds=1e9, job_deadline_seconds=1e9, dry_run=True)
    done = await pruning.prune(gateway.store, older_than_seconds=1e9, job_deadline_seconds=1e9)

    assert [each.idempotency_keys for each in (kept, would, done)] == [0, 1, 1]
    assert [key async for key in gateway.store.list(keys.IDEMPOTENCY)] == []


@pytest.mark.parametrize("key", ["", "k" * 256, "a b"])
async def test_a_malformed_key_is_refused(gateway: Gateway, key: str) -> None:
    response = await send(gateway.client, key)
    assert response.status_code == 422
    assert await jobs_of(gateway.store) == []
