"""Watching one job over server-sent events, with and without the broker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.protocol.messages import WorkRetried
from shared.runtime.publishing import Publisher
from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.event_streams import Life, take, watching


@pytest.fixture
async def publish(gateway: Gateway) -> AsyncIterator[Publisher]:
    async with gateway.services.publisher() as publisher:
        yield publisher


def path(life: Life) -> str:
    return f"/v1/jobs/{life.job_id}/events"


async def test_a_job_is_watched_to_its_end(gateway: Gateway, publish: Publisher) -> None:
    life = Life(gateway.store, publish)
    await life.submitted()

    async with watching(gateway.client, path(life)) as events:
        first = await anext(events)
        await life.goes("chunking", "synthesizing")
        await life.progresses(1.5)
        await publish.retried(
            WorkRetried(job_id=life.job_id, service="synthesizer", reason="It is down.", tries=2, next_seconds=4)
        )
        middle = await take(events, 4)
        await life.goes("assembling", "completed")
        rest = [event async for event in events]

    assert (first.event, first.state, first.retry, first.data["title"]) == ("status", "queued", 1_000, "A title")
    assert [event.event for event in middle] == ["status", "status", "status", "retrying"]
    assert [event.state for event in middle[:3]] == ["chunking", "synthesizing", "synthesizing"]
    assert middle[2].data["audio_seconds"] == 1.5
    assert middle[3].data["reason"] == "It is down."
    assert [event.state for event in rest] == ["assembling", "completed"]
    assert [change["state"] for change in rest[-1].data["history"]] == [
        "queued", "chunking", "synthesizing", "assembling", "completed"
    ]  # fmt: skip
    assert len({event.id for event in (first, *middle[:3], *rest)}) == 6
