"""Addresses that strangers must not make us connect to are refused before a job is made of them."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from services.gateway.source_addresses import AddressCheck
from shared.addresses import Allowed
from shared.errors import ForbiddenAddress
from tests.corpus.addresses import FORBIDDEN, NO_WEB_ADDRESS
from tests.integration.gateway.conftest import Gateway


async def stored(gateway: Gateway) -> list[str]:
    return [key async for key in gateway.store.list("jobs/")]


async def submit(gateway: Gateway, url: str) -> httpx.Response:
    return await gateway.client.post("/v1/jobs", json={"url": url}, headers={"Idempotency-Key": "k"})


async def test_every_forbidden_address_is_refused_and_nothing_is_made(shared: Gateway) -> None:
    before = await stored(shared), await shared.services.ready_messages("chunker")

    refused = {address.url: await submit(shared, address.url) for address in FORBIDDEN}

    wrong = {
        url: (response.status_code, response.text)
        for url, response in refused.items()
        if (response.status_code, response.json()["type"]) != (422, "/problems/forbidden-address")
    }
    assert wrong == {}
    assert (await stored(shared), await shared.services.ready_messages("chunker")) == before
    assert [key async for key in shared.store.list("idempotency/")] == []


async def test_what_is_no_web_address_is_refused(shared: Gateway) -> None:
    before = await stored(shared)
    responses = {url: await submit(shared, url) for url in NO_WEB_ADDRESS}
    assert {url for url, response in responses.items() if response.status_code != 422} == set()
    assert await stored(shared) == before


async def test_the_older_webhook_refuses_them_too(shared: Gateway) -> None:
    for address in FORBIDDEN:
        response = await shared.client.post("/webhook/create-podcast", json={"url": address.url})
        assert (response.status_code, response.json()["success"]) == (422, False), address.url


async def test_a_setting_allows_a_network(shared: Gateway) -> None:
    (worker,) = shared.services.start("gateway", PODCAST_FETCH_ALLOW="10.0.0.0/8")
    await shared.services.ready()
    async with httpx.AsyncClient(base_url=worker.health_url, headers=shared.client.headers) as client:
        allowed = await client.post("/v1/jobs", json={"url": "http://10.1.2.3/page"})
        refused = await client.post("/v1/jobs", json={"url": "http://127.0.0.1/page"})
    assert (allowed.status_code, refused.status_code) == (202, 422)


async def test_a_name_that_cannot_be_resolved_is_left_to_the_chunker(shared: Gateway) -> None:
    began = time.monotonic()
    response = await submit(shared, "http://no-such-host.invalid/")
    assert response.status_code == 202
    assert time.monotonic() - began < 3


async def test_a_name_that_resolves_to_a_private_address_is_refused() -> None:
    check = AddressCheck(Allowed(), resolve=lambda _: ["10.0.0.1", "::1"])
    with pytest.raises(ForbiddenAddress, match="private"):
        await check.check("http://innocent.example/")


async def test_a_name_with_a_public_address_may_be_asked() -> None:
    check = AddressCheck(Allowed(), resolve=lambda _: ["10.0.0.1", "93.184.215.14"])
    await check.check("http://mixed.example/")


async def test_slow_names_hold_nobody_and_take_a_bounded_number_of_threads() -> None:
    under_way = 0
    most = 0

    def slow(_: str) -> list[str]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        time.sleep(1.5)
        under_way -= 1
        return ["127.0.0.1"]

    check = AddressCheck(Allowed(), resolve=slow)
    began = time.monotonic()
    await asyncio.gather(*(check.check(f"http://slow-{number}.example/") for number in range(100)))
    assert time.monotonic() - began < 1.4
    assert 1 <= most <= 8
    with pytest.raises(ForbiddenAddress):
        await check.check("http://127.1/")  # needs no thread
