"""Three RabbitMQ nodes that form a cluster: as processes on the loopback, or each in a network namespace of its own.

In namespaces, the nodes can be cut off from each other as hosts can; that needs root.
"""

from __future__ import annotations

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy.local.ports import LOOPBACK, PortBook
from deploy.local.program import Program
from deploy.local.rabbitmq import RabbitNode
from tests.servers.namespaces import Hosts
from tests.servers.rabbitmq import RabbitServer
from tests.waiting import until

NODES = 3
TICK_SECONDS = 8
"""A silent node is given up after 6-10 s (`net_ticktime` ± 25 %); the default of 60 would make the tests slow."""
JOINED_SECONDS = 120.0
_PAIR = re.compile(r"\{\"([^\"]+)\", *'?([^'}]+)'?\}")
"""`{"queue",value}` in Erlang's notation."""


@dataclass(frozen=True)
class NodeInNamespace(RabbitNode):
    """A node that runs in a network namespace."""

    namespace: str = ""

    def epmd(self) -> Program:
        return self._inside(super().epmd())

    def server(self) -> Program:
        return self._inside(super().server())

    def _inside(self, program: Program) -> Program:
        return replace(program, argv=("ip", "netns", "exec", self.namespace, *program.argv))


class RabbitCluster:
    """Three nodes; `nodes[0]` serves for everything that needs just one."""

    def __init__(self, directory: Path, hosts: Hosts | None = None) -> None:
        # The kernel ends a tethered server together with the thread that started it.
        self._starter = ThreadPoolExecutor(NODES)
        ports = PortBook()
        names = [f"podcast{number}" for number in range(NODES)]
        addresses = [hosts.address(number) if hosts else LOOPBACK for number in range(NODES)]
        settings = (
            "cluster_formation.peer_discovery_backend = classic_config",
            *(
                f"cluster_formation.classic_config.nodes.{number} = {name}@{address}"
                for number, (name, address) in enumerate(zip(names, addresses, strict=True), 1)
            ),
            "cluster_partition_handling = pause_minority",
            f"net_ticktime = {TICK_SECONDS}",
        )
        common: dict[str, Any] = {
            "epmd_port": ports.port("epmd"),
            "password": secrets.token_hex(16),
            "cookie": secrets.token_hex(16),
            "settings": settings,
        }
        self.hosts = hosts
        self.nodes: list[RabbitServer] = []
        for number, (name, address) in enumerate(zip(names, addresses, strict=True)):
            own: dict[str, Any] = {
                **common,
                "directory": directory / name,
                "amqp_port": ports.port(f"amqp-{number}"),
                "dist_port": ports.port(f"dist-{number}"),
                "name": name,
                "host": address,
            }
            node = NodeInNamespace(**own, namespace=hosts.namespace(number)) if hosts else RabbitNode(**own)
            self.nodes.append(RabbitServer(directory / name, node=node))

    def start(self) -> None:
        """Start all nodes side by side; returns when each of them knows all."""
        self.nodes[0].start_epmd()
        if not self.hosts:  # one port mapper has the names of all nodes of a host
            for node in self.nodes[1:]:
                node.epmd = self.nodes[0].epmd
        list(self._starter.map(RabbitServer.start, self.nodes))

    async def joined(self) -> None:
        """Wait until every node sees every other."""
        for node in self.nodes:
            await until(lambda node=node: len(running(node)) == NODES, "a node has joined", seconds=JOINED_SECONDS)

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()
        self._starter.shutdown(wait=False)

    def start_again(self, node: RabbitServer) -> None:
        """Start a node that was killed, on its data."""
        self._starter.submit(node.start).result()

    def urls(self, url: str) -> str:
        """The addresses of all nodes, for the virtual host that `url` names at the first."""
        vhost = url.rpartition("/")[2]
        return ",".join(node.node.url(vhost) for node in self.nodes)

    def leaders(self, asked: RabbitServer, vhost: str) -> dict[str, RabbitServer]:
        """Queue → the node that leads it, as `asked` knows it; without queues whose leader it cannot reach.

        `info` would ask that leader, and wait some seconds for each such queue.
        """
        by_name = {node.node.nodename: node for node in self.nodes}
        found = self._each_queue(
            asked,
            vhost,
            "case lists:member(element(2, amqqueue:get_pid(Q)), [node() | nodes()]) of"
            " true -> [{leader, N}] = rabbit_quorum_queue:info(Q, [leader]), N; false -> unreachable end",
        )
        return {queue: by_name[name] for queue, name in found.items() if name in by_name}

    def members_up(self, asked: RabbitServer, vhost: str) -> dict[str, int]:
        """Queue → on how many nodes it has a member that is up."""
        found = self._each_queue(asked, vhost, "[{online, L}] = rabbit_quorum_queue:info(Q, [online]), length(L)")
        return {queue: int(count) for queue, count in found.items()}

    def _each_queue(self, asked: RabbitServer, vhost: str, erlang: str) -> dict[str, str]:
        """Nothing while the node is starting again: it has no tables for a moment."""
        answer = asked.evaluate(
            f"catch [{{binary_to_list(element(4, amqqueue:get_name(Q))), (fun() -> {erlang} end)()}}"
            f' || Q <- rabbit_amqqueue:list(<<"{vhost}">>), amqqueue:get_type(Q) == rabbit_quorum_queue].'
        )
        return dict(_PAIR.findall(answer))


def running(node: RabbitServer) -> set[str]:
    """The names of the nodes that this one sees running; none while it is starting again after a pause."""
    answer = node.evaluate("catch rabbit_nodes:all_running().")  # without its cluster's files for a moment
    return set() if "'EXIT'" in answer else set(re.findall(r"podcast\d@[\d.]+", answer))
