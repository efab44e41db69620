"""Ports for the servers of a test, which no other worker of pytest-xdist gives out, and which are given out once.

They are below the range that the kernel uses for outgoing connections, so that nothing takes one before its server
listens on it, or while its server is down.
"""

from __future__ import annotations

import os
import random
from typing import Final

from deploy.local import ports
from deploy.local.ports import is_free

FIRST_PORT: Final = 10_000
LAST_PORT: Final = 19_999
"""The ports below those of local stacks (`deploy/local/ports.py`)."""
_WORKERS_MOST: Final = 8
_TRIES: Final = 1_000
_given: set[int] = set()


def worker() -> int:
    """The number of this worker of pytest-xdist; 0 without it."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS_MOST


def own_share(first: int, last: int) -> range:
    """This worker's share of the ports from `first` to `last`; all of them without pytest-xdist."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return range(first, last + 1)
    size = (last + 1 - first) // _WORKERS_MOST
    return range(first + size * worker(), first + size * (worker() + 1))


def keep_stacks_apart() -> None:
    """Let the servers that this process starts as a local stack does use this worker's share of the stacks' ports."""
    share = own_share(ports.FIRST_PORT, ports.LAST_PORT)
    ports.FIRST_PORT, ports.LAST_PORT = share.start, share.stop - 1


def free_port() -> int:
    """A port that nobody listens on, and that was not given out before."""
    share = own_share(FIRST_PORT, LAST_PORT)
    for _ in range(_TRIES):
        port = random.choice(share)  # noqa: S311 - spreads the choice over sessions, protects nothing
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise AssertionError(f"no free port from {share.start} to {share.stop - 1}")
