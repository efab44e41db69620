"""A broker that has data boots with definitions that have changed, as it does after a rotation: `deploy/stack`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from deploy.broker.definitions import ACCOUNT_ROLES, BrokerAccount, document
from deploy.local.rabbitmq import USER
from deploy.provisioning import until_up
from deploy.stack.broker_files import RABBITMQ_CONF
from shared.errors import BrokerDown
from shared.protocol import topology
from shared.runtime.broker import calling, connected, prepare, prepare_event_log
from shared.settings import Settings
from tests.servers.rabbitmq import RabbitServer

BOOTS = 5
LOG_SECONDS = 60.0
IN_THE_STACK = "/run/secrets/rabbitmq_definitions"


def accounts(turn: int) -> list[BrokerAccount]:
    """The users, with passwords of this turn."""
    return [BrokerAccount(role, f"password-of-turn-{turn}-{role}") for role in ACCOUNT_ROLES]


def test_changed_definitions_are_imported_over_existing_data(tmp_path: Path) -> None:
    definitions = tmp_path / "definitions.json"
    server = RabbitServer(tmp_path / "broker")
    assert IN_THE_STACK in RABBITMQ_CONF
    settings = tuple(RABBITMQ_CONF.replace(IN_THE_STACK, str(definitions)).splitlines())
    server.node = replace(server.node, settings=settings)
    own = BrokerAccount("admin", server.node.password, name=USER)  # whom the test waits for
    try:
        for turn in range(BOOTS):
            definitions.write_text(document([*accounts(turn), own]))
            server.start()
            for account in accounts(turn):
                if account.role not in {"admin", "monitoring"}:
                    asyncio.run(works(server.node.url_as(account.user, account.password), account.role))
            server.settle()
            server.stop()
    finally:
        server.stop()


async def works(url: str, role: str) -> None:
    """Everything is there for this user."""
    settings = Settings(amqp_url=url, declare_topology=False)
    async with connected(settings) as connection:
        await prepare(connection, settings)
    if role == "gateway":
        # The log is back a moment after the boot, when it has a leader.
        async with asyncio.timeout(LOG_SECONDS):
            await until_up(lambda: finds_the_log(settings), down=BrokerDown)


async def finds_the_log(settings: Settings) -> None:
    async with calling(LOG_SECONDS, "declaring the log"), connected(settings) as connection:
        await prepare_event_log(connection, settings)
        async with connection.channel() as channel:
            await channel.get_queue(topology.EVENT_LOG)
