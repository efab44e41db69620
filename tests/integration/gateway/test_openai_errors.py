"""OpenAI's routes refuse in OpenAI's shape, before anything is queued."""

from __future__ import annotations

import json

import httpx
import openai
import pytest

from tests.integration.gateway.conftest import STACK_KEY, Gateway, with_key

SPEECH = "/v1/audio/speech"
JSON = {"content-type": "application/json"}
WRONG = {
    "no input": ({}, "input"),
    "empty input": ({"input": ""}, "input"),
    "blank input": ({"input": " \n"}, "input"),
    "input of a wrong type": ({"input": 7}, "input"),
    "half a character": ({"input": "\ud83d"}, "input"),
    "an unknown format": ({"input": "Hello.", "response_format": "m4b"}, "response_format"),
    "too fast": ({"input": "Hello.", "speed": 4.5}, "speed"),
    "a speed that is a word": ({"input": "Hello.", "speed": "fast"}, "speed"),
    "an unknown stream format": ({"input": "Hello.", "stream_format": "chunks"}, "stream_format"),
    "no language": ({"input": "Hello.", "language": "English!"}, "language"),
}


@pytest.mark.timeout(120)
async def test_what_cannot_be_spoken_is_refused_in_openais_shape(gateway: Gateway) -> None:
    for what, (body, param) in WRONG.items():
        answer = await gateway.client.post(SPEECH, content=json.dumps(body), headers=JSON)
        assert answer.status_code == 400, (what, answer.text)
        error = answer.json()["error"]
        assert error.keys() == {"message", "type", "param", "code"}, what
        assert error["type"] == "invalid_request_error", what
        assert (error["param"] or "").startswith(param), (what, error)
    answer = await gateway.client.post(SPEECH, content=b"{ not JSON", headers=JSON)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert await gateway.services.ready_messages("chunker") == 0


async def test_keys_methods_and_names_are_refused_in_openais_shape(gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.url) as nobody:
        refused = await nobody.post(SPEECH, json={"input": "Hello."})
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
    async with with_key(gateway.url, await gateway.key("read")) as reader:
        refused = await reader.post(SPEECH, json={"input": "Hello."})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_permissions")
    async with with_key(gateway.url, await gateway.key("read", requests_per_minute=1)) as hasty:
        await hasty.get("/v1/models")
        refused = await hasty.get("/v1/models")
        assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_error")
        assert int(refused.headers["retry-after"]) >= 1
    for method in ("GET", "PUT", "DELETE"):
        refused = await gateway.client.request(method, SPEECH)
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
        assert refused.json()["error"]["type"] == "invalid_request_error"
    head = await gateway.client.head(SPEECH)
    assert (head.status_code, head.headers["allow"], head.content) == (405, "POST", b"")
    unknown = await gateway.client.get("/v1/models/no/such")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            await client.models.list()


async def test_nothing_spoken_in_time_is_503_and_names_the_job_that_goes_on(gateway: Gateway) -> None:
    (impatient,) = gateway.services.start("gateway", PODCAST_GATEWAY_SPEECH_PATIENCE_SECONDS="0.3")
    await gateway.services.ready()
    async with with_key(impatient.health_url, STACK_KEY) as client:
        answer = await client.post(SPEECH, json={"input": "Nobody is there to speak this."})
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) >= 1
        job_id = answer.headers["x-podcast-job"]
        again = await client.post(SPEECH, json={"input": "Nobody is there to speak this."})
        assert again.headers["x-podcast-job"] == job_id
    assert (await gateway.client.get(f"/v1/jobs/{job_id}")).json()["state"] == "queued"
