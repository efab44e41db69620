"""Several addresses of a broker: a service goes on at another node when its own is lost. Proxies stand in for nodes."""

from __future__ import annotations

import contextlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from yarl import URL

from shared.errors import BrokerDown, Misconfigured
from shared.protocol import topology
from shared.protocol.messages import ChunkRequested
from shared.runtime.broker import connected
from shared.runtime.broker_addresses import addresses, shuffled
from shared.runtime.service import Service
from shared.settings import Settings
from tests.integration.running import request, running
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.waiting import until

ONE, TWO = "amqp://u:p@one:5672/v", "amqp://u:p@two:5673/v"


def test_the_setting_lists_complete_addresses() -> None:
    assert addresses(ONE) == [ONE]
    assert addresses(f" {ONE} ,{TWO}, amqp://u:p@three/v ") == [ONE, TWO, "amqp://u:p@three/v"]
    assert addresses("amqp://u:a,b@one/,amqp://u:a,b@two/") == ["amqp://u:a,b@one/", "amqp://u:a,b@two/"]
    assert sorted(shuffled(f"{ONE},{TWO}")) == [ONE, TWO]


@pytest.mark.parametrize(
    "other", ["amqp://u:q@two/v", "amqp://w:p@two/v", "amqp://u:p@two/w", "amqps://u:p@two/v", "amqp://u:p@two:x/v"]
)
def test_addresses_that_are_not_of_one_cluster_are_refused(other: str) -> None:
    with pytest.raises(Misconfigured, match="PODCAST_AMQP_URL"):
        addresses(f"{ONE},{other}")


async def test_a_service_goes_on_at_another_node_and_back(amqp_url: str, tmp_path: Path) -> None:
    port = urlsplit(amqp_url).port or 0
    handled: list[int] = []
    with contextlib.ExitStack() as nodes:
        there = [nodes.enter_context(Proxy(port)) for _ in range(2)]
        settings = Settings(
            amqp_url=",".join(node.in_front_of(amqp_url) for node in there),
            store_url=(tmp_path / "store").as_uri(),
            connect_timeout_seconds=1,
        )
        service = Service(settings, topology.SYNTHESIZER, slots=3, deadline_seconds=60)
        losses: list[None] = []
        service.on_disconnect.append(lambda: losses.append(None))

        @service.on(ChunkRequested)
        async def chunk_requested(message: ChunkRequested) -> None:
            handled.append(message.index)

        async with running(service) as app:
            for turn in range(4):  # from the second turn on, the service is connected to the one that is lost
                lost = there[turn % 2]
                before = len(losses)
                lost.break_as("stall" if turn < 2 else "cut")
                lost.cut_now()
                if turn > 0:
                    await until(lambda before=before: len(losses) > before, "the service has lost its connection")
                await until(lambda: app.ready, "the service is connected to the other node")
                await until(lambda turn=turn: published(app, turn), "it publishes there")
                await until(lambda turn=turn: turn in handled, "it consumes there")
                async with connected(settings):
                    pass
                lost.heal()
    assert sorted(set(handled)) == [0, 1, 2, 3]


async def published(app: Service, number: int) -> bool:
    """Whether the broker has confirmed it. In the first turn the connection may be lost at any moment."""
    try:
        await app.publish(request(number))
    except BrokerDown:
        return False
    return True


async def test_clients_try_every_node(amqp_url: str) -> None:
    gone = str(URL(amqp_url).with_port(free_port()))
    settings = Settings(amqp_url=f"{gone},{amqp_url},{gone}", connect_timeout_seconds=5)
    for _ in range(2):
        async with connected(settings) as connection:
            assert not connection.is_closed
    with pytest.raises(BrokerDown, match="cannot be reached"):
        async with connected(Settings(amqp_url=f"{gone},{gone}", connect_timeout_seconds=5)):
            pass
