"""`podcast deploy rotate`: two users a role, whose turns it is alternately."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.broker.definitions import password_hash
from deploy.stack.addresses import user_of
from deploy.stack.deployment import Deployment
from deploy.stack.rotation import finish, rotatable, rotate
from shared.errors import BadInput

NAME = "amqp_url_chunker"


def secret(deployment: Deployment, name: str = NAME) -> str:
    return (deployment.secrets / name).read_text()


def may_log_in(deployment: Deployment, url: str) -> bool:
    """Whether the definitions have this user with this password."""
    user, password = user_of(url)
    users = json.loads((deployment.secrets / "rabbitmq_definitions").read_text())["users"]
    return password_hash(user, password) in [each["password_hash"] for each in users if each["name"] == user]


def test_both_users_can_log_in_until_the_first_is_locked(deployment: Deployment) -> None:
    first = secret(deployment)
    assert rotate(deployment, NAME)
    second = secret(deployment)
    assert user_of(second)[0] == "chunker-2"
    assert may_log_in(deployment, first)
    assert may_log_in(deployment, second)

    finish(deployment, NAME)
    assert not may_log_in(deployment, first)
    assert may_log_in(deployment, second)
    assert secret(deployment) == second

    assert rotate(deployment, NAME)
    third = secret(deployment)
    assert user_of(third)[0] == "chunker"
    assert not may_log_in(deployment, first)
    assert may_log_in(deployment, second)
    assert may_log_in(deployment, third)


def test_both_users_have_the_rights_of_the_role(deployment: Deployment) -> None:
    rotate(deployment, NAME)
    found = json.loads((deployment.secrets / "rabbitmq_definitions").read_text())
    rights = {each["user"]: (each["configure"], each["write"], each["read"]) for each in found["permissions"]}
    assert rights["chunker"] == rights["chunker-2"]
    assert rights["chunker"] != rights["synthesizer"]


def test_only_what_reads_the_secret_is_updated(deployment: Deployment) -> None:
    before = deployment.variables()
    rotate(deployment, NAME)
    after = deployment.variables()
    assert {name for name in after if after[name] != before[name]} == {
        "PODCAST_HASH_AMQP_URL_CHUNKER",
        "PODCAST_HASH_RABBITMQ_DEFINITIONS",
    }


@pytest.mark.parametrize("name", [name for name in rotatable() if not name.endswith("_certificate")])
def test_every_secret_can_be_rotated(deployment: Deployment, name: str) -> None:
    before = secret(deployment, name)
    rotate(deployment, name)
    assert secret(deployment, name) != before


def test_what_cannot_be_rotated_is_named(deployment: Deployment) -> None:
    with pytest.raises(BadInput, match="gateway_key"):
        rotate(deployment, "naming_key")
    with pytest.raises(BadInput, match="overlay tls"):
        rotate(deployment, "minio_certificate")
    with pytest.raises(BadInput, match="no previous user"):
        finish(deployment, NAME)
    (deployment.secrets / NAME).write_text("amqp://theirs:secret@broker.example.org/")
    with pytest.raises(BadInput, match="external server"):
        rotate(deployment, NAME)
    assert "naming_key" not in rotatable()
    assert not Path(deployment.secrets / "previous").exists()
