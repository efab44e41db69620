"""uvicorn as a service runs it: on a socket that is bound first, without its signal handling."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import uvicorn

from shared.errors import Misconfigured
from shared.runtime import unlocked_log

BACKLOG: Final = 1_024


class Server(uvicorn.Server):
    """Without uvicorn's signal handling, which ends the process by the signal instead of with exit code 0.

    Attributes:
        after_start: called when it listens.
    """

    after_start: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.after_start is not None:
            self.after_start()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to the caller."""
        yield


def print_port(port: int, *, asked: int) -> None:
    """Print the port as the only line on stdout, for whoever has started the process.

    With JSON logs, only if it was not known before: all that a container writes is then one JSON object a line.

    Args:
        port: where the server listens.
        asked: the port of the settings; 0 for any.
    """
    if asked == 0 or not unlocked_log.is_json():
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()


def listen(host: str, port: int, *, what: str, setting: str) -> socket.socket:
    """A listening socket.

    Args:
        host: the address to bind to.
        port: the port; 0 for any.
        what: who listens, for the error.
        setting: the variable that holds the port, for the error.

    Raises:
        Misconfigured: the port is not available.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's algorithm off only for sockets that name it; otherwise
    # every answer would wait 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise Misconfigured(
            f"The {what} cannot listen on {host}:{port}: {error.strerror}.",
            hint=f"Set {setting} to a free port, or to 0 for any.",
        ) from error
    return listener
