"""Two replicas of the gateway with the same broker and store, behind proxies that can fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from shared.client import api_keys
from shared.client.api_keys import Scope
from shared.store.port import Store, open_store
from tests.integration.gateway.event_streams import Life
from tests.integration.gateway.gateway_settings import environment, with_key
from tests.servers.minio import MinioServer
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services, Worker
from tests.waiting import until

STORE_SECONDS = "1"
"""After this time the store counts as down."""


@dataclass
class TwoGateways:
    """The gateways, and the way around the proxies for the test itself.

    Attributes:
        services: the gateways' processes.
        direct: the same servers without the proxies.
        workers: the two gateways.
        broker: between the gateways and the broker.
        storage: between the gateways and the store.
    """

    services: Services
    direct: Services
    workers: tuple[Worker, Worker]
    broker: Proxy
    storage: Proxy

    @property
    def store(self) -> Store:
        """A store of the test's own, not through the proxy."""
        return open_store(self.direct.settings)

    def client(self, number: int = 0) -> httpx.AsyncClient:
        """A client of one of the two, with a key."""
        return with_key(self.workers[number].health_url)

    @asynccontextmanager
    async def life(self, *, is_told: bool = True, job_id: str = "") -> AsyncIterator[Life]:
        """A job; with `is_told`, its events are published."""
        if not is_told:
            yield Life(self.store, job_id=job_id)
            return
        async with self.direct.publisher() as publish:
            yield Life(self.store, publish, job_id=job_id)

    async def metric(self, name: str, number: int = 0) -> float:
        """The value of one of a gateway's metrics that has no labels."""
        async with self.client(number) as client:
            lines = (await client.get("/metrics")).text.splitlines()
        return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))

    async def broker_is_cut(self) -> None:
        """Take the broker away; returns when the gateways have noticed."""
        self.broker.break_as("cut")
        await self._ready(503)

    async def broker_is_back(self) -> None:
        self.broker.heal()
        await self._ready(200)

    async def _ready(self, status: int) -> None:
        async def is_so() -> bool:
            found = []
            for number in (0, 1):
                async with self.client(number) as client:
                    found.append((await client.get("/readyz")).status_code == status)
            return all(found)

        await until(is_so, f"/readyz answers {status}")


async def new_key(store: Store, *scopes: Scope) -> str:
    """A new key with these scopes."""
    token = api_keys.new_token()
    await api_keys.add(store, api_keys.key_of(token, name="test", scopes=scopes))
    return token


@contextmanager
def two_gateways(rabbitmq: RabbitServer, minio: MinioServer, directory: Path, **settings: str) -> Iterator[TwoGateways]:
    """Start them; returns when they are ready."""
    url, bucket = rabbitmq.vhost(), minio.bucket()
    with Proxy(rabbitmq.node.amqp_port) as broker, Proxy(minio.node.port) as storage:
        own = {
            **environment(broker.in_front_of(url), storage.in_front_of(bucket)),
            "PODCAST_STORE_DEADLINE_SECONDS": STORE_SECONDS,
            "PODCAST_GATEWAY_HEARTBEAT_SECONDS": "1",
            "PODCAST_GATEWAY_LOOK_SECONDS": "3",
            **settings,
        }
        direct = Services({**own, "PODCAST_AMQP_URL": url, "PODCAST_STORE_URL": bucket}, directory)
        with Services(own, directory) as services:
            first, second = services.start("gateway", "gateway")
            asyncio.run(services.ready())
            yield TwoGateways(services, direct, (first, second), broker, storage)
    rabbitmq.drop_vhost(url)
