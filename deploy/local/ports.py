"""Free ports on the loopback interface, from below the range that the kernel uses for outgoing connections.

A port from `bind(0)` is inside that range, so while a server is down for a restart, somebody's outgoing connection can
take it. Ports below the range stay free, and a stack keeps its addresses.
"""

from __future__ import annotations

import random
import socket

from shared.errors import Misconfigured

LOOPBACK = "127.0.0.1"
FIRST_PORT = 20_000
LAST_PORT = 32_000
"""Linux uses 32768-60999 by default (`net.ipv4.ip_local_port_range`)."""

_TRIES = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(*, taken: set[int] | None = None) -> int:
    """A port that nobody listens on at the moment. Another process may still take it first: be ready to call again.

    Args:
        taken: ports that are already assigned.

    Raises:
        Misconfigured: no free port was found.
    """
    for _ in range(_TRIES):
        port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311 - spreads the choice, protects nothing
        if port not in (taken or ()) and is_free(port):
            return port
    raise Misconfigured(
        f"No free port between {FIRST_PORT} and {LAST_PORT} on {LOOPBACK}.",
        hint="Stop servers that are no longer needed (`ss -ltnp` lists them).",
    )


class PortBook:
    """Assigns a port to each name, the same one as last time if that is free.

    Attributes:
        ports: name → port; to be kept between two runs.
    """

    def __init__(self, remembered: dict[str, int] | None = None) -> None:
        self.ports: dict[str, int] = dict(remembered or {})

    def port(self, name: str) -> int:
        """The port of `name`: its last one if that is free, else a new one."""
        known = self.ports.get(name)
        if known is None or not is_free(known):
            self.ports[name] = free_port(taken=set(self.ports.values()))
        return self.ports[name]
