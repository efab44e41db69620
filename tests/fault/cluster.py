"""Every server and service as a real process, behind proxies that can fail.

    services ─▶ proxy ─▶ RabbitMQ        services ─▶ proxy ─▶ MinIO        synthesizer ─▶ proxy ─▶ first voice
                                                                         synthesizer ─────────▶ second voice

The test itself bypasses the proxies. The bucket keeps every version of every object, so that a test can look up
afterwards when a chunk was finished for the first time.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aio_pika.abc import AbstractIncomingMessage
from minio import Minio
from minio.commonconfig import ENABLED
from minio.versioningconfig import VersioningConfig

from shared.dead_letters.browser import DeadLetters
from shared.dead_letters.selection import Selection
from shared.protocol import topology
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobRequest, JobStatus, TextSource
from shared.runtime.broker import connected
from shared.store import keys
from shared.store.s3 import S3Store
from tests.end_to_end import texts
from tests.fault.failpoints import DIRECTORY
from tests.servers.minio import MinioServer
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services, Worker
from tests.servers.speech_process import ToneSpeech

SHORT_DEADLINES = {
    "PODCAST_SPEECH_ENGINE": "tones",
    "PODCAST_NORMALISE_TEXT": "false",  # what is heard is compared with what is written
    "PODCAST_CHUNK_LIMIT_CHARACTERS": "200",
    "PODCAST_CONNECT_TIMEOUT_SECONDS": "3",
    "PODCAST_PUBLISH_DEADLINE_SECONDS": "3",
    "PODCAST_STORE_DEADLINE_SECONDS": "4",
    "PODCAST_SPEECH_DEADLINE_SECONDS": "4",
    "PODCAST_FETCH_DEADLINE_SECONDS": "4",
    "PODCAST_CHUNKER_DEADLINE_SECONDS": "30",
    "PODCAST_COORDINATOR_DEADLINE_SECONDS": "16",
    "PODCAST_SYNTHESIZER_DEADLINE_SECONDS": "24",
    "PODCAST_ASSEMBLER_DEADLINE_SECONDS": "60",
    "PODCAST_ATTEMPTS_LIMIT": "3",
    "PODCAST_BREAKER_OPEN_SECONDS": "1",
    "PODCAST_RECONCILE_SECONDS": "2",
    "PODCAST_STALLED_SECONDS": "5",
    "PODCAST_GRACE_SECONDS": "3",
    "PODCAST_WATCHDOG_SECONDS": "5",
}
"""Deadlines short enough for a test to wait for; they must nest, or the services would not start."""

LONG_ENOUGH = 16
"""Chunks of a job that is still being spoken when a fault comes, on any machine."""
JOB_SECONDS = 90.0
"""A job of a few chunks takes two seconds; even with a fault, on a busy machine, far less than this."""
QUIET_SECONDS = 60.0
OPERATOR_CALL_SECONDS = 20.0
STORE_BYTES = 1_000_000_000
LOOK_SECONDS = 0.5
"""From a synthesizer's check for existing audio to its speech call; a chunk finished in between may be spoken twice."""
_LOG_SHOWN_LINES = 60

ProxyName = Literal["broker", "store", "speech"]
PROXIES: tuple[ProxyName, ...] = ("broker", "store", "speech")
BROKER_DISK_BYTES = 200_000_000
_seeds = itertools.count(1)


def unheard_text(chunks: int, *, also: str = "") -> str:
    """Markdown with `chunks` chunks that no other job of the session has; each contains `also`."""
    seed = next(_seeds)
    sentences = (texts.sentence(number, seed=1_000 + seed) for number in range(chunks))
    return "\n\n".join(f"{sentence[:-1]} for {also or 'tale'} {seed}." for sentence in sentences)


def job(text: str, **fields: Any) -> JobRequest:
    """A job that speaks `text`."""
    return JobRequest(source=TextSource(text=text, format="markdown"), **fields)


def said(source: TextSource) -> list[str]:
    """The words of one of our texts."""
    return source.text.replace("#", " ").split()


