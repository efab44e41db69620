"""Three engines on one machine, each in a network namespace of its own, joined to one swarm: hosts that can be cut off.

Each has its own data, socket and containers; they share the kernel and the clock. Node 0 is the only manager.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.namespaces import Hosts
from tests.stack.docker import Docker, StackTestError, say
from tests.stack.stack import Stack, until

NODES = 3
NETWORK = "10.213.91"
_START_SECONDS = 90.0
_STOP_SECONDS = 90.0
_LOAD_SECONDS = 600.0


@dataclass
class Engines:
    """The engines; `dockers[0]` is the manager."""

    hosts: Hosts
    folder: Path
    dockers: list[Docker] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def load(self, source: Docker, *images: str) -> None:
        """Give all of them images of another engine."""
        say(f"loading {len(images)} images into {NODES} engines")
        for docker in self.dockers:
            with subprocess.Popen(source.command("save", *images), stdout=subprocess.PIPE) as saving:
                loading = subprocess.run(
                    docker.command("load", "--quiet"),
                    stdin=saving.stdout,
                    capture_output=True,
                    text=True,
                    timeout=_LOAD_SECONDS,
                    check=False,
                )
            if loading.returncode or saving.returncode:
                raise StackTestError(f"the images could not be loaded: {loading.stderr}")

    def label(self, number: int, *labels: str) -> None:
        """Label a node."""
        for label in labels:
            self.dockers[0].run("node", "update", "--label-add", label, self.ids[number])

    def state_of(self, number: int) -> str:
        """`ready` or `down`, as the manager sees it."""
        return self.dockers[0].run("node", "inspect", "--format", "{{.Status.State}}", self.ids[number])


@contextmanager
def provided(folder: Path) -> Iterator[Engines]:
    """Three engines that form a swarm; nothing of them is left at the end."""
    with Hosts(NODES, NETWORK) as hosts, ExitStack() as stack:
        engines = Engines(hosts, folder)
        for number in range(NODES):
            engines.dockers.append(stack.enter_context(_running(hosts, number, folder / f"node-{number}")))
        address = hosts.address(0)
        engines.dockers[0].run("swarm", "init", "--advertise-addr", address, "--listen-addr", f"{address}:2377")
        token = engines.dockers[0].run("swarm", "join-token", "--quiet", "worker")
        for number in range(1, NODES):
            own = hosts.address(number)
            listen = ("--advertise-addr", own, "--listen-addr", f"{own}:2377")
            engines.dockers[number].run("swarm", "join", *listen, "--token", token, f"{address}:2377")
        engines.ids = [docker.run("info", "--format", "{{.Swarm.NodeID}}") for docker in engines.dockers]
        yield engines


@contextmanager
def _running(hosts: Hosts, number: int, folder: Path) -> Iterator[Docker]:
    namespace = hosts.namespace(number)
    folder.mkdir(parents=True)
    docker = Docker(f"unix://{folder}/socket")
    runtime = Path("/run") / namespace
    with (folder / "log").open("ab") as log:
        # Not `ip netns exec`: that would hide the control groups. No default route: an engine that cannot reach a
        # registry says so at once.
        process = subprocess.Popen(
            (
                *("nsenter", f"--net=/run/netns/{namespace}", "dockerd", "--host", docker.host),
                *("--data-root", str(folder / "data"), "--exec-root", str(runtime), "--pidfile", str(folder / "pid")),
                *("--containerd-namespace", namespace, "--containerd-plugins-namespace", f"{namespace}-plugins"),
                *("--cgroup-parent", f"/{namespace}"),
            ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not docker.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = (folder / "log").read_text(errors="replace").splitlines()[-3:]
                raise StackTestError("an engine does not start: " + " | ".join(tail))
            time.sleep(0.2)
        yield docker
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_SECONDS)
        for mounted in _mounts_below(folder, runtime):
            subprocess.run(("umount", "--lazy", mounted), check=False, capture_output=True)
        shutil.rmtree(runtime, ignore_errors=True)
        shutil.rmtree(folder / "data", ignore_errors=True)
        _remove_groups(namespace)


def _remove_groups(name: str) -> None:
    """Remove the empty control groups that an engine leaves, of version 2 or of each controller of version 1."""
    for top in (*Path("/sys/fs/cgroup").glob(name), *Path("/sys/fs/cgroup").glob(f"*/{name}")):
        for group in sorted(top.rglob("*/"), reverse=True):
            with suppress(OSError):
                group.rmdir()
        with suppress(OSError):
            top.rmdir()


def _mounts_below(*folders: Path) -> list[str]:
    places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return [place for place in reversed(places) if any(place.startswith(f"{folder}/") for folder in folders)]


@dataclass
class SpreadStack(Stack):
    """A stack whose containers are on several engines."""

    engines: Engines | None = None

    def located(self, service: str) -> list[tuple[int, dict[str, Any]]]:
        """The running containers of a service, each with the number of its node."""
        assert self.engines is not None
        found = []
        for number, docker in enumerate(self.engines.dockers):
            found += [(number, container) for container in Stack(docker, self.folder).containers(service)]
        return found

    def last_words(self) -> str:
        assert self.engines is not None
        return "\n".join(Stack(docker, self.folder).last_words() for docker in self.engines.dockers)

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        return [container for _, container in self.located(service)]

    def run_in(self, service: str, *command: str) -> str:
        assert self.engines is not None
        there = self.located(service)
        if not there:
            raise StackTestError(f"no container of {service} runs")
        number, container = there[0]
        return self.engines.dockers[number].run("exec", container["Id"], *command, seconds=120)

    def wait_for_node(self, number: int, state: str) -> None:
        """Wait until the manager sees a node as `ready` or `down`."""
        assert self.engines is not None
        engines = self.engines
        until(lambda: engines.state_of(number) == state, f"node {number} is {state}", seconds=120)

    def wait_for_brokers(self) -> None:
        """Wait until the broker's nodes are in one cluster, and every queue that must survive a node is on each."""

        def joined() -> bool:
            said = self.run_in("rabbitmq", "rabbitmqctl", "--silent", "cluster_status", "--formatter", "json")
            return len(json.loads(said)["running_nodes"]) == NODES

        def replicated() -> bool:
            columns = ("name", "type", "online")
            said = self.run_in("rabbitmq", "rabbitmqctl", "--silent", "list_queues", *columns, "--formatter", "json")
            quorum = [queue for queue in json.loads(said) if queue["type"] == "quorum"]
            return bool(quorum) and all(len(queue["online"]) == NODES for queue in quorum)

        until(joined, "the broker's nodes have joined", seconds=300)
        until(replicated, "every queue has a member that is up on each node", seconds=300)
