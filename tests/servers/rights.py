"""Restricted users of the tests' servers: those of `deploy/broker` in a vhost, and of `deploy/store` in a bucket."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from deploy.broker.definitions import ACCOUNT_ROLES, BrokerAccount, document
from deploy.store.policies import STORE_RIGHTS
from deploy.store.provision import provision
from shared.settings import Settings
from shared.store.port import Store, open_store
from tests.servers.minio import MinioServer
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
        self.renew()

    def renew(self) -> None:
        """Another user for each role, as a rotation makes them; not imported yet."""
        self.accounts = {
            role: BrokerAccount(role, secrets.token_hex(16), name=f"{self.vhost}-{role}-{secrets.token_hex(4)}")
            for role in ACCOUNT_ROLES
        }

    def import_definitions(self, *more: BrokerAccount) -> None:
        """Import the definitions, as a broker does when it boots."""
        self.server.import_definitions(document([*self.accounts.values(), *more], vhost=self.vhost))

    def url(self, role: str) -> str:
        """Where a process of this role connects."""
        return self.url_of(self.accounts[role])

    def url_of(self, account: BrokerAccount) -> str:
        return self.server.node.url_as(account.user, account.password, self.vhost)


@dataclass
class StoreUsers:
    """A user for each role, with one bucket of theirs.

    Attributes:
        server: the MinIO.
        bucket: whose users they are.
        folder: of the files that provisioning reads.
        urls: role → the address that a process of this role gets.
    """

    server: MinioServer
    bucket: str
    folder: Path
    urls: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for role in STORE_RIGHTS:
            self.renew(role)

    @property
    def admin(self) -> Settings:
        return Settings(store_url=self.server.node.url(self.bucket))

    def store(self, role: str) -> Store:
        """The store as a process of this role opens it."""
        return open_store(Settings(store_url=self.urls[role]))

    def renew(self, role: str) -> None:
        """Another user for a role, as a rotation makes one; not provisioned yet."""
        key = f"{self.bucket}-{role}-{secrets.token_hex(4)}"
        self.urls[role] = self.server.node.url_as(key, secrets.token_hex(16), self.bucket)
        (self.folder / f"store_url_{role}").write_text(self.urls[role])

    async def provision(self, *, retire: bool = False) -> list[str]:
        return await provision(self.admin, self.folder, seconds=60, retire=retire)
