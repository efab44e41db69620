"""The unavoidable parts of the work on a chunk, each measured alone in this process: CPU seconds for one chunk.

Nothing of the services is involved: the audio work and the encoding are one function call each, the messages use plain
aio-pika, the HTTP call plain httpx. The store writes are the store's own (a thread, a temporary file, a rename).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import aio_pika
import httpx
from aio_pika.abc import AbstractIncomingMessage

from services.synthesizer.chunk_work import make_chunk
from shared.audio import chunk_audio
from shared.protocol.messages import ChunkRequested, ChunkSynthesized, Frozen, SegmentsNeeded, new_job_id
from shared.store import chunk_segments
from shared.store.port import Store

AT_A_TIME = 8
"""As many calls and messages in flight as the services have slots."""
WARM = 16
LIMIT_SECONDS = 120.0
RATE = 24_000
VOICE_GAIN_DB = 0.0


async def audio(answer: bytes, text: str, count: int) -> float:
    """Decode, validate, process, measure and encode what a speech server sent; one at a time, on the main thread."""

    async def once() -> None:
        make_chunk(answer, text, speed=1.0, sample_rate=RATE)

    return await _each(once, count, at_a_time=1)


async def encoding(chunk: bytes, text: str, count: int) -> float:
    """Master a chunk and encode it as an MP3 segment; one at a time, on the main thread."""
    stored = chunk_audio.load(chunk)
    request = requested(text)
    codecs = chunk_segments.codecs_of(request)

    async def once() -> None:
        chunk_segments.encode(stored, request, codecs, VOICE_GAIN_DB)

    return await _each(once, count, at_a_time=1)


async def http_call(url: str, text: str, count: int) -> float:
    """Post a text and read the response."""
    asked = {"model": "default", "input": text, "voice": "default", "response_format": "wav", "speed": 1.0}
    async with httpx.AsyncClient(timeout=30) as client:

        async def once() -> None:
            (await client.post(f"{url}/v1/audio/speech", json=asked)).raise_for_status()

        return await _each(once, count)


async def store_writes(store: Store, data: bytes, count: int) -> float:
    """Put a chunk's audio, and as many bytes for its segment."""
    numbers = iter(range(count + WARM))

    async def once() -> None:
        number = next(numbers)
        await store.put(f"audio/part-{number}.flac", data, content_type="audio/flac")
        await store.put(f"audio/part-{number}.mp3", data, content_type="audio/mpeg")

    return await _each(once, count)


async def two_hops(amqp_url: str, text: str, count: int) -> float:
    """Messages as long as the services', persistent, confirmed, mandatory, over two quorum queues: requested and done.

    One process plays both ends: for each message from one queue it publishes one to the other, and acks.
    """
    bodies = [message.model_dump_json().encode() for message in _messages(text)]
    connection = await aio_pika.connect(amqp_url, timeout=10)
    async with asyncio.timeout(LIMIT_SECONDS), connection:
        consuming = await connection.channel()
        await consuming.set_qos(prefetch_count=AT_A_TIME)
        publishing = await connection.channel(on_return_raises=True)
        exchange = await publishing.declare_exchange("hops", "topic", durable=True)
        passed, finished, began = 0, asyncio.get_running_loop().create_future(), 0.0

        async def publish(end: int) -> None:
            await exchange.publish(
                aio_pika.Message(
                    bodies[end], delivery_mode=aio_pika.DeliveryMode.PERSISTENT, content_type="application/json"
                ),
                f"hop.{end}",
                mandatory=True,
            )

        async def receive(message: AbstractIncomingMessage, *, end: int) -> None:
            nonlocal passed, began
            passed += 1
            if passed == 2 * WARM:
                began = time.process_time()
            if passed < 2 * (WARM + count):
                await publish(1 - end)
            elif not finished.done():
                finished.set_result(None)
            await message.ack()

        for end in (0, 1):
            queue = await consuming.declare_queue(f"hop-{end}", durable=True, arguments={"x-queue-type": "quorum"})
            await queue.bind(exchange, f"hop.{end}")
            await queue.consume(partial(receive, end=end))
        await asyncio.gather(*(publish(0) for _ in range(AT_A_TIME)))
        await finished
        return (time.process_time() - began) / count


def requested(text: str) -> ChunkRequested:
    """What the coordinator sends for a chunk of an episode in MP3."""
    return ChunkRequested(
        job_id=new_job_id(),
        index=500,
        text=text,
        language="en",
        voice="default",
        model="default",
        speed=1.0,
        audio_key=f"audio/{'0' * 64}.flac",
        mastering=SegmentsNeeded(formats=("mp3",), loudness="mono", is_short=False),
    )


def _messages(text: str) -> tuple[Frozen, Frozen]:
    request = requested(text)
    done = ChunkSynthesized(
        job_id=request.job_id,
        index=request.index,
        audio_key=request.audio_key,
        audio_seconds=8.0,
        reused=False,
        seconds=0.0123,
    )
    return request, done


async def _each(once: Callable[[], Awaitable[None]], count: int, *, at_a_time: int = AT_A_TIME) -> float:
    """CPU seconds of one call, averaged over `count` calls after a few warm-up calls."""

    async def several(number: int) -> None:
        left = iter(range(number))

        async def worker() -> None:
            for _ in left:
                await once()

        await asyncio.gather(*(worker() for _ in range(at_a_time)))

    async with asyncio.timeout(LIMIT_SECONDS):
        await several(WARM)
        began = time.process_time()
        await several(count)
        return (time.process_time() - began) / count
