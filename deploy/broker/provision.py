"""Declares exchanges and queues as the broker's administrator, and looks whether every role's user can connect.

    PODCAST_AMQP_URL_FILE=/run/secrets/amqp_url_admin python -m deploy.broker.provision --users /run/secrets

Users and their permissions come with the definitions that the broker imports when it boots
(`deploy/broker/definitions.py`). Where these have no queues, since a cluster's queues must be made when all its nodes
are there, or where the broker is somebody else's, this makes them. The folder has a file `amqp_url_<role>` for each
role that is used. It waits for the broker, ends within `--seconds`, and may run any number of times. Exit codes: 0
done, 1 the broker did not answer or refuses a user, 2 a setting is wrong.

    --definitions   only prints the definitions for these users, for `rabbitmqctl import_definitions`
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from deploy.broker.definitions import ACCOUNT_ROLES, BrokerAccount, document
from deploy.provisioning import addresses_in, until_up
from shared.deadlines import deadline
from shared.errors import BrokerDown, Misconfigured, PodcastError
from shared.protocol import topology
from shared.runtime.broker import calling, connected, prepare
from shared.settings import Settings, load

FILE_PREFIX: Final = "amqp_url_"
_SECONDS: Final = 300.0
_DECLARE_SECONDS: Final = 60.0


async def provision(settings: Settings, users: Path, *, seconds: float = _SECONDS) -> list[str]:
    """Do it.

    Args:
        settings: whose PODCAST_AMQP_URL names the administrator.
        users: the folder of the files.
        seconds: the overall limit.

    Returns:
        What was done, in sentences.

    Raises:
        Misconfigured: a file cannot be read.
        BrokerDown: the broker did not answer in time, or does not know a user.
    """
    wanted = addresses_in(users, FILE_PREFIX, ACCOUNT_ROLES)
    said = []

    async def declare() -> None:
        async with connected(settings) as connection, calling(_DECLARE_SECONDS, "declaring the queues"):
            await topology.declare(connection)
            await topology.declare_event_log(connection)

    async with deadline(seconds, "provisioning the broker", error=BrokerDown):
        await until_up(declare, down=BrokerDown)
        said.append("Exchanges and queues are there.")
        for role, url in wanted.items():
            own = settings.model_copy(update={"amqp_url": url, "declare_topology": False})

            async def verify(own: Settings = own) -> None:
                async with connected(own) as connection, calling(_DECLARE_SECONDS, "looking for the queues"):
                    await prepare(connection, own)

            await until_up(verify, down=BrokerDown)
            said.append(f"The user of {role} can connect.")
    return said


def accounts_of(urls: dict[str, str]) -> list[BrokerAccount]:
    """The accounts that the addresses name.

    Raises:
        Misconfigured: one has no user and password.
    """
    accounts = []
    for role, url in urls.items():
        parts = urlsplit(url.split(",", 1)[0])
        if not parts.username or not parts.password:
            raise Misconfigured(
                f"The broker's address for {role} has no user and password.",
                hint="Write amqp://USER:PASSWORD@HOST:PORT/VHOST.",
            )
        accounts.append(BrokerAccount(role, unquote(parts.password), name=unquote(parts.username)))
    return accounts


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.broker.provision", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--users", type=Path, default=Path("/run/secrets"), help="folder with the files amqp_url_<role>"
    )
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="how long it may take")
    parser.add_argument("--definitions", action="store_true", help="only print the definitions for these users")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.definitions:
            urls = addresses_in(chosen.users, FILE_PREFIX, ACCOUNT_ROLES)
            vhost = unquote(urlsplit(next(iter(urls.values())).split(",", 1)[0]).path.removeprefix("/")) or "/"
            print(document(accounts_of(urls), vhost=vhost), end="")
            return 0
        for line in asyncio.run(provision(load(), chosen.users, seconds=chosen.seconds)):
            print(line, flush=True)
    except PodcastError as error:
        print(f"provision: {error}", file=sys.stderr, flush=True)
        return 2 if isinstance(error, Misconfigured) else 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
