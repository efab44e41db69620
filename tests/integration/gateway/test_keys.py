"""Keys made, listed and revoked over HTTP; and what a stranger can do without one."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator

import httpx
import pytest

from shared.client import api_keys
from tests.integration.gateway.conftest import STACK_KEY, Gateway, gateway_process, with_key
from tests.servers.rabbitmq import RabbitServer
from tests.waiting import until

STACK_ID, STACK_SECRET = STACK_KEY[3:15], STACK_KEY[16:]


@pytest.fixture(scope="module")
def anonymous(rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a gateway that answers without a key."""
    with gateway_process(
        rabbitmq,
        tmp_path_factory.mktemp("anonymous"),
        PODCAST_GATEWAY_ANONYMOUS="true",
        PODCAST_GATEWAY_CORS_ORIGINS="https://friend.example",
    ) as services:
        yield services.workers[0].health_url


def stranger(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=30)


async def test_a_key_is_made_used_listed_and_revoked(shared: Gateway) -> None:
    made = await shared.client.post("/v1/keys", json={"name": "phone", "scopes": ["read"], "requests_per_minute": 50})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/v1/keys/{made.json()['id']}"

    async with with_key(shared.url, made.json()["key"]) as phone:
        assert (await phone.get("/v1/jobs/nobody")).status_code == 404
        assert (await phone.get("/v1/keys")).status_code == 403
        listed = (await shared.client.get("/v1/keys")).json()
        assert ("phone", ["read"], 50) in [
            (key["name"], key["scopes"], key["requests_per_minute"]) for key in listed["keys"]
        ]
        assert "secret" not in str(listed)

        revoked = await shared.client.delete(made.headers["location"])
        assert revoked.json()["revoked_at"] is not None

        async def is_out() -> bool:
            return (await phone.get("/v1/jobs/nobody")).status_code == 401

        await until(is_out, "the revoked key is not valid any more", seconds=7)
    assert (await shared.client.get("/v1/keys/ffffffffffff")).status_code == 404
    actions = (await shared.client.get("/v1/audit", params={"limit": 2})).json()["records"]
    assert [(record["action"], record["target"], record["outcome"], record["key_id"]) for record in actions] == [
        ("key.revoke", made.json()["id"], "done", "stack"),
        ("key.add", made.json()["id"], "done", "stack"),
    ]


async def test_nobody_gives_away_more_than_they_have(shared: Gateway) -> None:
    async with with_key(shared.url, await shared.key("operate", requests_per_minute=100)) as operator:
        refused = await operator.post("/v1/keys", json={"name": "more", "scopes": ["operate", "submit"]})
        assert refused.status_code == 403
        assert "submit" in refused.json()["detail"]
        given = await operator.post("/v1/keys", json={"name": "as much", "scopes": ["operate"]})
        assert given.json()["requests_per_minute"] == 100
        own = await operator.delete(f"/v1/keys/{STACK_ID}")
        assert (own.status_code, own.json()["type"]) == (409, "/problems/own-key")


async def test_no_file_of_the_store_and_no_log_holds_a_secret(shared: Gateway) -> None:
    made = (await shared.client.post("/v1/keys", json={"name": "phone"})).json()["key"]
    async with with_key(shared.url, made) as phone:
        assert (await phone.post("/v1/jobs", json={"text": "Hello."})).status_code == 202
    async with stranger(shared.url) as client:
        wrong = await client.get("/v1/keys", headers={"Authorization": f"Bearer {made[:-1]}x"})
        assert wrong.status_code == 401
        assert made[16:-1] not in wrong.text

    directory = shared.services.directory.parent
    contents = [path.read_bytes() for path in directory.rglob("*") if path.is_file()]
    known = hashlib.sha256(made[16:].encode()).hexdigest().encode()
    assert any(known in content for content in contents), "its hash is where the secret would be"
    for secret in (made[16:-1], STACK_SECRET):
        assert not any(secret.encode() in content for content in contents)


async def test_a_request_with_two_keys_is_refused(shared: Gateway) -> None:
    good = f"Bearer {STACK_KEY}"
    async with stranger(shared.url) as client:
        for headers in (
            [("Authorization", good), ("Authorization", "Bearer other")],
            [("Authorization", good), ("Authorization", good)],
            [("Authorization", good), ("X-API-Key", STACK_KEY)],
            [("Authorization", f"Basic {STACK_KEY}")],
            [("Authorization", f"{good}, {good}")],
        ):
            assert (await client.get("/v1/keys", headers=headers)).status_code == 401, headers
        assert (await client.get("/v1/keys", headers={"X-API-Key": STACK_KEY})).status_code == 200


async def test_a_stranger_who_tries_many_keys_keeps_nobody_else_out(shared: Gateway) -> None:
    async with (
        stranger(shared.url) as client,
        with_key(shared.url, await shared.key("read")) as friend,
    ):
        tries = [client.get("/v1/keys", headers={"Authorization": f"Bearer {api_keys.new_token()}"}) for _ in range(60)]
        began = time.monotonic()
        trying = asyncio.gather(*tries)
        assert (await friend.get("/v1/jobs/nobody")).status_code == 404
        assert {response.status_code for response in await trying} == {401}
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"Host": "localhost:8080"}, 404),
        ({"Host": "rebound.example"}, 403),
        ({"Host": "127.0.0.1.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://friend.example"}, 404),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 404),
    ],
)
async def test_no_web_page_uses_an_anonymous_gateway(anonymous: str, headers: dict[str, str], status: int) -> None:
    async with stranger(anonymous) as client:
        response = await client.get("/v1/jobs/nobody", headers=headers)
    assert response.status_code == status, response.text
    assert status != 403 or response.json()["type"] == "/problems/foreign-origin"


async def test_a_page_of_an_allowed_origin_asks_first_without_a_key(anonymous: str) -> None:
    asked = {"Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization"}
    async with stranger(anonymous) as client:
        allowed = await client.options("/v1/jobs/x", headers={"Origin": "https://friend.example", **asked})
        refused = await client.options("/v1/jobs/x", headers={"Origin": "https://evil.example", **asked})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://friend.example")
    assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
