"""The broker's definitions are made from the topology, the same every time, and give each role its own alone."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from deploy.broker.definitions import ACCOUNT_ROLES, BrokerAccount, definitions, document, password_hash
from deploy.broker.permissions import NOTHING, permissions_of
from services.assembler import app as assembler
from services.chunker import app as chunker
from services.coordinator import app as coordinator
from services.feeds import app as feeds
from services.synthesizer import app as synthesizer
from services.webhooks import app as webhooks
from shared.errors import Misconfigured
from shared.protocol import topology
from shared.protocol.roles import ROLES, role_named
from shared.settings import Settings

ACCOUNTS = [BrokerAccount(role, f"{role}-" + "p" * 16) for role in ACCOUNT_ROLES]
BUILD = {
    "assembler": assembler.build,
    "chunker": chunker.build,
    "coordinator": coordinator.build,
    "synthesizer": synthesizer.build,
    "webhooks": webhooks.build,
    "feeds": feeds.build,
}


def test_every_service_has_a_role_that_publishes_what_it_says_that_it_publishes(file_store_url: str) -> None:
    settings = Settings(store_url=file_store_url, speech_url="http://127.0.0.1:1")
    for name, build in BUILD.items():
        said = {
            publisher.routing_key
            for publisher in build(settings).broker.publishers
            if publisher.exchange.name == topology.EXCHANGE  # type: ignore[attr-defined]
        }
        assert {message.ROUTING_KEY for message in role_named(name).publishes} == said, name
    assert {role.name for role in ROLES} - set(BUILD) == {"gateway", "client", "operator"}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_no_role_reaches_the_default_exchange_or_another_role_s_queue(role: object) -> None:
    rights = permissions_of(role)  # type: ignore[arg-type]
    own = role.consumes  # type: ignore[attr-defined]
    for name in ("amq.default", "amq.topic", "amq.direct"):
        assert not re.search(rights.write, name)
    for queue in topology.WORK_QUEUES:
        for name in (queue.name, *queue.waits):
            assert not re.search(rights.configure, name)
            assert not re.search(rights.write, name)
            assert bool(re.search(rights.read, name)) == (own is queue and name == queue.name)
        is_sent_back = queue in role.sends_back_to  # type: ignore[attr-defined]
        assert bool(re.search(rights.write, queue.direct_exchange)) == (own is queue or is_sent_back)


def test_the_topic_exchanges_are_limited_for_every_user_since_no_limit_would_mean_all() -> None:
    found = definitions(ACCOUNTS)
    topics = {exchange["name"] for exchange in found["exchanges"] if exchange["type"] == "topic"}
    assert topics == {topology.EXCHANGE, topology.DEAD_EXCHANGE, topology.EVENTS_EXCHANGE}
    for role in ROLES:
        limited = {entry["exchange"] for entry in found["topic_permissions"] if entry["user"] == role.name}
        assert limited == topics, role.name


def test_everything_that_a_binding_names_is_there() -> None:
    found = definitions(ACCOUNTS)
    exchanges = {exchange["name"] for exchange in found["exchanges"]}
    queues = {queue["name"] for queue in found["queues"]}
    # Operators bind their lock themselves, and gateways the log of events.
    unbound = {topology.OPERATORS_EXCHANGE, topology.EVENTS_EXCHANGE}
    assert {binding["source"] for binding in found["bindings"]} == exchanges - unbound
    assert {binding["destination"] for binding in found["bindings"]} == queues
    assert len(queues) == sum(2 + len(queue.waits) for queue in topology.WORK_QUEUES)


def test_the_same_accounts_make_the_same_document_and_another_password_another_one() -> None:
    assert document(ACCOUNTS) == document(reversed(ACCOUNTS))
    changed = [
        BrokerAccount(each.role, each.password[::-1] if each.role == "chunker" else each.password) for each in ACCOUNTS
    ]
    before, after = json.loads(document(ACCOUNTS)), json.loads(document(changed))
    different = [user["name"] for user, other in zip(before["users"], after["users"], strict=True) if user != other]
    assert different == ["chunker"]
    assert before | {"users": []} == after | {"users": []}


def test_a_password_is_hashed_as_rabbitmq_checks_it() -> None:
    raw = base64.b64decode(password_hash("chunker", "a secret that is long"))
    salt, digest = raw[:4], raw[4:]
    assert hashlib.sha256(salt + b"a secret that is long").digest() == digest
    assert (
        password_hash("assembler", "a secret that is long")[:5] != password_hash("chunker", "a secret that is long")[:5]
    )


def test_no_password_is_in_the_document() -> None:
    text = document(ACCOUNTS)
    assert not [account.user for account in ACCOUNTS if account.password in text]


def test_monitoring_sees_no_message_and_only_the_administrator_has_a_tag_that_changes_anything() -> None:
    found = definitions(ACCOUNTS)
    tags = {user["name"]: user["tags"] for user in found["users"] if user["tags"]}
    assert tags == {"admin": ["administrator"], "monitoring": ["monitoring"]}
    (rights,) = (entry for entry in found["permissions"] if entry["user"] == "monitoring")
    assert {rights["configure"], rights["write"], rights["read"]} == {NOTHING}


@pytest.mark.parametrize(
    ("accounts", "words"),
    [
        ([BrokerAccount("chunkers", "p" * 16)], "chunkers is no role"),
        ([BrokerAccount("chunker", "short")], "shorter than 16"),
        ([BrokerAccount("chunker", "p" * 16), BrokerAccount("client", "q" * 16, name="chunker")], "are named chunker"),
    ],
)
def test_a_mistake_in_the_accounts_is_named(accounts: list[BrokerAccount], words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        definitions(accounts)
