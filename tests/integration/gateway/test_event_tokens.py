"""Event streams that are opened with a token in the address, as a browser has to: at any gateway, and not for long."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from shared.client import api_keys
from tests.integration.gateway.event_streams import Seen, take, watching
from tests.integration.gateway.gateway_settings import with_key
from tests.integration.gateway.two_gateways import TwoGateways, new_key, two_gateways
from tests.servers.minio import MinioServer
from tests.servers.rabbitmq import RabbitServer
from tests.waiting import until

TOKEN_SECONDS = 6.0
REVOKED_SECONDS = 7.0


@pytest.fixture(scope="module")
def gateways(
    rabbitmq: RabbitServer, minio: MinioServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoGateways]:
    with two_gateways(
        rabbitmq,
        minio,
        tmp_path_factory.mktemp("gateways"),
        PODCAST_GATEWAY_EVENT_TOKEN_SECONDS=f"{TOKEN_SECONDS:g}",
        PODCAST_LOG_LEVEL="DEBUG",
    ) as started:
        yield started


def browser(gateways: TwoGateways, number: int) -> httpx.AsyncClient:
    """A client that sends no key."""
    return httpx.AsyncClient(base_url=gateways.workers[number].health_url, timeout=30)


async def address(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.post(f"{path}/token")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["expires_at"] - TOKEN_SECONDS / 4 == found["renew_at"]
    assert TOKEN_SECONDS - 2 < found["expires_at"] - time.time() <= TOKEN_SECONDS + 1
    assert found["url"].startswith(f"{path}?token=ev_")
    return str(found["url"])


async def test_a_token_of_one_gateway_opens_the_stream_at_another_until_it_expires(gateways: TwoGateways) -> None:
    async with gateways.life() as life, gateways.client(0) as owner, browser(gateways, 1) as page:
        await life.submitted()
        path = f"/v1/jobs/{life.job_id}/events"
        url = await address(owner, path)
        async with watching(page, url) as events:
            (first,) = await take(events, 1)
            await life.goes("chunking")
            (second,) = await take(events, 1)
            rest: list[Seen] = [event async for event in events]
        assert [first.state, second.state] == ["queued", "chunking"]
        assert [event.event for event in rest] == ["expiring"]
        assert rest[0].id == second.id, "the position of the client stays as it was"
        assert time.time() >= rest[0].data["expires_at"] - 0.1

        late = await page.get(url)
        assert (late.status_code, late.json()["type"]) == (401, "/problems/unauthenticated")
        assert "expired" in late.json()["detail"]

        await life.goes("synthesizing", "assembling")
        renewed = await address(owner, path)
        async with watching(page, f"{renewed}&last_event_id={second.id}") as events:
            assert [event.state for event in await take(events, 2)] == ["synthesizing", "assembling"]
        async with watching(page, f"{renewed}&last_event_id=1-1-1", last=second.id) as events:
            assert [event.state for event in await take(events, 2)] == ["synthesizing", "assembling"], (
                "what the browser sends when it connects again goes before what the page has written"
            )


async def test_a_token_opens_what_it_is_for_and_nothing_else(gateways: TwoGateways) -> None:
    async with gateways.life() as life, gateways.life() as other, gateways.client() as owner:
        await life.submitted()
        await other.submitted()
        own = await address(owner, f"/v1/jobs/{life.job_id}/events")
        everything = await address(owner, "/v1/events")
        token, for_all = own.partition("=")[2], everything.partition("=")[2]
        async with browser(gateways, 0) as page:
            for path in (
                f"/v1/jobs/{other.job_id}/events?token={token}",
                f"/v1/jobs/{life.job_id}?token={token}",
                f"/v1/jobs/{life.job_id}/chunks?token={token}",
                f"/v1/jobs?token={token}",
                f"/v1/events?token={token}",
                f"/v1/jobs/{life.job_id}/events?token={for_all}",
                f"/v1/jobs/{life.job_id}/events?token={token[:-1]}",
                f"/v1/jobs/{life.job_id}/events?token={token}&token={token}",
                f"/v1/jobs/{life.job_id}/events?token=",
                f"/v1/jobs/{life.job_id}/events",
            ):
                refused = await page.get(path)
                assert refused.status_code == 401, path
                assert token not in refused.text
            assert (await page.post(f"/v1/jobs/{life.job_id}/events/token?token={token}")).status_code == 401
            assert (await owner.get(own)).status_code == 401, "two ways to say who it is"
            async with watching(page, everything) as events:
                assert (await anext(events)).event in {"status", "current"}
        assert (await owner.post("/v1/jobs/nobody/events/token")).status_code == 404
        async with with_key(str(owner.base_url), await new_key(gateways.store, "submit")) as submitter:
            assert (await submitter.post("/v1/events/token")).status_code == 403


async def test_a_token_ends_with_its_key(gateways: TwoGateways) -> None:
    key = await new_key(gateways.store, "read")
    parsed = api_keys.parse(key)
    assert parsed is not None
    async with (
        gateways.life() as life,
        with_key(gateways.workers[0].health_url, key) as owner,
        browser(gateways, 1) as page,
    ):
        await life.submitted()
        await api_keys.revoke(gateways.store, parsed[0])

        async def is_out() -> bool:
            """A fresh token each time, so that what ends is the key."""
            answer = await owner.post(f"/v1/jobs/{life.job_id}/events/token")
            if answer.status_code == 401:
                return True
            async with page.stream("GET", answer.json()["url"]) as opened:
                return opened.status_code == 401

        await until(is_out, "the token is not valid any more", seconds=REVOKED_SECONDS)


async def test_a_token_is_in_no_log(gateways: TwoGateways) -> None:
    async with gateways.life() as life, gateways.client() as owner, browser(gateways, 0) as page:
        await life.submitted()
        url = await address(owner, f"/v1/jobs/{life.job_id}/events")
        async with watching(page, url) as events:
            await anext(events)
        await page.get(f"{url}x")
    signature = url.rpartition("_")[2]
    assert len(signature) == 64
    log = gateways.services.log("gateway")
    assert "listening" in log, "it logs something"
    assert signature not in log
