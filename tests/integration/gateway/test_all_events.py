"""Watching all jobs: snapshots, changes with ids that every gateway knows, and the latest progress."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.protocol import topology
from shared.runtime.broker import connected
from tests.integration.gateway.event_streams import Life, Seen, watching
from tests.integration.gateway.two_gateways import TwoGateways

PATH = "/v1/events"
SHARED_SECONDS = 1.1
"""Clients that come within a second share a snapshot."""
SWEEP_SECONDS = 12.0
"""Within this time the store is read while no events are heard."""


@pytest.fixture
async def life(gateways: TwoGateways) -> AsyncIterator[Life]:
    """A job whose events are published; it is not active any more when the test is over."""
    async with gateways.life() as one:
        yield one
        job = await one.jobs.find(one.job_id)
        if job is not None and not job.ended:
            await one.goes("cancelled")


async def snapshot(events: AsyncIterator[Seen]) -> list[Seen]:
    """The events up to the end of a snapshot."""
    found = [await anext(events)]
    while found[-1].event != "current":
        found.append(await anext(events))
    return found


async def changes(events: AsyncIterator[Seen], job_id: str, count: int, *, seconds: float = 10) -> list[Seen]:
    """The next changes of a job's state."""
    found: list[Seen] = []
    async with asyncio.timeout(seconds):
        while len(found) < count:
            event = await anext(events)
            assert event.event in {"status", "retrying"}, event
            is_of_it = event.event == "status" and event.data["job_id"] == job_id
            if is_of_it and (not found or found[-1].state != event.state):
                found.append(event)
    return found


async def begun(events: AsyncIterator[Seen], job_id: str) -> None:
    """The events up to the job's first state: in the snapshot, or after it where that was made for another client."""
    found = await snapshot(events)
    if job_id not in {event.data.get("job_id") for event in found}:
        await changes(events, job_id, 1)


def states(events: list[Seen]) -> list[str]:
    return [event.state for event in events]


async def test_a_snapshot_of_the_active_jobs_and_then_what_changes(gateways: TwoGateways, life: Life) -> None:
    await asyncio.sleep(SHARED_SECONDS)  # else it may be a snapshot that was made for an earlier test
    await life.goes("chunking", "synthesizing")
    async with gateways.client() as client, watching(client, PATH) as events:
        first = await snapshot(events)
        await life.progresses(3.0)
        progress = await anext(events)
        await life.goes("assembling", "completed")
        rest = await changes(events, life.job_id, 2)

    assert states(first[:-1]) == ["synthesizing"]
    assert first[-1].data == {"jobs": 1, "more": False}
    assert first[-1].id
    assert (progress.data["audio_seconds"], progress.id) == (3.0, first[-1].id), "progress has no id of its own"
    assert states(rest) == ["assembling", "completed"]
    assert len({first[-1].id, *(event.id for event in rest)}) == 3


async def test_another_gateway_goes_on_where_the_client_was(gateways: TwoGateways, life: Life) -> None:
    await life.goes("chunking")
    async with gateways.client(0) as client, watching(client, PATH) as events:
        await begun(events, life.job_id)
        await life.goes("synthesizing")
        last = (await changes(events, life.job_id, 1))[-1].id
    await life.goes("assembling", "completed")
    for number in (1, 0):
        async with gateways.client(number) as client, watching(client, PATH, last=last) as events:
            missed = await changes(events, life.job_id, 2)
        assert states(missed) == ["assembling", "completed"]


async def test_a_gateway_that_was_started_again_knows_the_past(gateways: TwoGateways, life: Life) -> None:
    async with gateways.client(1) as client, watching(client, PATH) as events:
        await snapshot(events)
        await life.goes("chunking")
        last = (await changes(events, life.job_id, 1))[-1].id
        gateways.services.kill(gateways.workers[1])
    await life.goes("synthesizing", "assembling")
    gateways.services.restart(gateways.workers[1])
    await gateways.services.ready()
    async with gateways.client(1) as client, watching(client, PATH, last=last) as events:
        assert states(await changes(events, life.job_id, 2)) == ["synthesizing", "assembling"]


@pytest.mark.parametrize("lost", ["nonsense", "999999999-0123abcd", "0-0123abcd"])
async def test_a_place_that_is_lost_is_said_and_a_snapshot_follows(
    gateways: TwoGateways, life: Life, lost: str
) -> None:
    await asyncio.sleep(SHARED_SECONDS)
    await life.goes("chunking")
    async with gateways.client() as client, watching(client, PATH, last=lost) as events:
        found = await snapshot(events)

    assert [event.event for event in found] == ["resync", "status", "current"]


async def test_only_jobs_in_the_states_that_were_asked_for(gateways: TwoGateways, life: Life) -> None:
    await life.goes("chunking")
    async with gateways.client() as client:
        async with watching(client, f"{PATH}?state=assembling&state=completed") as events:
            first = await snapshot(events)
            await life.goes("synthesizing")
            await life.progresses(1.0)
            await life.goes("assembling", "completed")
            rest = await changes(events, life.job_id, 2)
        refused = await client.get(f"{PATH}?state=nonsense")

    assert [event.event for event in first] == ["current"]
    assert states(rest) == ["assembling", "completed"]
    assert refused.status_code == 422


async def test_without_the_broker_changes_come_from_the_store_and_are_not_repeated(
    gateways: TwoGateways, life: Life
) -> None:
    await life.goes("chunking")
    async with gateways.client() as client, watching(client, PATH) as events:
        await begun(events, life.job_id)
        await gateways.broker_is_cut()
        try:
            await life.goes("synthesizing", "assembling")  # told to the broker, which the gateway cannot reach
            found = await changes(events, life.job_id, 2, seconds=SWEEP_SECONDS)
            passed = [event.data.get("passed", False) for event in found]
        finally:
            await gateways.broker_is_back()
        await life.goes("completed")
        end = await changes(events, life.job_id, 1)

    assert states(found) == ["synthesizing", "assembling"]
    assert passed == [True, False]
    assert states(end) == ["completed"], "what was found in the store is not sent again from the log"


async def test_a_log_that_was_lost_and_begun_again_is_noticed(gateways: TwoGateways, life: Life) -> None:
    await life.goes("chunking")
    async with gateways.client() as client, watching(client, PATH) as events:
        await begun(events, life.job_id)
        await gateways.broker_is_cut()
        try:
            async with connected(gateways.direct.settings) as connection, connection.channel() as channel:
                await channel.queue_delete(topology.EVENT_LOG)
                await topology.declare_event_log(connection)
            await life.goes("synthesizing")
        finally:
            await gateways.broker_is_back()
        async with asyncio.timeout(SWEEP_SECONDS):
            while (event := await anext(events)).event != "resync":
                assert event.event == "status"
            found = await snapshot(events)
        await life.goes("assembling")
        rest = await changes(events, life.job_id, 1)

    assert states(found[:-1]) == ["synthesizing"]
    assert states(rest) == ["assembling"]
