"""Carries out a schedule of faults on the cluster. Two faults of the same server never overlap."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Sequence

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from shared.protocol import envelope, topology
from tests.fault.cluster import PROXIES, Cluster
from tests.fault.schedule import Fault
from tests.servers.proxy import BREAKS
from tests.servers.services import Worker

REMEMBERED_MESSAGES = 200


class FaultInjector:
    """One method per kind of fault; each leaves things as it found them, except for processes that died.

    Args:
        cluster: what the faults are injected into.
        seed: for the choices that the schedule leaves open.
    """

    def __init__(self, cluster: Cluster, *, seed: int) -> None:
        self._cluster = cluster
        self._dice = random.Random(seed)  # noqa: S311 - not a secret
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._seen: deque[tuple[str, AbstractIncomingMessage]] = deque(maxlen=REMEMBERED_MESSAGES)
        self.done: list[Fault] = []

    async def carry_out(self, faults: Sequence[Fault]) -> None:
        """Inject all faults, each at its time; returns when the last one is over."""
        async with self._listening(), asyncio.TaskGroup() as tasks:
            for fault in faults:
                tasks.create_task(self._one(fault))

    async def _one(self, fault: Fault) -> None:
        await asyncio.sleep(fault.at_seconds)
        await getattr(self, fault.kind)(*fault.what, seconds=fault.seconds)
        self.done.append(fault)

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Remember what is published, to publish it again."""
        connection = await aio_pika.connect_robust(self._cluster.services.settings.amqp_url)
        async with connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(exclusive=True, auto_delete=True)
            await queue.bind(topology.EXCHANGE, "#")

            async def take(message: AbstractIncomingMessage) -> None:
                if message.routing_key not in (None, "job.reconcile"):
                    self._seen.append((str(message.routing_key), message))

            await queue.consume(take, no_ack=True)
            yield

    def _worker(self, service: str) -> Worker:
        return self._dice.choice(self._cluster.services.of(service))

    # ---------------------------------------------------------------- processes

    async def kill(self, service: str, *, seconds: float) -> None:
        del seconds
        self._strike(self._worker(service), signal.SIGKILL)

    async def terminate(self, service: str, *, seconds: float) -> None:
        del seconds
        self._strike(self._worker(service), signal.SIGTERM)

    async def freeze(self, service: str, *, seconds: float) -> None:
        worker = self._worker(service)
        async with self._locks[f"{service} {worker.health_url}"]:
            self._strike(worker, signal.SIGSTOP)
            await asyncio.sleep(seconds)
            self._strike(worker, signal.SIGCONT)

    def _strike(self, worker: Worker, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._cluster.services.strike(worker, number)

    async def strike_at_step(self, service: str, step: str, *, seconds: float) -> None:
        del seconds
        self._cluster.arm(service, step, "kill")

    async def block(self, service: str, step: str, *, seconds: float) -> None:
        del seconds
        self._cluster.arm(service, step, "block")

    async def set_clock(self, ahead: str, *, seconds: float) -> None:
        async with self._locks["clock"]:
            self._cluster.set_clock(float(ahead))
            await asyncio.sleep(seconds)
            self._cluster.set_clock(0)

    # ---------------------------------------------------------------- the network

    async def break_proxy(self, proxy: str, mode: str, *, seconds: float) -> None:
        found = next(self._cluster.proxies[name] for name in PROXIES if name == proxy)
        async with self._locks[f"proxy {proxy}"]:
            found.break_as(next(name for name in BREAKS if name == mode))
            await asyncio.sleep(seconds)
            found.heal()

    async def cut_proxy(self, proxy: str, *, seconds: float) -> None:
        del seconds
        next(self._cluster.proxies[name] for name in PROXIES if name == proxy).cut_now()

    # ---------------------------------------------------------------- servers

    async def spoil_speech(self, mode: str, status: str, count: str, *, seconds: float) -> None:
        async with self._locks["speech"]:
            voice = self._dice.choice(self._cluster.voices)
            await asyncio.to_thread(voice.misbehave, mode, status=int(status), count=int(count))
            await asyncio.sleep(seconds)
            await asyncio.to_thread(voice.behave)

    async def silence(self, *, seconds: float) -> None:
        async with self._locks["speech"]:
            self._cluster.silence()
            await asyncio.sleep(seconds)
            await self._cluster.give_voice()

    async def kill_broker(self, *, seconds: float) -> None:
        async with self._locks["broker"]:
            # A node that is killed within a second of starting may lose a queue; see `RabbitServer.settle`.
            await asyncio.to_thread(self._cluster.broker.settle)
            self._cluster.broker.kill()
            await asyncio.sleep(seconds)
            await self._cluster.start_again(self._cluster.broker)

    async def pause_broker(self, *, seconds: float) -> None:
        async with self._locks["broker"]:
            self._cluster.broker.pause()
            await asyncio.sleep(seconds)
            self._cluster.broker.resume()

    async def fill_broker(self, *, seconds: float) -> None:
        async with self._locks["broker"]:
            await asyncio.to_thread(self._cluster.limit_brokers_disk, full=True)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self._cluster.limit_brokers_disk, full=False)

    async def kill_store(self, *, seconds: float) -> None:
        async with self._locks["store"]:
            self._cluster.minio.kill()
            await asyncio.sleep(seconds)
            await self._cluster.start_again(self._cluster.minio)

    async def pause_store(self, *, seconds: float) -> None:
        async with self._locks["store"]:
            self._cluster.minio.pause()
            await asyncio.sleep(seconds)
            self._cluster.minio.resume()

    # ---------------------------------------------------------------- messages

    async def repeat_messages(self, count: str, *, seconds: float) -> None:
        """Publish some of the last messages again, in another order."""
        del seconds
        chosen = self._dice.sample(list(self._seen), min(int(count), len(self._seen)))
        async with self._locks["broker"], self._cluster.services.publisher() as publish:
            for routing_key, message in chosen:
                copy = envelope.copy(message, headers={})
                copy.expiration = None
                # Nobody may have a queue for it: a job's end is for services that subscribe.
                await publish.raw(copy, topology.EXCHANGE, routing_key, mandatory=False)