@dataclass
class Cluster:
    """The servers, the proxies in front of them, and the services behind the proxies."""

    broker: RabbitServer
    minio: MinioServer
    voices: tuple[ToneSpeech, ToneSpeech]
    proxies: dict[ProxyName, Proxy]
    services: Services
    failpoints: Path
    store_disk: bool
    """Whether the store has its own file system, which a test can fill."""
    past_calls: list[dict[str, Any]] = field(default_factory=list)

    starter: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    """Its thread lives as long as the cluster: the kernel ends a tethered server together with the thread, not just the
    process, that started it."""

    # ---------------------------------------------------------------- starting and restoring

    async def start_again(self, server: RabbitServer | MinioServer) -> None:
        """Start a server that was killed, on the same data."""
        await asyncio.get_running_loop().run_in_executor(self.starter, server.start)

    def behind_proxies(self) -> dict[str, str]:
        """The servers' addresses as the services see them."""
        environment = self.services.environment
        first, second = self.voices
        return {
            "PODCAST_AMQP_URL": self.proxies["broker"].in_front_of(environment["PODCAST_AMQP_URL"]),
            "PODCAST_STORE_URL": self.proxies["store"].in_front_of(environment["PODCAST_STORE_URL"]),
            "PODCAST_SPEECH_URL": f"{self.proxies['speech'].in_front_of(first.url)},{second.url}",
        }

    def start(self, *services: str, **extra: str) -> list[Worker]:
        """One process of each service, behind the proxies."""
        return self.services.start(*services, **self.behind_proxies(), **extra)

    async def open(self) -> None:
        """Start every service and wait until all are consuming."""
        await self.services.store.ping()
        await asyncio.to_thread(self._keep_versions)
        self.start(*SERVICES)
        await self.services.ready()
        await asyncio.to_thread(self.broker.settle)

    def _keep_versions(self) -> None:
        client, bucket = self.s3
        client.set_bucket_versioning(bucket, VersioningConfig(ENABLED))

    @property
    def s3(self) -> tuple[Minio, str]:
        """A MinIO client for the store, and the bucket's name."""
        store = self.services.store
        assert isinstance(store, S3Store)
        return store._client, store._bucket

    @contextlib.asynccontextmanager
    async def running(self, *, seconds: float = 200) -> AsyncIterator[None]:
        """Restart dead services while the body runs, for at most `seconds`; afterwards restore the cluster."""
        self.services.stopping = False
        usual = list(self.services.workers)
        alive = asyncio.create_task(self.services.keep_alive())
        succeeded = False
        try:
            async with asyncio.timeout(seconds):
                yield
            succeeded = True
        finally:
            alive.cancel()
            await asyncio.wait({alive})
            if not succeeded:
                self.show_logs()
                # A test that fails has not dismissed what it started; the next test must not find it.
                self.dismiss(*[worker for worker in self.services.workers if worker not in usual])
                self.services.workers[:] = usual  # `restore` starts those again that it had killed and removed
            await self.restore(sweep=not succeeded)

    async def restore(self, *, sweep: bool = False) -> None:
        """Remove every fault.

        Args:
            sweep: also remove the messages and jobs that a failed test may have left behind.
        """
        for proxy in self.proxies.values():
            proxy.heal()
        for failpoint in self.failpoints.iterdir():
            failpoint.unlink(missing_ok=True)
        for server in (self.broker, self.minio):
            server.resume()
            assert server.server is not None
            if server.server.exit_code is not None:
                await self.start_again(server)
        await self.give_voice()
        for voice in self.voices:
            voice.resume()
            await asyncio.to_thread(voice.behave)
            await asyncio.to_thread(voice.delay, 0)
        for worker in self.services.workers:
            if worker.process.exit_code is not None:
                self.services.restart(worker)
        if sweep:
            await self.sweep(*(queue.name for queue in topology.WORK_QUEUES))
            async for key in self.services.store.list(keys.ACTIVE):
                await self.services.store.delete(key)
        await self.sweep(*(queue.dead for queue in topology.WORK_QUEUES))
        await self.services.ready()

    def slow_down(self, call_seconds: float) -> None:
        """Let every speech call take so long, so that a fault comes in the middle of the work."""
        for voice in self.voices:
            voice.delay(call_seconds)

    async def synthesizes(self, *requests: JobRequest, call_seconds: float) -> None:
        """Submit jobs whose speech calls take so long, and wait until the first one is being synthesized."""
        self.slow_down(call_seconds)
        await self.services.submit(*requests)
        await self.services.reaches(requests[0].job_id, "synthesizing")

    async def sweep(self, *queues: str) -> None:
        """Empty queues."""
        async with connected(self.services.settings) as connection, connection.channel() as channel:
            for name in queues:
                with contextlib.suppress(OSError):
                    queue = await channel.declare_queue(name, passive=True)
                    await queue.purge()

    def dismiss(self, *workers: Worker) -> None:
        """Stop extra workers and forget them."""
        for worker in workers:
            self.services.workers.remove(worker)
            worker.process.stop()

    def show_logs(self) -> None:
        """Print the ends of all logs, for the report of a failed test."""
        for service in SERVICES:
            lines = self.services.log(service).splitlines()[-_LOG_SHOWN_LINES:]
            print(f"--- {service}", *lines, sep="\n")  # noqa: T201 - pytest shows it

    # ---------------------------------------------------------------- faults

    def silence(self) -> None:
        """Kill both speech servers; the calls they have received are kept here."""
        for voice in self.voices:
            self.past_calls += voice.calls()
            voice.kill()
            assert voice.popen.stdout is not None
            voice.popen.stdout.close()

    async def give_voice(self) -> None:
        """Start the speech servers that are not running."""
        for voice in self.voices:
            if voice.popen.poll() is not None:
                await asyncio.to_thread(voice.start)

    def arm(self, service: str, point: str, what: str) -> None:
        """Have the next process of `service` that reaches `point` do `what`; see `tests/fault/failpoints.py`."""
        draft = self.failpoints / "draft"
        draft.write_text(what)
        draft.rename(self.failpoints / f"{service}.{point}")

    def was_hit(self, service: str, point: str) -> bool:
        """Whether a process has reached that point."""
        return not (self.failpoints / f"{service}.{point}").exists()

    def set_clock(self, seconds_ahead: float) -> None:
        """Set every service's wall clock ahead."""
        (self.failpoints / "clock").write_text(str(seconds_ahead))

    def limit_brokers_disk(self, *, full: bool) -> None:
        """Make the broker believe that its disk is full, or not; when full, it blocks publishers."""
        free_bytes = 10**15 if full else BROKER_DISK_BYTES
        self.broker.evaluate(f"rabbit_disk_monitor:set_disk_free_limit({free_bytes}).")

    def the(self, service: str) -> Worker:
        """The first process of a service."""
        return self.services.of(service)[0]

    @contextlib.asynccontextmanager
    async def with_settings(self, *services: str, **settings: str) -> AsyncIterator[None]:
        """Run the body with these services started with other settings."""
        workers = [worker for worker in self.services.workers if worker.service in services]
        usual = [worker.environment for worker in workers]
        try:
            for worker in workers:
                worker.environment = {**worker.environment, **settings}
                self.services.kill(worker)
                self.services.restart(worker)
            await self.services.ready()
            yield
        finally:
            for worker, environment in zip(workers, usual, strict=True):
                worker.environment = environment
                self.services.kill(worker)
                self.services.restart(worker)
        await self.services.ready()

    # ---------------------------------------------------------------- proofs

    async def completes(self, *requests: JobRequest, seconds: float = JOB_SECONDS) -> list[JobStatus]:
        """Wait for the jobs, and check that each episode has every word of its text, once and in order."""
        statuses = []
        with tempfile.TemporaryDirectory() as directory:
            for request in requests:
                status = await self.services.ended(request.job_id, seconds=seconds)
                assert status.state == "completed", status.error
                written, heard = await self.services.spoken(request, Path(directory))
                assert heard == written
                assert isinstance(request.source, TextSource)
                assert " ".join(heard).split() == said(request.source)
                statuses.append(status)
        return statuses

    async def is_quiet(self) -> None:
        """Wait until no message is left to be delivered and no job is active."""
        end = time.monotonic() + QUIET_SECONDS
        while waiting := await self._waiting():
            assert time.monotonic() < end, f"still there after {QUIET_SECONDS:g} s: {waiting}"
            await asyncio.sleep(0.2)

    async def _waiting(self) -> list[str]:
        # Nobody consumes `webhooks` and `feeds` here, as in a stack without those services.
        consumed = [queue for queue in topology.WORK_QUEUES if queue not in {topology.WEBHOOKS, topology.FEEDS}]
        names = [name for queue in consumed for name in (queue.name, *queue.waits)]
        queues = [name for name, count in (await self.services.depths(*names)).items() if count]
        return queues + [key async for key in self.services.store.list(keys.ACTIVE)]

    async def nothing_is_dead(self) -> None:
        """Check that there is no dead letter, now that everything has been delivered."""
        await self.is_quiet()
        assert await self.services.dead_letters() == {}, await self._epitaphs()

    async def _epitaphs(self) -> str:
        async with self.operator() as operator:
            return "\n".join(map(str, await operator.find(Selection())))

    @contextlib.asynccontextmanager
    async def operator(self) -> AsyncIterator[DeadLetters]:
        """Access to the dead letters as an operator has it."""
        async with connected(self.services.settings) as connection:
            yield DeadLetters(connection, call_seconds=OPERATOR_CALL_SECONDS)

    async def letters(self, *queues: str) -> list[AbstractIncomingMessage]:
        """Take every message off these queues."""
        found = []
        async with connected(self.services.settings) as connection, connection.channel() as channel:
            for name in queues:
                queue = await channel.declare_queue(name, passive=True)
                while letter := await queue.get(fail=False, no_ack=True):
                    found.append(letter)
        return found

    def calls(self) -> list[dict[str, Any]]:
        """Every speech call so far, of both voices."""
        return [*self.past_calls, *(call for voice in self.voices for call in voice.calls())]

    async def spoken_again(self, *requests: JobRequest, look_seconds: float = LOOK_SECONDS) -> list[str]:
        """Texts whose audio was in the store when they were sent to a speech server."""
        finished = await asyncio.to_thread(self._first_finished)
        audio_keys: dict[str, str] = {}
        for request in requests:
            manifest = Manifest.model_validate_json(await self.services.store.get(keys.manifest(request.job_id)))
            audio_keys |= {chunk.text: chunk.audio_key for chunk in manifest.chunks}
        calls = await asyncio.to_thread(self.calls)
        return [
            call["text"]
            for call in calls
            if call["text"] in audio_keys and call["time"] > finished[audio_keys[call["text"]]] + look_seconds
        ]

    def _first_finished(self) -> dict[str, float]:
        client, bucket = self.s3
        first: dict[str, float] = {}
        for version in client.list_objects(bucket, prefix="audio/", recursive=True, include_version=True):
            if version.last_modified is not None and version.object_name is not None:
                moment = version.last_modified.timestamp()
                first[version.object_name] = min(moment, first.get(version.object_name, moment))
        return first

    async def proves(self, *requests: JobRequest, seconds: float = JOB_SECONDS) -> None:
        """Check what every test promises: every word heard, no dead letters, nothing spoken again."""
        await self.completes(*requests, seconds=seconds)
        assert await self.spoken_again(*requests) == []
        await self.nothing_is_dead()


