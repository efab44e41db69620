"""A private RabbitMQ node: its own loopback ports, data, cookie and port mapper, no plugins, no daemon left behind.

Works with RabbitMQ 3.10 (Debian 12) and 4.0 (Debian 13). The environment and the settings are those that
the project's measurements found necessary; each surprising line says why it is needed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local.files import private_folder, write_private
from deploy.local.health import port_mapper_silence
from deploy.local.ports import LOOPBACK, is_free
from deploy.local.program import Program, find_program
from shared.errors import BrokerDown

USER = "podcast"
INSTALL_HINT = "Run deploy/setup.sh, or install the package rabbitmq-server."

# The script in /usr/sbin switches to the user rabbitmq; this one does not.
SERVER_SCRIPTS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/local/lib/rabbitmq/bin/rabbitmq-server")

MEMORY_LIMIT = "1GB"
"""Publishers are blocked above it. Messages are small and a few hundred are in flight, so a node needs 150 MB."""

DISK_FREE_LIMIT = "200MB"
"""Publishers are blocked below it."""

WAL_LIMIT_BYTES = 64_000_000
"""A quorum queue's write-ahead log is kept in memory until it is rolled over; the default is 512 MB."""

_POLL_SECONDS = 0.1
_CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class RabbitNode:
    """A private node: its folder, ports, credentials and timing.

    Attributes:
        directory: everything it writes goes here.
        amqp_port: where clients connect.
        epmd_port: of its own Erlang port mapper.
        dist_port: of Erlang's distribution, for `rabbitmqctl` and `erl_call`.
        password: of the user `podcast`, who may do everything.
        cookie: Erlang's shared secret.
        ack_deadline_seconds: the broker takes back a delivery that has been unacknowledged for this long.
        channel_tick_seconds: how often the node looks for such deliveries (its own default is 60).
        name: the first part of the node's name; the nodes of a cluster have different ones.
        host: the address that it binds to.
        settings: further lines of `rabbitmq.conf`.
    """

    directory: Path
    amqp_port: int
    epmd_port: int
    dist_port: int
    password: str
    cookie: str
    ack_deadline_seconds: float = 1_800
    channel_tick_seconds: float = 60
    name: str = USER
    host: str = LOOPBACK
    settings: tuple[str, ...] = ()

    @property
    def nodename(self) -> str:
        """The node's name, with an address instead of a host name, so that nothing has to be resolved."""
        return f"{self.name}@{self.host}"

    def url(self, vhost: str = "/") -> str:
        """Where clients connect.

        The default vhost has no path: `amqp-publish` and others take a lone slash as a vhost with an empty name.
        """
        return self.url_as(USER, self.password, vhost)

    def url_as(self, user: str, password: str, vhost: str = "/") -> str:
        """The same for another user."""
        path = "" if vhost == "/" else f"/{vhost}"
        return f"amqp://{user}:{password}@{self.host}:{self.amqp_port}{path}"

    def prepare(self) -> None:
        """Write its settings and its cookie."""
        private_folder(self.directory)
        cookie = self.directory / ".erlang.cookie"
        cookie.unlink(missing_ok=True)  # mode 400, as Erlang requires: it cannot be overwritten
        cookie.touch(mode=0o600)
        cookie.write_text(self.cookie, encoding="ascii")
        cookie.chmod(0o400)
        conf = self.directory / "rabbitmq.conf"
        write_private(conf, self._conf())
        # An empty file would make the boot fail.
        tick_ms = round(self.channel_tick_seconds * 1000)
        advanced = f"[{{rabbit, [{{channel_tick_interval, {tick_ms}}}]}}].\n"
        write_private(self.directory / "advanced.config", advanced)
        write_private(self.directory / "enabled_plugins", "[].\n")

    def epmd(self) -> Program:
        """Its port mapper; started first, since the node does not start without one."""
        path = find_program("epmd", hint=INSTALL_HINT)
        return Program(
            "epmd", (path, "-address", self.host, "-port", str(self.epmd_port)), self.environment(), self.directory
        )

    def server(self) -> Program:
        """The node itself; the script `exec`s, so the process started is the node's own."""
        path = find_program("rabbitmq-server", hint=INSTALL_HINT, also=SERVER_SCRIPTS)
        return Program("broker", (path,), self.environment(), self.directory)

    def environment(self) -> dict[str, str]:
        """The node's whole environment; nothing is inherited, so no setting of a system-wide RabbitMQ leaks in."""
        home = str(self.directory)
        return {
            "PATH": os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "HOME": home,
            "RABBITMQ_NODENAME": self.nodename,
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{home}/advanced.config",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{home}/data",
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_PID_FILE": f"{home}/pid",
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": self.host,
            # A node that finds no port mapper would start one as a daemon, which would outlive it and keep its port.
            "ERL_ZFLAGS": "-start_epmd false",
            # The last three: idle schedulers sleep immediately instead of spinning, which on a small machine would take
            # CPU time from the services.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {{{self.host.replace('.', ',')}}}"
            " +sbwt none +sbwtdcpu none +sbwtdio none",
            "RUNNING_UNDER_SYSTEMD": "true",
            # A crash dump is 50 MB or more, and would be written while clients wait for the restart.
            "ERL_CRASH_DUMP_SECONDS": "0",
        }

    async def wait_ready(self, *, deadline_seconds: float, ended: Callable[[], str | None] = lambda: None) -> None:
        """Wait until a client can connect.

        Args:
            deadline_seconds: how long at most.
            ended: called at each try; returns the reason why it will not come up, or None.

        Raises:
            BrokerDown: it does not come up; the message says why.
        """
        deadline = time.monotonic() + deadline_seconds
        last = ""
        while time.monotonic() < deadline:
            if (reason := ended()) is not None:
                raise BrokerDown(f"RabbitMQ did not start: {reason}", hint="Its log is in the stack's folder.")
            if self._is_unused(self.amqp_port) or (last := await refusal(self.url())):
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return
        raise BrokerDown(
            f"RabbitMQ did not start within {deadline_seconds:.0f} s. {last}",
            hint="Its log is in the stack's folder.",
        )

    async def silence(self, seconds: float) -> str:
        """Why it seems dead; "" if a client can connect.

        A complete connection, since the node logs a warning for every one that ends during its handshake.
        """
        return "nothing listens" if self._is_unused(self.amqp_port) else await refusal(self.url(), seconds)

    async def port_mapper_silence(self, seconds: float) -> str:
        """The same for its port mapper."""
        return await port_mapper_silence(self.epmd_port, seconds)

    def _is_unused(self, port: int) -> bool:
        """Whether nothing listens there; False if only a connection would tell."""
        return self.host == LOOPBACK and is_free(port)

    def _conf(self) -> str:
        return "\n".join(
            (
                f"listeners.tcp.local = {self.host}:{self.amqp_port}",
                f"default_user = {USER}",
                f"default_pass = {self.password}",
                "log.file = false",
                "log.console = true",
                "log.console.level = warning",
                "log.console.use_colors = off",
                f"consumer_timeout = {round(self.ack_deadline_seconds * 1000)}",
                f"vm_memory_high_watermark.absolute = {MEMORY_LIMIT}",
                f"disk_free_limit.absolute = {DISK_FREE_LIMIT}",
                f"raft.wal_max_size_bytes = {WAL_LIMIT_BYTES}",
                *self.settings,
                "",
            )
        )


async def refusal(url: str, seconds: float = _CONNECT_SECONDS) -> str:
    """Why a client cannot connect within `seconds`; empty if it can."""
    # Not imported above: by the time it is needed, every process of a stack has been started.
    import aio_pika  # noqa: PLC0415
    from aio_pika.exceptions import AMQPError  # noqa: PLC0415

    try:
        async with asyncio.timeout(seconds):
            connection = await aio_pika.connect(url)
    except (OSError, AMQPError, TimeoutError) as error:
        return str(error) or f"no answer within {seconds:g} s"
    with suppress(OSError, AMQPError, TimeoutError):
        await asyncio.wait_for(connection.close(), seconds)
    return ""
