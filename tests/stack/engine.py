"""The engine that the tests deploy to: the one that runs, or one that is started for them and ended with them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.stack.docker import Docker, say

INSTALL_SECONDS = 900.0
START_SECONDS = 60.0
STOP_SECONDS = 90.0
OLDEST_CLI = (25, 0)
"""Which command line reads compose files of version 3.13."""
OPTIONS_VARIABLE = "PODCAST_STACK_DOCKERD"
"""Names options for the engine that is started: another data folder, or, together with DOCKER_HOST, another socket."""
NODE_LABELS = ("podcast.broker=1", "podcast.store=1")

_POLL_SECONDS = 0.2
_ADDRESS = "127.0.0.1"


class NoEngineError(Exception):
    """There is no engine here, and none can be started; the text says why."""


@dataclass
class Engine:
    """An engine.

    Attributes:
        docker: how it is called.
        process: the engine itself, if it was started here; only then it may be stopped.
    """

    docker: Docker
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(default_factory=lambda: Path(tempfile.gettempdir()) / "podcast-stack-test-dockerd.log")

    @property
    def is_own(self) -> bool:
        """Whether it was started for the tests."""
        return self.process is not None

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            NoEngineError: it does not come up.
        """
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ("dockerd", *shlex.split(os.environ.get(OPTIONS_VARIABLE, ""))),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.docker.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                tail = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
                raise NoEngineError("dockerd does not start here: " + " | ".join(tail))
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End it, as a shutdown of the machine would: containers are stopped too."""
        assert self.process is not None, "somebody else's engine is not stopped"
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)

    def freeze(self) -> None:
        """Stop its process, which is the swarm's manager and agent too: containers run on, unattended."""
        assert self.process is not None, "somebody else's engine is not stopped"
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None, "somebody else's engine is not stopped"
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def provided() -> Iterator[Engine]:
    """An engine in swarm mode whose node has the labels of the stack; what was changed for that is undone at the end.

    Raises:
        NoEngineError: there can be none here, and why.
    """
    engine = Engine(Docker())
    install()
    if not engine.docker.answers():
        if os.geteuid() != 0:
            raise NoEngineError("No Docker engine answers, and only root could start one.")
        say("starting dockerd, which ends with the test")
        engine.start()
    try:
        with _swarm(engine.docker):
            yield engine
    finally:
        if engine.is_own:
            engine.stop()


def install() -> None:
    """Install the engine where there is none.

    Raises:
        NoEngineError: it is missing and cannot be installed, or its command line is too old.
    """
    has_engine = shutil.which("docker") is not None and (shutil.which("dockerd") is not None or Docker().answers())
    if not has_engine or shutil.which("debootstrap") is None:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise NoEngineError("docker or debootstrap is not installed, and only root on Debian could install it.")
        packages = ("debootstrap",) if has_engine else _packages()
        say(f"installing packages: {' '.join(packages)}")
        apt = ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300")
        for command in (("update",), ("install", "--no-install-recommends", *packages)):
            done = subprocess.run(
                (*apt, *command),
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
            if done.returncode:
                raise NoEngineError(f"Docker cannot be installed: {done.stderr.strip()[-500:]}")
    version = Docker().run("--version", check=False)
    found = re.search(r"(\d+)\.(\d+)", version)
    if not found or (int(found[1]), int(found[2])) < OLDEST_CLI:
        oldest = ".".join(map(str, OLDEST_CLI))
        raise NoEngineError(f"{version} is too old for docker-stack.yml; {oldest} is needed (Debian 13 has it).")


def _packages() -> tuple[str, ...]:
    """Debian 12 has engine and command line in one package, Debian 13 in two."""
    there = subprocess.run(("apt-cache", "show", "docker-cli"), capture_output=True, timeout=60, check=False)
    return ("docker.io", "debootstrap", "iptables", *(() if there.returncode else ("docker-cli",)))


def init_swarm(docker: Docker) -> list[str]:
    """Make the engine a swarm of its own, if it is in none, and give its node the labels; the labels that are new."""
    if not _in_swarm(docker):
        say("docker swarm init")
        docker.run("swarm", "init", "--advertise-addr", _ADDRESS)
    node = docker.run("info", "--format", "{{.Swarm.NodeID}}")
    before = docker.inspect(node)[0]["Spec"].get("Labels") or {}
    added = [label for label in NODE_LABELS if before.get(label.partition("=")[0]) != label.partition("=")[2]]
    for label in added:
        docker.run("node", "update", "--label-add", label, node)
    return added


def _in_swarm(docker: Docker) -> bool:
    return docker.run("info", "--format", "{{.Swarm.LocalNodeState}}") == "active"


@contextmanager
def _swarm(docker: Docker) -> Iterator[None]:
    made = not _in_swarm(docker)
    added = init_swarm(docker)
    try:
        yield
    finally:
        if made:
            docker.run("swarm", "leave", "--force")
        else:
            node = docker.run("info", "--format", "{{.Swarm.NodeID}}")
            for label in added:
                docker.run("node", "update", "--label-rm", label.partition("=")[0], node)
