"""Whether a fault took effect: a test asserts this before recovery, or it would pass without its fault."""

from __future__ import annotations

from collections.abc import Collection

from tests.fault.cluster import PROXIES, Cluster, ProxyName
from tests.servers.proxy import Break
from tests.servers.services import SERVICES
from tests.waiting import until

NOTICED_SECONDS = 30.0
"""Within this time a service notices that something is wrong: longer than any of its deadlines for one call."""


class Evidence:
    """What the services and the proxies have seen since this object was created; create it before the fault.

    Args:
        cluster: what the fault is injected into.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._logged = {service: len(cluster.services.log(service)) for service in SERVICES}
        self._exits = len(cluster.services.exits)
        self._bites = {name: cluster.proxies[name].bites.copy() for name in PROXIES}
        self._refused = {name: cluster.proxies[name].refused for name in PROXIES}

    @property
    def exits(self) -> list[tuple[str, int]]:
        """Service and exit code of each process that ended."""
        return self._cluster.services.exits[self._exits :]

    def lines(self, *parts: str, services: Collection[str] = SERVICES) -> list[str]:
        """New lines in the logs of these services that contain every part."""
        return [
            line
            for service in services
            for line in self._cluster.services.log(service)[self._logged[service] :].splitlines()
            if all(part in line for part in parts)
        ]

    def bites(self, proxy: ProxyName, mode: Break) -> int:
        """How often a broken proxy affected traffic."""
        return self._cluster.proxies[proxy].bites[mode] - self._bites[proxy][mode]

    async def logged(self, *parts: str, services: Collection[str] = SERVICES) -> None:
        """Wait until a service has logged a line that contains every part."""
        await until(
            lambda: self.lines(*parts, services=services), f"the fault is noticed: {parts}", seconds=NOTICED_SECONDS
        )

    async def bit(self, proxy: ProxyName, mode: Break) -> None:
        """Wait until the broken proxy has affected traffic."""
        await until(lambda: self.bites(proxy, mode), f"{mode} meets traffic to the {proxy}", seconds=NOTICED_SECONDS)

    async def refused(self, proxy: ProxyName) -> None:
        """Wait until a service has failed to reach the server behind the proxy."""
        await until(
            lambda: self._cluster.proxies[proxy].refused > self._refused[proxy],
            f"the {proxy} is called in vain",
            seconds=NOTICED_SECONDS,
        )

    async def ended(self, *exits: tuple[str, int]) -> None:
        """Wait until these processes have ended with these codes."""
        await until(
            lambda: all(self.exits.count(one) >= exits.count(one) for one in exits),
            f"these end: {exits}",
            seconds=NOTICED_SECONDS,
        )
