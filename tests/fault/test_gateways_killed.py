"""Gateways that die while jobs are watched through them: each state is seen once, in order, and so is the end."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from shared.protocol.messages import TERMINAL_STATES
from tests.fault.cluster import JOB_SECONDS, Cluster, job, unheard_text
from tests.integration.gateway.conftest import STACK_KEY, with_key
from tests.integration.gateway.event_streams import Seen, watching
from tests.servers.services import Services, Worker
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


class Watchers:
    """Clients that watch jobs through the gateways, and which of their streams were cut.

    Args:
        gateways: they are watched through in turn, so that each is used while the other is up.
    """

    def __init__(self, gateways: Services) -> None:
        self.cuts = 0
        self._gateways = gateways
        self._first = itertools.count()
        self._busy: Counter[str] = Counter()

    def is_busy(self, worker: Worker) -> bool:
        """Whether a stream through this gateway has brought something and goes on."""
        return self._busy[worker.health_url] > 0

    async def watch(self, job_id: str) -> list[Seen]:
        """A job's events up to its end, as a client gets them that connects again, each time to the other gateway."""
        found: list[Seen] = []
        count = len(self._gateways.workers)
        for worker in itertools.islice(itertools.cycle(self._gateways.workers), next(self._first) % count, None):
            brought = await self._stream(worker.health_url, job_id, found)
            if found and found[-1].state in TERMINAL_STATES:
                return found
            self.cuts += brought
            await asyncio.sleep(AGAIN_SECONDS)
        raise AssertionError

    async def _stream(self, url: str, job_id: str, found: list[Seen]) -> bool:
        """One stream; returns whether it brought something."""
        last, brought = (found[-1].id if found else ""), False
        try:
            async with (
                with_key(url) as client,
                watching(client, f"/v1/jobs/{job_id}/events", last=last) as events,
            ):
                async for event in events:
                    assert event.event in {"status", "retrying"}, event
                    if event.event == "status":
                        found.append(event)
                        self._busy[url] += not brought
                        brought = True
        except httpx.HTTPError:
            pass  # the gateway was killed
        finally:
            self._busy[url] -= brought
        return brought


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
    killed_while_busy = 0

    async with cluster.running(seconds=500), two_kept_alive(cluster, tmp_path / "gateways") as gateways:
        cluster.slow_down(0.5)
        watchers = Watchers(gateways)

        async def jobs_one_after_the_other() -> None:
            while killed_while_busy < kills:
                request = job(unheard_text(12))
                await cluster.services.submit(request)
                async with asyncio.timeout(JOB_SECONDS):
                    seen[request.job_id] = await watchers.watch(request.job_id)
                await cluster.proves(request)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(at_a_time):
                tasks.create_task(jobs_one_after_the_other())
            for worker in itertools.cycle(gateways.workers):
                await until(lambda worker=worker: watchers.is_busy(worker), "a stream brings something", seconds=60)
                cuts, exits = watchers.cuts, len(gateways.exits)
                gateways.kill(worker)
                await until(lambda exits=exits: len(gateways.exits) > exits, "it is dead")
                await until(lambda worker=worker: not watchers.is_busy(worker), "its streams have ended")
                killed_while_busy += watchers.cuts > cuts  # not if the end of the job was on its way to the client
                if killed_while_busy == kills:
                    break

    for events in seen.values():
        told = changes(events)
        assert [number for number, _ in told] == list(range(told[0][0], told[-1][0] + 1)), told
        full = [change["state"] for change in events[-1].data["history"]]
        assert [state for _, state in told] == full[told[0][0] - 1 :]
        assert told[-1][1] == "completed"
        assert len({event.id for event in events}) == len(events), "no event came twice"
