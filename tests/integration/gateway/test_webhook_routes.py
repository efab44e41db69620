"""Webhook endpoints over HTTP, and a job's own address: secrets are shown once, forbidden addresses refused at once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from standardwebhooks import WebhookVerificationError

from shared.client import webhook_endpoints
from shared.client.webhook_secrets import new_secret
from shared.protocol.messages import JobCompleted, JobRequest
from shared.store import keys
from tests.corpus.addresses import FORBIDDEN, NO_WEB_ADDRESS
from tests.integration.gateway.conftest import Gateway, environment, with_key
from tests.servers.services import Services
from tests.servers.webhook_receiver import Received, WebhookReceiver, accepting
from tests.waiting import until

URL = "https://example.org/hooks"


@pytest.fixture
async def sending(amqp_url: str, file_store_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway and the service that sends webhooks, also to this machine."""
    settings = {**environment(amqp_url, file_store_url), "PODCAST_WEBHOOK_ALLOW": "127.0.0.0/8"}
    with Services(settings, tmp_path / "logs") as services:
        worker, _ = services.start("gateway", "webhooks")
        await services.ready()
        async with with_key(worker.health_url) as client:
            yield Gateway(services, worker, client)


async def test_an_endpoint_is_made_shown_changed_and_removed(gateway: Gateway) -> None:
    made = await gateway.client.post("/v1/webhooks", json={"url": URL, "description": "news", "events": ["job.failed"]})
    assert made.status_code == 201, made.text
    secret = made.json()["secret"]
    where = made.headers["location"]

    shown = (await gateway.client.get(where)).json()
    assert shown == {name: value for name, value in made.json().items() if name != "secret"}
    assert (shown["url"], shown["events"], shown["enabled"]) == (URL, ["job.failed"], True)

    changed = await gateway.client.patch(where, json={"events": ["job.completed", "job.failed"], "enabled": False})
    assert changed.json()["events"] == ["job.completed", "job.failed"]
    assert (changed.json()["enabled"], changed.json()["description"]) == (False, "news")
    assert (await gateway.client.post(f"{where}/test")).json()["type"] == "/problems/endpoint-disabled"
    again = await gateway.client.patch(where, json={"enabled": True, "url": "https://example.org/other"})
    assert (again.json()["enabled"], again.json()["disabled_reason"]) == (True, None)

    rotated = await gateway.client.post(f"{where}/rotate")
    assert rotated.json()["secret"] not in {secret, ""}
    assert rotated.json()["rotating_until"] > rotated.json()["rotated_at"]
    listed = await gateway.client.get("/v1/webhooks")
    for told in (listed.text, shown, changed.text, again.text, gateway.services.log("gateway")):
        assert "whsec_" not in str(told)

    assert (await gateway.client.delete(where)).status_code == 204
    for response in (await gateway.client.get(where), await gateway.client.delete(where)):
        assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")


async def test_endpoints_are_listed_in_pages(gateway: Gateway) -> None:
    made = [(await gateway.client.post("/v1/webhooks", json={"url": f"{URL}/{n}"})).json()["id"] for n in range(5)]
    listed: list[str] = []
    where: str | None = "/v1/webhooks?limit=2"
    while where is not None:
        response = await gateway.client.get(where)
        listed += [one["id"] for one in response.json()["webhooks"]]
        link = response.headers.get("link")
        assert (link is None) == (response.json()["next"] is None)
        where = link.partition(">")[0].removeprefix("<") if link else None
    assert listed == made


async def test_there_is_a_limit_to_endpoints(gateway: Gateway) -> None:
    for _ in range(webhook_endpoints.ENDPOINTS_LIMIT):
        await webhook_endpoints.add(gateway.store, webhook_endpoints.new_endpoint(URL))
    response = await gateway.client.post("/v1/webhooks", json={"url": URL})
    assert (response.status_code, response.json()["type"]) == (422, "/problems/bad-input")


async def test_addresses_that_are_not_public_are_refused_before_anything_is_made(gateway: Gateway) -> None:
    for url in [address.url for address in FORBIDDEN] + [
        *NO_WEB_ADDRESS[:-1],
        "http://",
        "https://user:hunter2@example.org/",
    ]:
        if url == "http:///etc/passwd":
            continue  # a browser reads http://etc/passwd: a name, which is looked up when something is sent to it
        for response in (
            await gateway.client.post("/v1/webhooks", json={"url": url}),
            await gateway.client.post("/v1/jobs", json={"text": "Hello.", "webhook_url": url}),
        ):
            assert response.status_code == 422, url
            assert "hunter2" not in response.text
    assert (await gateway.client.get("/v1/webhooks")).json() == {"webhooks": [], "next": None}
    assert await gateway.services.ready_messages("chunker") == 0


