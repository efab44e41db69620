"""A service made by a test, run inside it with the real broker and store."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aio_pika.abc import AbstractIncomingMessage

from shared.protocol.messages import ChunkRequested
from shared.runtime.broker import connected
from shared.runtime.service import Service
from shared.settings import Settings
from tests.audio_keys import audio_key_of
from tests.waiting import LIMIT_SECONDS, until


def request(index: int = 0, *, job_id: str = "job", text: str = "Hello.") -> ChunkRequested:
    """A message for such a service, or one that died in it."""
    return ChunkRequested(
        job_id=job_id,
        index=index,
        text=text,
        language="en",
        voice="v",
        model="m",
        speed=1.0,
        audio_key=audio_key_of(text),
    )


@contextlib.asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    """Yield the service while it consumes; at the end it is stopped as by SIGTERM."""
    task = asyncio.create_task(service.run())
    try:
        await until(lambda: service.ready or task.done(), "the service is ready")
        yield service
    finally:
        service.stop()
        await asyncio.wait_for(task, LIMIT_SECONDS)


async def letters(settings: Settings, queue: str, count: int) -> list[AbstractIncomingMessage]:
    """Take `count` messages from a queue, waiting until they have arrived."""
    found: list[AbstractIncomingMessage] = []
    async with connected(settings) as connection, connection.channel() as channel, asyncio.timeout(LIMIT_SECONDS):
        source = await channel.declare_queue(queue, passive=True)
        while len(found) < count:
            message = await source.get(fail=False)
            if message is None:
                await asyncio.sleep(0.02)
                continue
            await message.ack()
            found.append(message)
    return found


async def ready_messages(settings: Settings, queue: str) -> int:
    """How many messages are ready in a queue."""
    async with connected(settings) as connection, connection.channel() as channel:
        found = await channel.declare_queue(queue, passive=True)
        return found.declaration_result.message_count or 0
