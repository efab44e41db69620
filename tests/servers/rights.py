"""Restricted users of the tests' servers: the definitions of `deploy/broker` in a vhost of a test's own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from deploy.broker.definitions import ACCOUNT_ROLES, BrokerAccount, document
from tests.servers.rabbitmq import RabbitServer


@dataclass
class BrokerUsers:
    """A user for each role, with the exchanges and queues that they use.

    Attributes:
        server: the node.
        vhost: theirs alone, since users belong to the whole node.
        accounts: role → its account.
    """

    server: RabbitServer
    vhost: str
    accounts: dict[str, BrokerAccount] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.accounts = {
            role: BrokerAccount(role, secrets.token_hex(16), name=f"{self.vhost}-{role}") for role in ACCOUNT_ROLES
        }

    def import_definitions(self, *more: BrokerAccount) -> None:
        """Import the definitions, as a broker does when it boots."""
        self.server.import_definitions(document([*self.accounts.values(), *more], vhost=self.vhost))

    def url(self, role: str) -> str:
        """Where a process of this role connects."""
        return self.url_of(self.accounts[role])

    def url_of(self, account: BrokerAccount) -> str:
        return self.server.node.url_as(account.user, account.password, self.vhost)
