"""What the broker of a deployment reads: its settings, and the definitions with its users."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Final
from urllib.parse import unquote, urlsplit

BROKER_USER: Final = "podcast"
_SALT_BYTES: Final = 4


def amqp_url(user: str, password: str) -> str:
    """Where a service of the stack finds the broker."""
    return f"amqp://{user}:{password}@rabbitmq:5672/"


RABBITMQ_CONF: Final = """\
# Written by `podcast deploy init`; what does not depend on the deployment is in the image.
load_definitions = /run/secrets/rabbitmq_definitions
# The limit of the container in docker-stack.yml, which the node does not know of; the image takes 0.6 of it.
total_memory_available_override_value = 1GB
"""
"""What the node reads besides the settings in its image."""

BROKER_NODES: Final = ("rabbitmq", "rabbitmq2", "rabbitmq3")
"""The services of the overlay `rabbitmq-cluster`."""


def cluster_conf(stack: str) -> str:
    """What the nodes of a cluster read besides.

    Args:
        stack: the stack's name, which is a part of the nodes' names.
    """
    peers = (
        f"cluster_formation.classic_config.nodes.{number} = rabbit@{stack}_{service}"
        for number, service in enumerate(BROKER_NODES, start=1)
    )
    return "\n".join(
        (
            "# Written by `podcast deploy init`.",
            "cluster_formation.peer_discovery_backend = classic_config",
            *peers,
            "# Swarm tells a name only when its task is healthy. A node that gave up looking for its",
            "# peers would begin a cluster of its own.",
            "cluster_formation.discovery_retry_limit = 300",
            "cluster_formation.discovery_retry_interval = 2000",
            "# A node that sees only itself stops working, so there are never two brokers.",
            "cluster_partition_handling = pause_minority",
            "queue_leader_locator = balanced",
            "# Queues that were declared when not all nodes were there get their replicas afterwards.",
            "quorum_queue.continuous_membership_reconciliation.enabled = true",
            "quorum_queue.continuous_membership_reconciliation.target_group_size = 3",
            "",
        )
    )


def definitions(amqp_url_of_admin: str) -> str:
    """Definitions with one user. Importing any makes RabbitMQ leave out its default user, so it has to be in them."""
    parts = urlsplit(amqp_url_of_admin)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return json.dumps(
        {
            "users": [
                {
                    "name": user,
                    "password_hash": password_hash(password),
                    "hashing_algorithm": "rabbit_password_hashing_sha256",
                    "tags": ["administrator"],
                }
            ],
            "vhosts": [{"name": "/"}],
            "permissions": [{"user": user, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}],
        },
        indent=2,
        sort_keys=True,
    )


def password_hash(password: str) -> str:
    """The password as RabbitMQ stores it; the same each time, so that the same users are the same file."""
    salt = hashlib.sha256(b"salt:" + password.encode()).digest()[:_SALT_BYTES]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
