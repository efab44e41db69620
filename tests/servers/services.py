"""All services as real processes with given servers, for tests that run jobs and for tests that break things."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from deploy.local.program import Program
from shared.errors import NotFound
from shared.protocol import topology
from shared.protocol.manifest import Manifest
from shared.protocol.messages import TERMINAL_STATES, JobRequest, JobStatus, Message
from shared.runtime.broker import connected
from shared.runtime.publishing import Publisher
from shared.settings import Settings
from shared.store import job_manifest, keys
from shared.store.port import Store, open_store
from tests.servers import tones
from tests.servers.ports import free_port
from tests.servers.process import Process
from tests.waiting import until

START_SECONDS = 60.0
SERVICES = ("chunker", "coordinator", "synthesizer", "assembler")


@dataclass
class Worker:
    """One process of a service."""

    service: str
    process: Process
    health_url: str
    environment: dict[str, str]

    def is_ready(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.health_url}/readyz", timeout=2).status_code == 200
        return False


@dataclass
class Services:
    """Services as processes. A worker that dies stays dead unless `keep_alive` runs.

    Attributes:
        environment: `PODCAST_*` settings of all services.
        directory: where their logs go.
        command: arguments of Python that run a service.
    """

    environment: dict[str, str]
    directory: Path
    command: tuple[str, ...] = ("-m", "services.{service}.app")
    workers: list[Worker] = field(default_factory=list)
    exits: list[tuple[str, int]] = field(default_factory=list)
    """Service and exit code of every worker that `keep_alive` found dead."""
    stopping: bool = False

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        values = {name.removeprefix("PODCAST_").lower(): value for name, value in self.environment.items()}
        self.settings = Settings(**values)  # type: ignore[arg-type] # pydantic reads the strings
        self.store: Store = open_store(self.settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, *services: str, **extra: str) -> list[Worker]:
        """Start one process of each service; returns before they are ready."""
        started = []
        for service in services or SERVICES:
            port = free_port()
            # The gateway's health is at its own address, so `health_url` is the address of its API.
            variable = "PODCAST_GATEWAY_PORT" if service == "gateway" else "PODCAST_HEALTH_PORT"
            own = {**self.environment, **extra, variable: str(port)}
            started.append(
                Worker(service, self._run(service, own), f"http://127.0.0.1:{port}", own),
            )
        self.workers += started
        return started

    def _run(self, service: str, environment: dict[str, str]) -> Process:
        program = Program(
            service,
            (sys.executable, *(argument.format(service=service) for argument in self.command)),
            {**os.environ, "PYTHONFAULTHANDLER": "1", **environment},
        )
        return Process(program, self.directory / f"{service}.log")

    async def ready(self) -> None:
        """Wait until every worker is consuming."""
        began = time.monotonic()
        while waiting := [worker for worker in self.workers if not await asyncio.to_thread(worker.is_ready)]:
            for worker in waiting:
                ended = worker.process.ended()
                assert ended is None, ended
            assert time.monotonic() - began < START_SECONDS, f"not ready: {[worker.service for worker in waiting]}"
            await asyncio.sleep(0.1)

    def of(self, service: str) -> list[Worker]:
        return [worker for worker in self.workers if worker.service == service]

    def kill(self, worker: Worker) -> None:
        """SIGKILL to the worker and its children."""
        worker.process.kill()

    def strike(self, worker: Worker, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal the process alone, as the kernel or an operator would; its children must end on their own."""
        os.kill(worker.process.pid, number)

    def restart(self, worker: Worker) -> None:
        """Start the worker again, as a supervisor does."""
        worker.process = self._run(worker.service, worker.environment)

    async def keep_alive(self) -> None:
        """Restart workers that die, as the supervisor of a stack does; run this as a task."""
        while not self.stopping:
            for worker in self.workers:
                code = worker.process.exit_code
                if code is not None:
                    self.exits.append((worker.service, code))
                    self.restart(worker)
            await asyncio.sleep(0.2)

    def stop(self) -> None:
        """Send SIGTERM to all workers, then wait for each."""
        self.stopping = True
        for worker in self.workers:
            worker.process.send(signal.SIGCONT)
            worker.process.send(signal.SIGTERM)
        for worker in self.workers:
            worker.process.stop()

    def log(self, service: str) -> str:
        path = self.directory / f"{service}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # ---------------------------------------------------------------- as a client

    @contextlib.asynccontextmanager
    async def publisher(self) -> AsyncIterator[Publisher]:
        """Publish as a client does, over a plain connection."""
        async with connected(self.settings) as connection:
            await topology.declare(connection)
            channel = await connection.channel(on_return_raises=True)

            async def send(message: Any, exchange: str, routing_key: str, mandatory: bool) -> None:
                target = await channel.get_exchange(exchange) if exchange else channel.default_exchange
                await target.publish(message, routing_key, mandatory=mandatory)

            yield Publisher(send, deadline_seconds=20)

    async def submit(self, *messages: Message) -> None:
        """Publish jobs or other messages."""
        async with self.publisher() as publish:
            for message in messages:
                await publish(message)

    async def status(self, job_id: str) -> JobStatus | None:
        try:
            return JobStatus.model_validate_json(await self.store.get(keys.status(job_id)))
        except NotFound:
            return None

    async def ended(self, job_id: str, *, seconds: float = 120) -> JobStatus:
        """Wait until the job has ended."""
        return await self.reaches(job_id, *TERMINAL_STATES, seconds=seconds)

    async def leaves_active(self, job_id: str, *, seconds: float = 30) -> None:
        """Wait until the job is no longer active: its last status is written before that."""

        async def has_left() -> bool:
            return not await self.store.exists(keys.active(job_id))

        await until(has_left, f"job {job_id} leaves the active ones", seconds=seconds)

    async def reaches(self, job_id: str, *states: str, seconds: float = 120) -> JobStatus:
        """Wait until the job is in one of the states."""
        status = None
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            status = await self.status(job_id)
            if status is not None and status.state in states:
                return status
            await asyncio.sleep(0.1)
        raise AssertionError(f"job {job_id} was not {states} within {seconds} s: {status}")

    async def manifest(self, job_id: str) -> Manifest:
        return Manifest.model_validate_json(await job_manifest.read_bytes(self.store, job_id))

    async def spoken(self, job: JobRequest, directory: Path) -> tuple[list[str], list[str]]:
        """The chunks that should be spoken, and those heard in the finished episode (tone engine only)."""
        manifest = await self.manifest(job.job_id)
        status = await self.status(job.job_id)
        assert status is not None
        extension = next(name for name in job.formats if name in status.files)
        path = directory / f"{job.job_id}.{extension}"
        await self.store.get_file(status.files[extension], path)
        heard = await asyncio.to_thread(tones.hear_texts, path)
        return [chunk.text for chunk in manifest.chunks], heard

    async def depths(self, *queues: str) -> dict[str, int]:
        """How many messages are ready in each queue."""
        async with connected(self.settings) as connection, connection.channel() as channel:
            found = [await channel.declare_queue(name, passive=True) for name in queues]
            return {queue.name: queue.declaration_result.message_count or 0 for queue in found}

    async def ready_messages(self, queue: str) -> int:
        """How many messages are ready in a queue."""
        return (await self.depths(queue))[queue]

    async def dead_letters(self) -> dict[str, int]:
        """Queue → number of dead letters, for queues that have any."""
        depths = await self.depths(*(queue.dead for queue in topology.WORK_QUEUES))
        return {queue: count for queue, count in depths.items() if count}
