"""A real gateway process, with a real broker and a real store behind it, and keys of each kind for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from shared.client import api_keys
from shared.client.api_keys import Scope
from shared.protocol import topology
from shared.runtime.broker import connected
from shared.settings import Settings
from shared.store.port import Store
from tests.integration.gateway.gateway_settings import STACK_KEY, environment, with_key
from tests.integration.gateway.two_gateways import TwoGateways, two_gateways
from tests.servers.minio import MinioServer
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services, Worker

__all__ = ["STACK_KEY", "environment", "with_key"]


@dataclass
class Gateway:
    """A running gateway.

    Attributes:
        services: the processes; more may be started.
        worker: the gateway's own.
        client: sends a key with all scopes.
    """

    services: Services
    worker: Worker
    client: httpx.AsyncClient

    @property
    def url(self) -> str:
        return self.worker.health_url

    @property
    def store(self) -> Store:
        return self.services.store

    @property
    def settings(self) -> Settings:
        return self.services.settings

    async def key(self, *scopes: Scope, requests_per_minute: int | None = None) -> str:
        """A new key with these scopes, as `podcast keys add` makes it."""
        return await new_key(self.store, *scopes, requests_per_minute=requests_per_minute)


async def new_key(store: Store, *scopes: Scope, requests_per_minute: int | None = None) -> str:
    """A new key with these scopes."""
    token = api_keys.new_token()
    made = api_keys.key_of(token, name="test", scopes=scopes, requests_per_minute=requests_per_minute)
    await api_keys.add(store, made)
    return token


@contextmanager
def gateway_on(amqp_url: str, store_url: str, directory: Path, **extra: str) -> Iterator[Services]:
    """A running gateway on given servers.

    Args:
        amqp_url: a vhost of its own.
        store_url: its store.
        directory: where its logs and its uploads are.
        **extra: more of its environment.
    """
    uploads = directory / "tmp"
    uploads.mkdir()
    settings = {**environment(amqp_url, store_url), "TMPDIR": str(uploads), **extra}
    with Services(settings, directory / "logs") as services:
        services.start("gateway")
        asyncio.run(services.ready())
        yield services


@contextmanager
def gateway_process(rabbitmq: RabbitServer, directory: Path, **extra: str) -> Iterator[Services]:
    """A gateway with a vhost and a folder of its own, for all tests of a module."""
    url = rabbitmq.vhost()
    try:
        with gateway_on(url, (directory / "store").as_uri(), directory, **extra) as services:
            yield services
    finally:
        rabbitmq.drop_vhost(url)


@pytest.fixture(scope="module")
def module_services(rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway for all tests of a module, none of which minds what the others leave."""
    with gateway_process(rabbitmq, tmp_path_factory.mktemp("gateway")) as services:
        yield services


@pytest.fixture
async def shared(module_services: Services) -> AsyncIterator[Gateway]:
    """The module's gateway, with a client of this test's own."""
    worker = module_services.of("gateway")[0]
    async with with_key(worker.health_url) as client:
        yield Gateway(module_services, worker, client)


@pytest.fixture
async def gateway(shared: Gateway) -> Gateway:
    """The module's gateway as if it were new: nothing in its store or its queues, and nothing that consumes."""
    for key in [key async for key in shared.store.list("")]:
        await shared.store.delete(key)
    async with connected(shared.settings) as connection, connection.channel() as channel:
        for queue in topology.WORK_QUEUES:
            for name in (queue.name, queue.dead):
                await (await channel.get_queue(name)).purge()
    return shared


@pytest.fixture(scope="module")
def gateways(
    rabbitmq: RabbitServer, minio: MinioServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoGateways]:
    """Two replicas for all tests of a module."""
    with two_gateways(rabbitmq, minio, tmp_path_factory.mktemp("gateways")) as started:
        yield started