async def test_without_the_scope_nothing_is_told(gateway: Gateway) -> None:
    made = (await gateway.client.post("/v1/webhooks", json={"url": URL})).json()
    async with with_key(gateway.url, await gateway.key("submit", "read")) as client:
        responses = [
            await client.get("/v1/webhooks"),
            await client.post("/v1/webhooks", content=b"{"),
            await client.get(f"/v1/webhooks/{made['id']}"),
            await client.patch(f"/v1/webhooks/{made['id']}", json={}),
            await client.delete("/v1/webhooks/nobody"),
            await client.post(f"/v1/webhooks/{made['id']}/rotate"),
            await client.post(f"/v1/webhooks/{made['id']}/test"),
        ]
    assert {response.status_code for response in responses} == {403}


async def test_a_secret_that_cannot_sign_is_refused_without_being_quoted(gateway: Gateway) -> None:
    wrong = ["whsec_!", "whsec_" + "A" * 12, "whsec_" + "A" * 33, "no secret", "whsec_" + "!" * 44]
    documents = [{"webhook_url": URL, "webhook_secret": secret} for secret in wrong]
    for document in [*documents, {"webhook_secret": new_secret()}]:
        response = await gateway.client.post("/v1/jobs", json={"text": "Hello.", **document})
        assert response.status_code == 422, document
        assert "webhook secret" in response.json()["detail"]
        assert document["webhook_secret"] not in response.text
    assert await gateway.services.ready_messages("chunker") == 0


async def test_the_secret_of_a_jobs_own_address_is_in_no_message_and_no_answer(gateway: Gateway) -> None:
    secret = new_secret()
    response = await gateway.client.post(
        "/v1/jobs", json={"text": "Hello.", "webhook_url": URL, "webhook_secret": secret}
    )
    assert response.status_code == 202, response.text
    job_id = response.json()["job_id"]
    stored = await gateway.store.get(keys.request(job_id))
    request = JobRequest.model_validate_json(stored)
    assert request.webhook is not None
    assert request.webhook.secret_key is not None
    assert str(request.webhook.url) == URL
    assert secret in (await gateway.store.get(request.webhook.secret_key)).decode()
    shown = await gateway.client.get(f"/v1/jobs/{job_id}")
    for told in (response.text, shown.text, stored.decode(), gateway.services.log("gateway")):
        assert secret not in told


async def test_a_test_and_a_jobs_end_arrive_signed(sending: Gateway) -> None:
    secret = new_secret()
    async with WebhookReceiver(accepting).listening() as there:
        made = (await sending.client.post("/v1/webhooks", json={"url": there.url})).json()
        tested = await sending.client.post(f"/v1/webhooks/{made['id']}/test")
        assert tested.status_code == 202, tested.text
        await until(lambda: there.received, "the test arrives")
        (got,) = there.received
        assert got.webhook_id == tested.json()["webhook_id"]
        assert got.verified(made["secret"])["type"] == "webhook.test"

        job = await sending.client.post(
            "/v1/jobs", json={"text": "Hello.", "webhook_url": there.url, "webhook_secret": secret}
        )
        job_id = job.json()["job_id"]
        async with sending.services.publisher() as publish:
            await publish.durable_event(
                JobCompleted(
                    job_id=job_id,
                    title="Greetings",
                    submitted_at=4e9,
                    ended_at=4e9,
                    files={"mp3": keys.episode(job_id, "mp3")},
                    audio_seconds=1.5,
                )
            )
        await until(lambda: len(there.received) == 3, "the endpoint and the job's own address are told")
    told = {got.webhook_id: got for got in there.received[1:]}
    assert len(told) == 2
    assert {json.loads(got.body)["data"]["title"] for got in told.values()} == {"Greetings"}
    verified = [_verifies(got, made["secret"]) + 2 * _verifies(got, secret) for got in told.values()]
    assert sorted(verified) == [1, 2], "each is signed with its own secret"
    assert "whsec_" not in sending.services.log("webhooks") + sending.services.log("gateway")


def _verifies(got: Received, secret: str) -> int:
    try:
        got.verified(secret)
    except WebhookVerificationError:
        return 0
    return 1


async def test_what_is_sent_is_in_the_openapi_document(gateway: Gateway) -> None:
    document = (await gateway.client.get("/openapi.json")).json()
    (sent,) = document["webhooks"].values()
    assert "WebhookPayload" in json.dumps(sent)
    assert {"WebhookPayload", "WebhookWithSecret"} <= document["components"]["schemas"].keys()
