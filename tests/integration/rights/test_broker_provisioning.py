"""The broker's provisioning on a real broker whose definitions had no queues, as those of a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.broker.definitions import document
from deploy.broker.provision import main, provision
from shared.errors import BrokerDown, Misconfigured
from shared.protocol.roles import ROLES
from shared.runtime.broker import connected, prepare
from shared.settings import Settings
from tests.servers.rabbitmq import RabbitServer
from tests.servers.rights import BrokerUsers


@pytest.fixture
def users(rabbitmq: RabbitServer, tmp_path: Path) -> Iterator[BrokerUsers]:
    """Users alone, and the files that provisioning reads."""
    url = rabbitmq.vhost()
    found = BrokerUsers(rabbitmq, url.rpartition("/")[2])
    accounts = list(found.accounts.values())
    rabbitmq.import_definitions(document(accounts, vhost=found.vhost, with_topology=False))
    for role in ROLES:
        (tmp_path / f"amqp_url_{role.name}").write_text(found.url(role.name))
    yield found
    rabbitmq.drop_vhost(url)


async def test_it_declares_what_the_users_may_not_and_can_be_repeated(users: BrokerUsers, tmp_path: Path) -> None:
    own = Settings(amqp_url=users.url("synthesizer"), declare_topology=False)
    async with connected(own) as connection:
        with pytest.raises(BrokerDown, match="no exchange 'podcast'"):
            await prepare(connection, own)
    for _ in range(2):
        said = await provision(Settings(amqp_url=users.url("admin")), tmp_path, seconds=60)
        assert len(said) == len(ROLES) + 1
    async with connected(own) as connection:
        await prepare(connection, own)


async def test_a_user_that_the_broker_does_not_know_is_named(
    users: BrokerUsers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "amqp_url_chunker").write_text(users.url("chunker").replace("chunker-", "stranger-"))
    with pytest.raises(BrokerDown, match="took longer than 5 s"):
        await provision(Settings(amqp_url=users.url("admin")), tmp_path, seconds=5)
    assert "ACCESS_REFUSED" in capsys.readouterr().out


def test_the_definitions_can_be_printed_for_somebody_else_s_broker(
    users: BrokerUsers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--users", str(tmp_path), "--definitions"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["vhosts"] == [{"name": users.vhost}]
    assert {entry["name"] for entry in printed["users"]} == {users.accounts[role.name].user for role in ROLES}
    (tmp_path / "amqp_url_chunker").write_text("amqp://rabbitmq:5672/")
    assert main(["--users", str(tmp_path), "--definitions"]) == 2
    assert "has no user and password" in capsys.readouterr().err


async def test_a_folder_without_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"no file amqp_url_<role>"):
        await provision(Settings(), tmp_path, seconds=5)
