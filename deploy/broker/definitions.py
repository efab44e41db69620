"""The definitions that RabbitMQ imports when it boots: users, their permissions, exchanges, queues and bindings.

Made from `shared/protocol` and the passwords, so nothing is written twice. The same accounts always give the same
document, byte for byte: a Swarm config is named by a digest of its content, and only a change may restart the broker.

The log of changes of state is not among them: a stream is elected a leader after the boot, not during it, so until then
the import of its binding fails ("resources_missing: absent"), and with it the boot of a broker that has data. Gateways
declare it themselves.

An import adds and updates; it removes nothing. A user that is in no document any more is removed with
`rabbitmqctl delete_user`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deploy.broker.permissions import EVERYTHING, Permissions, permissions_of
from shared.errors import Misconfigured
from shared.protocol import declarations
from shared.protocol.roles import ROLE_NAMES, role_named
from shared.protocol.topology import WORK_QUEUES, WorkQueue

ADMINISTRATOR: Final = "admin"
"""The role that may do everything. No service uses it: it is for provisioning and for people in need."""
MONITORING: Final = "monitoring"
"""The role that sees figures in the management plugin and no message."""
ACCOUNT_ROLES: Final = (*ROLE_NAMES, ADMINISTRATOR, MONITORING)

_HASHING: Final = "rabbit_password_hashing_sha256"
_SALT_BYTES: Final = 4
_SHORTEST_PASSWORD: Final = 16
_TAGS: Final = {ADMINISTRATOR: ["administrator"], MONITORING: ["monitoring"]}


@dataclass(frozen=True)
class BrokerAccount:
    """A user of the broker.

    Attributes:
        role: one of `ACCOUNT_ROLES`.
        password: 16 characters or more.
        name: of the user; two users may have one role while a password is changed.
    """

    role: str
    password: str
    name: str = ""

    @property
    def user(self) -> str:
        """Its user name: the role's name unless it has one of its own."""
        return self.name or self.role


def definitions(
    accounts: Iterable[BrokerAccount],
    *,
    vhost: str = "/",
    with_topology: bool = True,
    queues: Sequence[WorkQueue] = WORK_QUEUES,
) -> dict[str, Any]:
    """The document.

    Args:
        accounts: one or more for each role that is used.
        vhost: where everything is.
        with_topology: exchanges, queues and bindings too. Not for a cluster: a quorum queue has its replicas on the
            nodes that are there when it is made, so it must be made when all are (`python -m deploy.broker.provision`).
        queues: the work queues.

    Raises:
        Misconfigured: a role is not known, a password is too short, or two accounts have one name.
    """
    known = sorted(accounts, key=lambda account: account.user)
    _check(known)
    rights = {account.user: _permissions(account.role) for account in known}
    found: dict[str, Any] = {
        "users": [
            {
                "name": account.user,
                "password_hash": password_hash(account.user, account.password),
                "hashing_algorithm": _HASHING,
                "tags": _TAGS.get(account.role, []),
                "limits": {},
            }
            for account in known
        ],
        "vhosts": [{"name": vhost}],
        "permissions": [
            {"user": user, "vhost": vhost, "configure": each.configure, "write": each.write, "read": each.read}
            for user, each in rights.items()
        ],
        "topic_permissions": [
            {"user": user, "vhost": vhost, "exchange": topic.exchange, "write": topic.write, "read": topic.read}
            for user, each in rights.items()
            for topic in each.topics
        ],
        "parameters": [],
        "global_parameters": [],
        "policies": [],
        "exchanges": [],
        "queues": [],
        "bindings": [],
    }
    return found | _topology(vhost, queues) if with_topology else found


def document(accounts: Iterable[BrokerAccount], *, vhost: str = "/", with_topology: bool = True) -> str:
    """The same as text: what goes into `definitions.json`.

    Raises:
        Misconfigured: as `definitions`.
    """
    return json.dumps(definitions(accounts, vhost=vhost, with_topology=with_topology), indent=1, sort_keys=True) + "\n"


def password_hash(user: str, password: str) -> str:
    """RabbitMQ's salted SHA-256 of a password, base64.

    The salt is derived instead of random, so that the document changes only if a password does. It is there against
    tables of common passwords, and is different for each user and password.
    """
    salt = hmac.digest(password.encode(), user.encode(), "sha256")[:_SALT_BYTES]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _check(accounts: list[BrokerAccount]) -> None:
    for account in accounts:
        if account.role not in ACCOUNT_ROLES:
            raise Misconfigured(
                f"{account.role} is no role at the broker.", hint=f"There are {', '.join(ACCOUNT_ROLES)}."
            )
        if len(account.password) < _SHORTEST_PASSWORD:
            raise Misconfigured(
                f"The password of the broker's user {account.user} is shorter than {_SHORTEST_PASSWORD} characters.",
                hint="Make one with `openssl rand -hex 24`.",
            )
    users = [account.user for account in accounts]
    for user in users:
        if users.count(user) > 1:
            raise Misconfigured(f"Two accounts of the broker are named {user}.", hint="Give one another name.")


def _permissions(role: str) -> Permissions:
    if role == ADMINISTRATOR:
        return EVERYTHING
    return Permissions() if role == MONITORING else permissions_of(role_named(role))


def _topology(vhost: str, queues: Sequence[WorkQueue]) -> dict[str, Any]:
    return {
        "exchanges": [
            {
                "name": exchange.name,
                "vhost": vhost,
                "type": exchange.kind,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for exchange in declarations.exchanges(queues)
        ],
        "queues": [
            {"name": queue.name, "vhost": vhost, "durable": True, "auto_delete": False, "arguments": queue.arguments}
            for queue in declarations.declared_queues(queues)
        ],
        "bindings": [
            {
                "source": binding.exchange,
                "vhost": vhost,
                "destination": binding.queue,
                "destination_type": "queue",
                "routing_key": binding.routing_key,
                "arguments": {},
            }
            for binding in declarations.bindings(queues)
        ],
    }
