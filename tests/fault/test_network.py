"""The network in front of broker, store and speech: it cuts, stalls, delays, trickles, half-closes."""

from __future__ import annotations

import asyncio

import pytest

from tests.fault.cluster import LONG_ENOUGH, PROXIES, Cluster, ProxyName, job, unheard_text
from tests.fault.evidence import Evidence
from tests.servers.proxy import BREAKS, Break

BROKEN_SECONDS = 6.0
"""Longer than any call's deadline, so that deadlines expire."""
LONG_BROKEN_SECONDS = 45.0
"""Longer than three heartbeats, after which a silent connection to the broker is given up."""
SHORT = {("broker", "cut"), ("broker", "stall"), ("store", "trickle"), ("store", "half-close"), ("speech", "cut")}


def marks(proxy: ProxyName, mode: Break) -> list[pytest.MarkDecorator]:
    return [] if (proxy, mode) in SHORT else [pytest.mark.long]


@pytest.mark.parametrize(
    ("proxy", "mode"), [pytest.param(proxy, mode, marks=marks(proxy, mode)) for proxy in PROXIES for mode in BREAKS]
)
async def test_a_broken_network_costs_time_and_nothing_else(cluster: Cluster, proxy: ProxyName, mode: Break) -> None:
    requests = [job(unheard_text(LONG_ENOUGH)) for _ in range(2)]

    async with cluster.running():
        await cluster.synthesizes(*requests, call_seconds=0.5)
        evidence = Evidence(cluster)
        cluster.proxies[proxy].break_as(mode)
        await asyncio.sleep(BROKEN_SECONDS)
        await evidence.bit(proxy, mode)
        cluster.proxies[proxy].heal()
        await cluster.proves(*requests)


@pytest.mark.long
@pytest.mark.parametrize("mode", BREAKS)
async def test_a_network_that_is_broken_on_all_sides_for_long(cluster: Cluster, mode: Break) -> None:
    requests = [job(unheard_text(LONG_ENOUGH)) for _ in range(4)]

    async with cluster.running():
        await cluster.synthesizes(*requests, call_seconds=0.5)
        evidence = Evidence(cluster)
        for proxy in cluster.proxies.values():
            proxy.break_as(mode)
        await asyncio.sleep(LONG_BROKEN_SECONDS)
        for name in PROXIES:
            await evidence.bit(name, mode)
        for proxy in cluster.proxies.values():
            proxy.heal()
        await cluster.proves(*requests)
