"""What every benchmark runs on: a private RabbitMQ, a temporary folder, and the services as processes."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services

SPEAKING = ("chunker", "coordinator", "synthesizer")


class BenchEnvironment:
    """The servers for one run of the benchmarks."""

    def __init__(self, directory: Path, broker: RabbitServer) -> None:
        self.directory = directory
        self.broker = broker
        self._numbers = itertools.count(1)

    def folder(self, name: str) -> Path:
        """A fresh folder."""
        path = self.directory / f"{name}-{next(self._numbers)}"
        path.mkdir()
        return path

    @contextmanager
    def vhost(self) -> Iterator[str]:
        """The URL of an empty vhost, dropped afterwards."""
        url = self.broker.vhost()
        try:
            yield url
        finally:
            self.broker.drop_vhost(url)

    @contextmanager
    def services(
        self, speech_url: str, services: Sequence[str] = (*SPEAKING, "assembler"), **settings: object
    ) -> Iterator[Services]:
        """Services with their own vhost and file store, ready to work.

        Args:
            speech_url: the speech server.
            services: one process for each name.
            settings: `synthesizer_slots=8` becomes `PODCAST_SYNTHESIZER_SLOTS=8`.
        """
        folder = self.folder("line")
        with self.vhost() as amqp_url:
            environment = {
                "PODCAST_AMQP_URL": amqp_url,
                "PODCAST_STORE_URL": (folder / "store").as_uri(),
                "PODCAST_SPEECH_URL": speech_url,
                "PODCAST_SPEECH_ENGINE": "instant",
                **{f"PODCAST_{name.upper()}": str(value) for name, value in settings.items()},
            }
            try:
                with Services(environment, folder / "logs") as running:
                    running.start(*services)
                    asyncio.run(running.ready())
                    yield running
            finally:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def environment() -> Iterator[BenchEnvironment]:
    """Start the servers; everything is stopped and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="podcast-bench-", ignore_cleanup_errors=True) as name:
        broker = RabbitServer(Path(name) / "rabbitmq")
        try:
            broker.start()
            yield BenchEnvironment(Path(name), broker)
        finally:
            broker.stop()


def pids(running: Services, *services: str) -> list[int]:
    """The process ids of some services."""
    return [worker.process.pid for worker in running.workers if worker.service in services]
