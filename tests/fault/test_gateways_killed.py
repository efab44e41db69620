"""Gateways that die while jobs are watched through them: each state is seen once, in order, and so is the end."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from shared.protocol.messages import TERMINAL_STATES
from tests.fault.cluster import JOB_SECONDS, Cluster, job, unheard_text
from tests.integration.gateway.conftest import STACK_KEY, with_key
from tests.integration.gateway.event_streams import Seen, watching
from tests.servers.services import Services
from tests.waiting import until

AGAIN_SECONDS = 0.05


@asynccontextmanager
async def two_kept_alive(cluster: Cluster, logs: Path) -> AsyncIterator[Services]:
    """Two gateways that are started again when they die."""
    settings = {
        **cluster.services.environment,
        **cluster.behind_proxies(),
        "PODCAST_GATEWAY_KEY": STACK_KEY,
        "PODCAST_GATEWAY_LOOK_SECONDS": "2",
    }
    with Services(settings, logs) as gateways:
        gateways.start("gateway", "gateway")
        await gateways.ready()
        alive = asyncio.create_task(gateways.keep_alive())
        try:
            yield gateways
        finally:
            gateways.stopping = True
            await alive


async def watched(gateways: Services, job_id: str, cuts: list[str], *, first: int) -> list[Seen]:
    """A job's events up to its end, as a client gets them that connects again, each time to the other gateway."""
    found: list[Seen] = []
    for worker in itertools.islice(itertools.cycle(gateways.workers), first % len(gateways.workers), None):
        last, count = (found[-1].id if found else ""), len(found)
        with suppress(httpx.HTTPError):
            async with (
                with_key(worker.health_url) as client,
                watching(client, f"/v1/jobs/{job_id}/events", last=last) as events,
            ):
                async for event in events:
                    assert event.event in {"status", "retrying"}, event
                    if event.event == "status":
                        found.append(event)
        if found and found[-1].state in TERMINAL_STATES:
            return found
        if len(found) > count:
            cuts.append(job_id)
        await asyncio.sleep(AGAIN_SECONDS)
    raise AssertionError


def changes(events: list[Seen]) -> list[tuple[int, str]]:
    """Number and state of each change that the events told of."""
    last = [(event.data["history"][-1]["number"], event.state) if event.data["history"] else (1, event.state)
            for event in events]  # fmt: skip
    return [change for change, _ in itertools.groupby(last)]


@pytest.mark.parametrize(("kills", "at_a_time"), [(3, 2), pytest.param(20, 3, marks=pytest.mark.long)])
async def test_a_job_watched_through_kills_of_gateways_shows_each_state_once_and_its_end(
    cluster: Cluster, tmp_path: Path, kills: int, at_a_time: int
) -> None:
    seen: dict[str, list[Seen]] = {}
    cuts: list[str] = []
    first = itertools.count()  # they take turns, or a gateway would be watched only while the other is down

    async with cluster.running(seconds=500), two_kept_alive(cluster, tmp_path / "gateways") as gateways:
        cluster.slow_down(0.5)

        async def jobs_one_after_the_other() -> None:
            while len(gateways.exits) < kills:
                request = job(unheard_text(12))
                await cluster.services.submit(request)
                async with asyncio.timeout(JOB_SECONDS):
                    seen[request.job_id] = await watched(gateways, request.job_id, cuts, first=next(first))
                await cluster.proves(request)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(at_a_time):
                tasks.create_task(jobs_one_after_the_other())
            for number, worker in zip(range(kills), itertools.cycle(gateways.workers), strict=False):
                await until(lambda worker=worker: _is_watched(worker.health_url), "somebody watches", seconds=60)
                gateways.kill(worker)
                await until(lambda number=number: len(gateways.exits) > number, "it is dead")

    assert len(cuts) >= kills, "streams that had brought something were cut"
    for events in seen.values():
        told = changes(events)
        assert [number for number, _ in told] == list(range(told[0][0], told[-1][0] + 1)), told
        full = [change["state"] for change in events[-1].data["history"]]
        assert [state for _, state in told] == full[told[0][0] - 1 :]
        assert told[-1][1] == "completed"
        assert len({event.id for event in events}) == len(events), "no event came twice"


async def _is_watched(url: str) -> bool:
    with suppress(httpx.HTTPError):
        async with httpx.AsyncClient(base_url=url, timeout=5) as client:
            lines = (await client.get("/metrics")).text.splitlines()
        return any(line.startswith("podcast_gateway_streams ") and not line.endswith(" 0.0") for line in lines)
    return False
