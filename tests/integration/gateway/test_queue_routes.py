"""The queues over HTTP: counted, paused and resumed, by those who may."""

from __future__ import annotations

import contextlib
import time
from typing import Any, Final

import httpx
import pytest

from podcast_client import AsyncPodcastClient
from services.cli.backends.direct import DirectBackend
from services.cli.backends.over_http import HttpBackend
from shared.client import api_keys
from shared.protocol.messages import JobStatus
from shared.store import keys, queue_states
from tests.integration.gateway.conftest import STACK_KEY, Gateway
from tests.waiting import until

PAUSED: Final = "The queue synthesizer is paused (too dear); `podcast queues resume synthesizer` resumes it."


async def listed(gateway: Gateway) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in (await gateway.client.get("/v1/queues")).json()["queues"]}


async def test_the_queues_are_counted(gateway: Gateway) -> None:
    await gateway.client.post("/v1/jobs", json={"text": "Hello."})
    queues = await listed(gateway)
    assert queues["chunker"]["ready"] == 1
    assert queues["chunker"]["consumers"] == 0
    assert queues["synthesizer"]["dead"] == 0


async def test_a_queue_is_paused_and_resumed_and_the_audit_log_says_by_whom(gateway: Gateway) -> None:
    assert [name for name, one in (await listed(gateway)).items() if one["can_pause"]] == [
        "chunker",
        "synthesizer",
        "assembler",
    ]
    paused = await gateway.client.patch("/v1/queues/synthesizer", json={"paused": True, "reason": "too dear"})
    assert paused.status_code == 200, paused.text
    shown = (await listed(gateway))["synthesizer"]
    assert shown["paused_at"] == paused.json()["paused_at"] is not None
    assert shown["paused_reason"] == "too dear"
    assert (await listed(gateway))["assembler"]["paused_at"] is None

    resumed = await gateway.client.patch("/v1/queues/synthesizer", json={"paused": False})
    assert (resumed.json()["paused_at"], resumed.json()["paused_reason"]) == (None, "")
    assert (await listed(gateway))["synthesizer"]["paused_at"] is None
    records = (await gateway.client.get("/v1/audit")).json()["records"]
    assert [(one["action"], one["target"], one["details"]["reason"]) for one in records] == [
        ("queue.resume", "synthesizer", ""),
        ("queue.pause", "synthesizer", "too dear"),
    ]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("coordinator", {"paused": True}),
        ("nobody", {"paused": True}),
        ("chunker", {}),
        ("chunker", {"paused": True, "reason": "x" * 501}),
        ("chunker", {"paused": True, "reason": "two\nlines"}),
        ("chunker", {"paused": True, "other": 1}),
    ],
)
async def test_what_makes_no_sense_is_refused(gateway: Gateway, name: str, body: dict[str, Any]) -> None:
    refused = await gateway.client.patch(f"/v1/queues/{name}", json=body)
    assert refused.status_code == 422, refused.text
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_key_that_may_only_read_pauses_nothing(gateway: Gateway) -> None:
    store = gateway.services.store
    token = api_keys.new_token()
    await api_keys.add(store, api_keys.key_of(token, name="reader", scopes=("read",)))
    async with httpx.AsyncClient(base_url=gateway.url, headers={"Authorization": f"Bearer {token}"}) as client:
        assert (await client.get("/v1/queues")).status_code == 200
        assert (await client.patch("/v1/queues/chunker", json={"paused": True})).status_code == 403
    assert not (await queue_states.read(store, "chunker")).is_paused


@pytest.mark.parametrize("over_http", [True, False], ids=["over-http", "directly"])
async def test_whoever_waits_for_a_job_is_told_that_a_queue_is_paused(gateway: Gateway, over_http: bool) -> None:
    await queue_states.pause(gateway.store, "synthesizer", reason="too dear")

    async def is_known() -> bool:  # the gateway may have looked a moment ago
        return (await listed(gateway))["synthesizer"]["paused_at"] is not None

    await until(is_known, "the gateway knows it")
    now = time.time()
    for job_id, state in (("waits", "synthesizing"), ("ended", "completed")):
        status = JobStatus(job_id=job_id, state=state, submitted_at=now, updated_at=now)  # type: ignore[arg-type]
        await gateway.store.put(keys.status(job_id), status.model_dump_json().encode())
    said: list[str] = []
    async with AsyncPodcastClient(gateway.url, STACK_KEY) as client:
        backend = HttpBackend(client, gateway.settings) if over_http else DirectBackend(gateway.settings)
        for job_id, told in (("ended", []), ("waits", [PAUSED])):
            async with contextlib.aclosing(
                backend.follow(job_id, retried=lambda _: None, say=said.append)  # type: ignore[type-var]
            ) as statuses:
                assert (await anext(statuses)).job_id == job_id
            assert said == told
