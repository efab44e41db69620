"""Submitting a job over HTTP and looking at it."""

from __future__ import annotations

from shared.protocol.messages import JobRequest
from shared.store import keys
from tests.integration.gateway.conftest import Gateway


async def test_a_text_becomes_a_job(gateway: Gateway) -> None:
    response = await gateway.client.post("/v1/jobs", json={"text": "Hello.", "title": "Greetings"})

    assert response.status_code == 202, response.text
    job_id = response.json()["job_id"]
    assert response.headers["location"] == f"/v1/jobs/{job_id}"
    request = JobRequest.model_validate_json(await gateway.store.get(keys.request(job_id)))
    assert (request.title, request.source.kind) == ("Greetings", "text")
    assert await gateway.services.ready_messages("chunker") == 1
    shown = await gateway.client.get(response.headers["location"])
    assert (shown.status_code, shown.json()["state"]) == (200, "queued")


async def test_an_unknown_job_is_a_problem(gateway: Gateway) -> None:
    response = await gateway.client.get("/v1/jobs/nobody")

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "/problems/not-found"
