"""The gateway's health on a port and a thread of its own, as the other services have it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.integration.gateway.conftest import gateway_process
from tests.servers.ports import free_port
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services


@pytest.fixture(scope="module")
def probed(rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, str]]:
    """A gateway, and the address of its health port."""
    port = free_port()
    with gateway_process(rabbitmq, tmp_path_factory.mktemp("probed"), PODCAST_HEALTH_PORT=str(port)) as services:
        yield services, f"http://127.0.0.1:{port}"


async def test_health_is_also_served_from_a_thread(probed: tuple[Services, str]) -> None:
    services, address = probed
    async with httpx.AsyncClient(base_url=address, timeout=20) as probe:
        alive = (await probe.get("/healthz")).json()
        ready = await probe.get("/readyz")
        stacks = (await probe.get("/stacks")).text
        told = (await probe.get("/metrics")).text
        own = (await probe.get(f"{services.workers[0].health_url}/readyz")).json()
    assert (alive["service"], alive["alive"]) == ("gateway", True)
    assert alive["loop_still_seconds"] < 3
    assert (ready.status_code, ready.json()["ready"], own["ready"]) == (200, True, True)
    assert "thread health:" in stacks
    assert "podcast_gateway_streams " in told
