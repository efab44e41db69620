"""A private RabbitMQ node for tests, with a vhost per test."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

from deploy.local.ports import PortBook
from deploy.local.rabbitmq import USER, RabbitNode
from tests.servers.process import Process
from tests.waiting import wait_until

START_SECONDS = 90.0
_NOT_CONNECTED = "failed to connect to node"
_PAUSE_SECONDS = 0.5
EVALUATE_SECONDS = 30.0


class RabbitServer:
    """A node that tests can use, stop, kill and pause. Data and ports outlive a restart.

    `vhost()` gives each caller its own vhost. It talks to the node in Erlang (`erl_call`, 40 ms) because
    `rabbitmqctl` takes a second or two to start and the management plugin is not enabled.
    """

    def __init__(
        self,
        directory: Path,
        *,
        ack_deadline_seconds: float = 1_800,
        channel_tick_seconds: float = 60,
        node: RabbitNode | None = None,
    ) -> None:
        ports = PortBook()
        self.node = node or RabbitNode(
            directory=directory,
            amqp_port=ports.port("amqp"),
            epmd_port=ports.port("epmd"),
            dist_port=ports.port("dist"),
            password=secrets.token_hex(16),
            cookie=secrets.token_hex(16),
            ack_deadline_seconds=ack_deadline_seconds,
            channel_tick_seconds=channel_tick_seconds,
        )
        self.epmd: Process | None = None
        self.server: Process | None = None
        self._names = itertools.count(1)

    @property
    def url(self) -> str:
        return self.node.url()

    @property
    def log(self) -> Path:
        return self.node.directory / "broker.log"

    def start(self) -> None:
        """Start the node; returns when a client can connect."""
        self.node.prepare()
        self.start_prepared()

    def start_prepared(self) -> None:
        """The same with the settings that it has."""
        if self.epmd is None or self.epmd.ended() is not None:
            self.start_epmd()
        server = self.server = Process(self.node.server(), self.log)
        asyncio.run(self.node.wait_ready(deadline_seconds=START_SECONDS, ended=server.ended))

    def start_epmd(self) -> None:
        """Start its port mapper; the node does not start without it."""
        self.node.prepare()
        epmd = self.epmd = Process(self.node.epmd(), self.node.directory / "epmd.log")

        def is_up() -> bool:
            assert (ended := epmd.ended()) is None, ended
            return listens(self.node.host, self.node.epmd_port)

        wait_until(is_up, "epmd listens", seconds=START_SECONDS)

    def stop(self) -> None:
        for process in (self.server, self.epmd):
            if process is not None:
                process.stop()

    def kill(self) -> None:
        """SIGKILL, as from the kernel when memory runs out."""
        assert self.server is not None
        self.server.kill()

    def pause(self) -> None:
        """SIGSTOP: it holds every connection open and answers nothing."""
        assert self.server is not None
        self.server.send(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.server is not None
        self.server.send(signal.SIGCONT)

    def vhost(self) -> str:
        """The URL of a new, empty vhost."""
        name = f"test-{next(self._names)}"
        self.evaluate(
            f'rabbit_vhost:add(<<"{name}">>, <<"{USER}">>),'
            f'rabbit_auth_backend_internal:set_permissions(<<"{USER}">>, <<"{name}">>,'
            f' <<".*">>, <<".*">>, <<".*">>, <<"{USER}">>).'
        )
        return self.node.url(name)

    def import_definitions(self, document: str) -> None:
        """Import what is in `definitions.json`, as `rabbitmqctl import_definitions` does."""
        text = "".join(f"\\x{{{byte:x}}}" for byte in document.encode())
        imported = self.evaluate(f'rabbit_definitions:import_raw(<<"{text}">>).')
        assert imported == "{ok, ok}", imported

    def delete_user(self, name: str) -> None:
        """Remove a user, as `rabbitmqctl delete_user` does."""
        self.evaluate(f'rabbit_auth_backend_internal:delete_user(<<"{name}">>, <<"{USER}">>).')

    def drop_vhost(self, url: str) -> None:
        """Remove a vhost with its queues, so that they do not pile up in a long session."""
        name = url.rpartition("/")[2]
        self.evaluate(f'rabbit_vhost:delete(<<"{name}">>, <<"{USER}">>).')

    def settle(self) -> None:
        """Make new queues crash-safe now.

        RabbitMQ 3.10 writes the name of a new quorum queue to disk within about a second. Killed before that, the
        node comes back with an empty queue that never finds a leader, and every request for the queue hangs.
        """
        self.evaluate("dets:sync(ra_directory_reverse).")

    def evaluate(self, erlang: str) -> str:
        """The value of an Erlang expression inside the node, as `{ok, Value}`."""
        end = time.monotonic() + EVALUATE_SECONDS
        while True:
            done = subprocess.run(
                ("erl_call", "-name", self.node.nodename, "-e"),
                input=erlang + "\n",  # it needs the full stop and a line end
                # The cookie is read from HOME: on the command line, everyone could see it.
                env={**self.node.environment(), "PATH": os.environ["PATH"]},
                capture_output=True,
                text=True,
                timeout=EVALUATE_SECONDS,
                check=False,
            )
            if done.returncode == 0 and done.stdout.startswith("{ok"):
                return done.stdout
            # A busy node takes longer to answer than erl_call waits; then nothing was evaluated.
            if _NOT_CONNECTED not in done.stderr or time.monotonic() > end:
                raise AssertionError(f"the node could not evaluate {erlang!r}: {done.stdout} {done.stderr}")
            time.sleep(_PAUSE_SECONDS)


def listens(host: str, port: int) -> bool:
    """Whether a server listens there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
