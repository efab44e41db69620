"""Watching one job over server-sent events: resumed at another gateway, without the broker, without the store."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack

import httpx
from httpx_sse import aconnect_sse

from shared.client import api_keys
from shared.protocol.messages import JobEvent, WorkRetried
from tests.integration.gateway.conftest import with_key
from tests.integration.gateway.event_streams import Life, Seen, take, until_end, watching
from tests.integration.gateway.two_gateways import TwoGateways, new_key
from tests.waiting import until

POLL_SECONDS = 8.0
"""A job is read from the store at least this often, also while events are heard."""


def path(life: Life) -> str:
    return f"/v1/jobs/{life.job_id}/events"


def states(events: list[Seen]) -> list[str]:
    return [event.state for event in events if event.event == "status"]


async def test_a_job_is_watched_to_its_end(gateways: TwoGateways) -> None:
    async with gateways.life() as life, gateways.client() as client, gateways.direct.publisher() as publish:
        await life.submitted()
        async with watching(client, path(life)) as events:
            first = await anext(events)
            await life.goes("chunking", "synthesizing")
            middle = await take(events, 2)
            await life.progresses(1.5)
            middle += await take(events, 1)
            await publish.retried(
                WorkRetried(job_id=life.job_id, service="synthesizer", reason="It is down.", tries=2, next_seconds=4)
            )
            middle += await take(events, 1)
            await life.goes("assembling", "completed")
            rest = [event async for event in events]

    assert (first.event, first.state, first.retry, first.data["title"]) == ("status", "queued", 1_000, "A title")
    assert [event.event for event in middle] == ["status", "status", "status", "retrying"]
    assert states(middle) == ["chunking", "synthesizing", "synthesizing"]
    assert middle[2].data["audio_seconds"] == 1.5
    assert middle[3].data["reason"] == "It is down."
    assert states(rest) == ["assembling", "completed"]
    history = [change["state"] for change in rest[-1].data["history"]]
    assert history == ["queued", "chunking", "synthesizing", "assembling", "completed"]
    assert len({event.id for event in (first, *middle[:3], *rest)}) == 6


async def test_another_gateway_goes_on_where_the_client_was(gateways: TwoGateways) -> None:
    async with gateways.life() as life, gateways.client(0) as first, gateways.client(1) as second:
        await life.goes("chunking")
        async with watching(first, path(life)) as events:
            seen = await take(events, 1)
        await life.goes("synthesizing", "assembling", "synthesizing", "assembling", "completed")
        missed = await until_end(second, path(life), last=seen[-1].id)
        again = await until_end(first, path(life), last=missed[2].id)

    assert states(missed) == ["synthesizing", "assembling", "synthesizing", "assembling", "completed"]
    assert [event.data.get("passed", False) for event in missed] == [True] * 4 + [False]
    assert states(again) == ["assembling", "completed"], "each missed state has an id of its own"
    assert missed[3].id == again[0].id


async def test_a_job_that_has_ended_is_shown_once(gateways: TwoGateways) -> None:
    async with gateways.life(is_told=False) as life, gateways.client() as client:
        await life.goes("chunking", "failed")
        events = await until_end(client, path(life))
        again = await client.get(path(life), headers={"Last-Event-ID": events[-1].id})

    assert states(events) == ["failed"]
    assert again.status_code == 204, "an EventSource must not connect again"


async def test_a_job_that_was_resumed_is_watched_on(gateways: TwoGateways) -> None:
    async with gateways.life() as life, gateways.client() as client:
        await life.goes("chunking", "failed")
        last = (await until_end(client, path(life)))[-1].id
        await life.goes("resumed", "synthesizing", "assembling", "completed")
        events = await until_end(client, path(life), last=last)

    assert states(events) == ["chunking", "synthesizing", "assembling", "completed"]


async def test_a_place_that_is_lost_is_said_and_a_snapshot_follows(gateways: TwoGateways) -> None:
    async with gateways.life(is_told=False) as life, gateways.client() as client:
        await life.goes("chunking", "synthesizing")
        async with watching(client, path(life)) as events:
            last = (await anext(events)).id
        await life.is_deleted()
        await life.goes("chunking", "cancelled")  # another job with the same id
        for lost in (last, "nonsense", "999-1-1"):
            events_since = await until_end(client, path(life), last=lost)
            assert [event.event for event in events_since] == ["resync", "status"]
            assert states(events_since) == ["cancelled"]


async def test_a_history_that_has_lost_its_beginning_is_a_lost_place(gateways: TwoGateways) -> None:
    async with gateways.life(is_told=False) as life, gateways.client() as client:
        await life.goes("chunking", "synthesizing")
        async with watching(client, path(life)) as events:
            last = (await anext(events)).id
        await life.goes("assembling", *["synthesizing", "assembling"] * 31)
        async with watching(client, path(life), last=last) as events:
            still_known = await take(events, 63)
        await life.goes(*["synthesizing", "assembling"] * 2)
        async with watching(client, path(life), last=last) as events:
            lost = await take(events, 2)

    assert states(still_known)[:2] == ["assembling", "synthesizing"]
    assert [event.event for event in lost] == ["resync", "status"]


async def test_an_unknown_job_is_a_problem(gateways: TwoGateways) -> None:
    async with gateways.client() as client:
        response = await client.get(f"/v1/jobs/{uuid.uuid4()}/events")
        impossible = await client.get("/v1/jobs/a%20b/events")

    assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")
    assert "ratelimit" in response.headers, "it counts like any other request"
    assert impossible.status_code == 422


async def test_a_job_that_is_deleted_while_it_is_watched_is_said_to_be_gone(gateways: TwoGateways) -> None:
    async with gateways.life(is_told=False) as life, gateways.client() as client:
        await life.goes("chunking")
        async with watching(client, path(life)) as events:
            first = await anext(events)
            await life.is_deleted()
            rest = [event async for event in events]

    assert first.state == "chunking"
    assert [(event.event, event.data) for event in rest] == [("gone", {"job_id": life.job_id})]


async def test_an_event_that_was_lost_is_found_in_the_store(gateways: TwoGateways) -> None:
    async with gateways.life(is_told=False) as life, gateways.client() as client:
        await life.goes("chunking")
        async with asyncio.timeout(POLL_SECONDS), watching(client, path(life)) as events:
            await anext(events)
            await life.goes("synthesizing", "assembling", "completed")
            assert states([event async for event in events]) == ["synthesizing", "assembling", "completed"]


async def test_without_the_broker_events_come_from_the_store(gateways: TwoGateways) -> None:
    async with gateways.life(is_told=False) as life, gateways.client() as client:
        await life.goes("chunking")
        async with watching(client, path(life)) as events:
            await anext(events)
            await gateways.broker_is_cut()
            try:
                await life.goes("synthesizing")
                async with asyncio.timeout(4):
                    assert (await anext(events)).state == "synthesizing"
                await life.progresses(7.0)
                async with asyncio.timeout(4):
                    assert (await anext(events)).data["audio_seconds"] == 7.0
            finally:
                await gateways.broker_is_back()
            async with gateways.direct.publisher() as publish:
                life.publish = publish
                await life.goes("assembling", "completed")
                assert states([event async for event in events]) == ["assembling", "completed"]


async def test_without_the_store_the_stream_stays_and_says_nothing_false(gateways: TwoGateways) -> None:
    async with gateways.life() as life, gateways.client() as client:
        await life.goes("chunking")
        async with watching(client, path(life)) as events:
            await anext(events)
            bites = gateways.storage.bites["stall"]
            gateways.storage.break_as("stall")
            try:
                await life.goes("synthesizing")
                assert (await anext(events)).state == "synthesizing", "the broker is there"
                await life.goes("assembling", "completed")
                assert (await anext(events)).state == "assembling"
                end = asyncio.ensure_future(anext(events))
                await until(lambda: gateways.storage.bites["stall"] > bites, "the gateway has asked the store")
                await asyncio.wait({end}, timeout=2)
                assert not end.done(), "that the job has ended is for the store to say"
                refused = await client.get("/v1/jobs/another/events")
                assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
            finally:
                gateways.storage.heal()
            assert (await end).state == "completed"


async def test_what_a_stranger_publishes_about_a_job_does_not_last(gateways: TwoGateways) -> None:
    async with gateways.life() as life, gateways.client() as client, gateways.direct.publisher() as publish:
        await life.goes("chunking")
        status = await life.status()
        change = status.history[-1].model_copy(update={"number": 1_000_000})
        forged = status.model_copy(update={"history": (change,), "updated_at": status.updated_at + 1e6})
        async with asyncio.timeout(POLL_SECONDS), watching(client, path(life)) as events:
            await anext(events)
            await publish.event(JobEvent(name="progressed", status=forged))
            believed, corrected = await take(events, 2), await take(events, 2)
            assert believed[1].data["updated_at"] == forged.updated_at
            assert [event.event for event in corrected] == ["resync", "status"]
            assert corrected[1].data["updated_at"] == status.updated_at
            await life.goes("cancelled")
            assert states([event async for event in events]) == ["cancelled"]


async def test_a_browser_gets_what_it_needs(gateways: TwoGateways) -> None:
    async with gateways.life(is_told=False) as life, gateways.client() as client:
        await life.goes("chunking")
        async with aconnect_sse(client, "GET", path(life)) as source:
            headers = source.response.headers
            lines = []
            async for line in source.response.aiter_lines():
                lines.append(line)
                if line == ": heartbeat":
                    break

    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert "content-length" not in headers
    assert [line.partition(":")[0] for line in lines if line][:5] == ["", "retry", "id", "event", "data"]


async def test_streams_have_a_limit_for_each_key_and_in_all(gateways: TwoGateways) -> None:
    limits = {"PODCAST_GATEWAY_STREAMS": "3", "PODCAST_GATEWAY_STREAMS_PER_KEY": "2"}
    (limited,) = gateways.services.start("gateway", **limits)
    await gateways.services.ready()
    mine, theirs = with_key(limited.health_url), with_key(limited.health_url, await new_key(gateways.store, "read"))
    async with gateways.life(is_told=False) as life, mine, theirs, AsyncExitStack() as stack:
        await life.goes("chunking")
        streams = [await stack.enter_async_context(watching(one, path(life))) for one in (mine, mine, theirs)]
        for events in streams:
            await anext(events)
        refused = [await client.get(path(life)) for client in (mine, theirs)]
        await stack.aclose()
        await until(lambda: _is_taken(mine, path(life)), "the streams are free again")

    assert [(response.status_code, response.json()["type"]) for response in refused] == [
        (429, "/problems/too-many-streams"),
        (503, "/problems/streams-full"),
    ]
    assert all(int(response.headers["retry-after"]) > 0 for response in refused)
    gateways.services.workers.remove(limited)
    limited.process.stop()


async def test_a_stream_ends_after_a_while_so_that_its_key_is_checked_again(gateways: TwoGateways) -> None:
    (short,) = gateways.services.start("gateway", PODCAST_GATEWAY_STREAM_SECONDS="1")
    await gateways.services.ready()
    token = await new_key(gateways.store, "read")
    async with gateways.life(is_told=False) as life, with_key(short.health_url, token) as client:
        await life.goes("chunking")
        events = await until_end(client, path(life))
        parsed = api_keys.parse(token)
        assert parsed is not None
        await api_keys.revoke(gateways.store, parsed[0])

        async def is_refused() -> bool:
            async with client.stream("GET", path(life), headers={"Last-Event-ID": events[-1].id}) as response:
                return response.status_code == 401

        await until(is_refused, "the key is not valid any more")

    assert states(events) == ["chunking"]
    gateways.services.workers.remove(short)
    short.process.stop()


async def _is_taken(client: httpx.AsyncClient, address: str) -> bool:
    async with client.stream("GET", address) as response:
        return response.status_code == 200
