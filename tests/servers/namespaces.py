"""Network namespaces as hosts: joined by a switch, each can be cut off. Needs root; nothing is left behind."""

from __future__ import annotations

import os
import subprocess
from types import TracebackType
from typing import Self

_CALL_SECONDS = 20.0


def can_make() -> bool:
    """Whether this process may make network namespaces."""
    try:
        _ip("netns", "add", name := f"probe-{os.getpid()}")
    except (OSError, subprocess.SubprocessError):
        return False
    _ip("netns", "del", name)
    return True


class Hosts:
    """A few namespaces, joined by a bridge in a namespace of its own. A context manager.

    The bridge is not in the caller's namespace because the firewall rules of a container engine there would apply.

    Args:
        count: how many.
        network: the first three numbers of their addresses; the caller is at `.1`.
    """

    def __init__(self, count: int, network: str) -> None:
        self.count = count
        self._network = network
        self._prefix = f"pe{os.getpid() % 100_000}"

    def namespace(self, number: int) -> str:
        return f"{self._prefix}-{number}"

    def address(self, number: int) -> str:
        return f"{self._network}.{number + 11}"

    @property
    def _switch(self) -> str:
        return f"{self._prefix}-switch"

    @property
    def _own_link(self) -> str:
        """The caller's end of its cable to the switch."""
        return f"{self._prefix}c"

    def __enter__(self) -> Self:
        try:
            _ip("netns", "add", self._switch)
            _ip("-n", self._switch, "link", "add", "bridge", "type", "bridge")
            _ip("-n", self._switch, "link", "set", "bridge", "up")
            _ip("link", "add", self._own_link, "type", "veth", "peer", "name", "caller", "netns", self._switch)
            _ip("-n", self._switch, "link", "set", "caller", "master", "bridge", "up")
            _ip("addr", "add", f"{self._network}.1/24", "dev", self._own_link)
            _ip("link", "set", self._own_link, "up")
            for number in range(self.count):
                self._make(number)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _make(self, number: int) -> None:
        namespace, port = self.namespace(number), f"port{number}"
        _ip("netns", "add", namespace)
        _ip("-n", self._switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("-n", self._switch, "link", "set", port, "master", "bridge", "up")
        _ip("-n", namespace, "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
        _ip("-n", namespace, "link", "set", "eth0", "up")
        _ip("-n", namespace, "link", "set", "lo", "up")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # By itself it would disappear some time after the namespace of its other end: the next one has the same name.
        subprocess.run(("ip", "link", "del", self._own_link), check=False, capture_output=True, timeout=_CALL_SECONDS)
        for name in (self._switch, *map(self.namespace, range(self.count))):
            subprocess.run(("ip", "netns", "del", name), check=False, capture_output=True, timeout=_CALL_SECONDS)

    def cut_off(self, number: int) -> None:
        """Unplug a host: nothing reaches it, and nobody is told."""
        _ip("-n", self._switch, "link", "set", f"port{number}", "nomaster")

    def reconnect(self, number: int) -> None:
        """Plug it in again."""
        _ip("-n", self._switch, "link", "set", f"port{number}", "master", "bridge")


def _ip(*arguments: str) -> None:
    subprocess.run(("ip", *arguments), check=True, capture_output=True, timeout=_CALL_SECONDS)
