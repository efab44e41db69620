"""What RabbitMQ lets each role do, derived from `shared/protocol`: a pattern of names for each of its three rights.

`configure` is needed to declare and delete, `write` to publish to an exchange and to bind a queue, `read` to consume,
get and purge a queue and to bind to an exchange. On a topic exchange the routing keys are limited too. Nobody may use
the default exchange, since it leads to every queue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.protocol.roles import Role
from shared.protocol.topology import (
    DEAD_EXCHANGE,
    EVENT_LOG,
    EVENTS_EXCHANGE,
    EXCHANGE,
    OPERATOR_LOCK,
    OPERATORS_EXCHANGE,
    WORK_QUEUES,
)

NOTHING: Final = "^$"
_ALL: Final = ".*"
_OWN_QUEUES: Final = r"amq\.gen-.*"
"""The broker names them; each is exclusive to the connection that declared it."""


@dataclass(frozen=True)
class TopicPermission:
    """Patterns of routing keys on one topic exchange."""

    exchange: str
    write: str = NOTHING
    read: str = NOTHING


@dataclass(frozen=True)
class Permissions:
    """Patterns of names, and of routing keys."""

    configure: str = NOTHING
    write: str = NOTHING
    read: str = NOTHING
    topics: tuple[TopicPermission, ...] = ()


EVERYTHING: Final = Permissions(_ALL, _ALL, _ALL)
"""Of the administrator, who declares what the others use."""


def permissions_of(role: Role) -> Permissions:
    """What the role may do, and nothing more."""
    configure: list[str] = []
    write: list[str] = []
    read: list[str] = []
    dead_keys: list[str] = []
    if role.publishes:
        write.append(re.escape(EXCHANGE))
    if role.events:
        write.append(re.escape(EVENTS_EXCHANGE))
    if role.consumes is not None:
        write += [re.escape(DEAD_EXCHANGE), re.escape(role.consumes.direct_exchange)]
        read.append(re.escape(role.consumes.name))
        dead_keys.append(re.escape(role.consumes.name))
    write += [re.escape(queue.direct_exchange) for queue in role.sends_back_to]
    if role.watches:
        configure.append(_OWN_QUEUES)
        write.append(_OWN_QUEUES)
        read += [_OWN_QUEUES, re.escape(EVENTS_EXCHANGE)]
    if role.reads_event_log:
        # It declares the log and binds it: definitions cannot (`deploy/broker/definitions.py`).
        for rights in (configure, write, read):
            rights.append(re.escape(EVENT_LOG))
    if role.operates:
        # The lock is bound to the exchange of those who wait for it, so it takes all three rights.
        configure.append(re.escape(OPERATOR_LOCK))
        write += [re.escape(OPERATOR_LOCK), re.escape(OPERATORS_EXCHANGE)]
        read += [re.escape(OPERATOR_LOCK), re.escape(OPERATORS_EXCHANGE)]
        read += [re.escape(queue.dead) for queue in WORK_QUEUES]
    return Permissions(
        _any_of(configure),
        _any_of(write),
        _any_of(read),
        (
            TopicPermission(EXCHANGE, write=_any_of(re.escape(message.ROUTING_KEY) for message in role.publishes)),
            TopicPermission(DEAD_EXCHANGE, write=_any_of(dead_keys)),
            TopicPermission(
                EVENTS_EXCHANGE,
                write=_any_of(rf"{re.escape(event)}\..+" for event in role.events),
                read=_ALL if role.watches else NOTHING,
            ),
        ),
    )


def _any_of(patterns: Iterable[str]) -> str:
    """A pattern for the whole of a name; RabbitMQ's patterns match anywhere in it otherwise."""
    found = list(dict.fromkeys(patterns))
    return f"^({'|'.join(found)})$" if found else NOTHING