def build(directory: Path, minio_binary: Path, enter: Callable[[Any], Any]) -> Cluster:
    """Start the servers and the proxies; the services come with `Cluster.open`.

    Args:
        directory: for everything that is written.
        minio_binary: MinIO's program.
        enter: enters a context manager that lasts as long as the cluster.
    """
    broker = RabbitServer(directory / "broker")
    store_disk = enter(own_disk(directory / "minio"))
    minio = MinioServer(directory / "minio", minio_binary)
    enter(contextlib.closing(_Stopped(broker, minio)))
    broker.start()
    minio.start()
    # The ports that they chose, so that a killed server comes back on the same one.
    first, second = (enter(ToneSpeech(free_port())).wait_ready() for _ in range(2))
    proxies: dict[ProxyName, Proxy] = {
        "broker": enter(Proxy(broker.node.amqp_port)),
        "store": enter(Proxy(minio.node.port)),
        "speech": enter(Proxy(first.port)),
    }
    failpoints = directory / "failpoints"
    failpoints.mkdir()
    environment = {
        **SHORT_DEADLINES,
        DIRECTORY: str(failpoints),
        "PODCAST_AMQP_URL": broker.vhost(),
        "PODCAST_STORE_URL": minio.bucket(),
        "PODCAST_SPEECH_URL": f"{first.url},{second.url}",
    }
    services = enter(Services(environment, directory / "logs", command=("-m", "tests.fault.failpoints", "{service}")))
    return Cluster(broker, minio, (first, second), proxies, services, failpoints, store_disk)


@contextlib.contextmanager
def own_disk(folder: Path) -> Iterator[bool]:
    """A small file system at `folder`; yields False if it cannot be mounted: then `folder` is an ordinary folder."""
    folder.mkdir(parents=True)
    mount = ("mount", "-t", "tmpfs", "-o", f"size={STORE_BYTES}", "podcast-fault-suite", str(folder))
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(("umount", "--lazy", str(folder)), check=True)


class _Stopped:
    """Closes servers."""

    def __init__(self, *servers: RabbitServer | MinioServer) -> None:
        self._servers: Iterable[RabbitServer | MinioServer] = servers

    def close(self) -> None:
        for server in self._servers:
            server.stop()
