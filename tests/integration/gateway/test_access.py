"""Keys: who gets in, and what they may do."""

from __future__ import annotations

import httpx
import pytest

from shared.client import api_keys
from tests.integration.gateway.conftest import STACK_KEY, Gateway, with_key


@pytest.mark.parametrize("token", ["", "nonsense", "pe_0123456789ab_" + "4" * 64, "pe_ffffffffffff_" + "5" * 64])
async def test_without_a_valid_key_nothing_is_told(gateway: Gateway, token: str) -> None:
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = await client.post("/v1/jobs", content=b"{ not even JSON", headers=headers)

    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.json()["type"] == "/problems/unauthenticated"


async def test_a_key_without_the_scope_learns_nothing(gateway: Gateway) -> None:
    async with with_key(gateway.url, await gateway.key("read")) as client:
        refused = [
            await client.post("/v1/jobs", json={"text": "Hello."}),
            await client.post("/v1/jobs", content=b"{ not even JSON"),
        ]
        assert (await client.get("/v1/jobs/nobody")).status_code == 404

    assert {(response.status_code, response.json()["type"]) for response in refused} == {
        (403, "/problems/scope-missing")
    }
    assert await gateway.services.ready_messages("chunker") == 0


async def test_a_revoked_key_is_not_valid_any_more(gateway: Gateway) -> None:
    token = await gateway.key("read")
    parsed = api_keys.parse(token)
    assert parsed is not None
    await api_keys.revoke(gateway.store, parsed[0])
    async with with_key(gateway.url, token) as client:
        assert (await client.get("/v1/jobs/nobody")).status_code == 401


async def test_a_key_has_a_limit_and_says_when_to_go_on(gateway: Gateway) -> None:
    async with with_key(gateway.url, await gateway.key("read", requests_per_minute=2)) as client:
        statuses = [await client.get("/v1/jobs/nobody") for _ in range(3)]

    assert [response.status_code for response in statuses] == [404, 404, 429]
    assert 1 <= int(statuses[-1].headers["retry-after"]) <= 60
    assert [response.headers["ratelimit"].split(";")[1] for response in statuses] == ["r=1", "r=0", "r=0"]


async def test_what_the_store_has_of_a_key_does_not_open_anything(gateway: Gateway) -> None:
    token = await gateway.key("read")
    (kept,) = await api_keys.listed(gateway.store)

    assert token[-64:] not in kept.model_dump_json()
    assert STACK_KEY[-64:] not in kept.model_dump_json()
