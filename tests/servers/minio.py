"""A private MinIO for tests, with a bucket per test."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import signal
from pathlib import Path

from deploy.local.minio import MinioNode
from deploy.local.ports import PortBook
from tests.servers.process import Process

START_SECONDS = 60.0


class MinioServer:
    """A MinIO that tests can use, stop, kill and pause. Data and port outlive a restart."""

    def __init__(self, directory: Path, binary: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.node = MinioNode(
            binary=binary,
            directory=directory,
            port=PortBook().port("store"),
            user="podcast",
            password=secrets.token_hex(16),
        )
        self.server: Process | None = None
        self._names = itertools.count(1)

    def start(self) -> None:
        """Start it; returns when it accepts requests."""
        server = self.server = Process(self.node.server(), self.node.directory / "store.log")
        asyncio.run(self.node.wait_ready(deadline_seconds=START_SECONDS, ended=server.ended))

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()

    def kill(self) -> None:
        assert self.server is not None
        self.server.kill()

    def pause(self) -> None:
        assert self.server is not None
        self.server.send(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.server is not None
        self.server.send(signal.SIGCONT)

    def bucket(self) -> str:
        """The URL of a bucket that does not exist yet: `Store.ping` creates it."""
        return self.node.url(f"test-{next(self._names)}")
