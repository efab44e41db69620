"""What the broker of a deployment reads: its settings, and the definitions with its users."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from deploy.broker.definitions import BrokerAccount
from deploy.stack.addresses import user_of, users_of

RABBITMQ_CONF: Final = """\
# Written by `podcast deploy init`; what does not depend on the deployment is in the image.
# Only if they have changed: an import at every boot would undo what an operator has changed by hand.
definitions.import_backend = local_filesystem
definitions.local.path = /run/secrets/rabbitmq_definitions
definitions.skip_if_unchanged = true
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
            "# peers would begin a cluster of its own, so none does.",
            "cluster_formation.discovery_retry_limit = 1000000",
            "cluster_formation.discovery_retry_interval = 2000",
            "# A node that sees only itself stops working, so there are never two brokers.",
            "cluster_partition_handling = pause_minority",
            "queue_leader_locator = balanced",
            "# Queues and bindings are imported by the node that makes the cluster complete: an import while",
            "# another node joins can lose bindings, and leaves every queue on one node. So each node looks at",
            "# the definitions at its start, whoever has imported them before.",
            f"cluster_formation.target_cluster_size_hint = {len(BROKER_NODES)}",
            "definitions.skip_if_unchanged = false",
            "# A queue that lacks a replica gets it within half a minute (by default an hour).",
            "quorum_queue.continuous_membership_reconciliation.enabled = true",
            "quorum_queue.continuous_membership_reconciliation.target_group_size = 3",
            "quorum_queue.continuous_membership_reconciliation.interval = 30000",
            "",
        )
    )


def accounts(urls: Iterable[tuple[str, str]]) -> list[BrokerAccount]:
    """The users of the stack's own broker.

    Args:
        urls: role and address of each; those of an external broker are left out.
    """
    found = []
    for role, url in urls:
        name, password = user_of(url)
        if name in users_of(role):
            found.append(BrokerAccount(role, password, name))
    return found
