"""The dead-letter queues as an operator sees them, on a real node."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from shared.dead_letters import export
from shared.dead_letters.browser import DeadLetters, Verdict
from shared.dead_letters.letter import DeadLetter
from shared.dead_letters.operator_lock import Busy, acquired
from shared.dead_letters.selection import Selection
from shared.errors import BadInput, BrokerDown, NotFound
from shared.protocol import envelope, topology
from shared.protocol.manifest import Chapter, Chunk, Manifest
from shared.protocol.messages import ChunkRequested, JobRequest, JobStatus, PauseLengths, TextSource
from shared.protocol.topology import CHUNKER, COORDINATOR, SYNTHESIZER, WorkQueue
from shared.store import keys
from shared.store.port import Store
from tests.integration.running import request
from tests.waiting import until

pytestmark = pytest.mark.anyio

EVERYTHING = Selection()
CALL_SECONDS = 10.0


class Node:
    """One client's view of the vhost, with helpers for tests."""

    def __init__(self, connection: aio_pika.abc.AbstractConnection, channel: aio_pika.abc.AbstractChannel) -> None:
        self.connection = connection
        self.channel = channel
        self.letters = DeadLetters(connection, call_seconds=CALL_SECONDS)

    async def put(self, message: aio_pika.Message, exchange: str, routing_key: str) -> None:
        target = await self.channel.get_exchange(exchange, ensure=False) if exchange else self.channel.default_exchange
        await target.publish(message, routing_key)

    async def dead_letter(self, *messages: aio_pika.Message, queue: WorkQueue = SYNTHESIZER) -> None:
        for message in messages:
            await self.put(message, topology.DEAD_EXCHANGE, queue.name)

    async def fill(self, count: int) -> None:
        await asyncio.gather(
            *(self.put(aio_pika.Message(b"%d" % index), "", SYNTHESIZER.dead) for index in range(count))
        )

    async def count(self, queue: str) -> int:
        found = await self.channel.declare_queue(queue, passive=True)
        return found.declaration_result.message_count or 0

    async def all_of(self, queue: str) -> list[AbstractIncomingMessage]:
        """Take everything out of a queue."""
        found: list[AbstractIncomingMessage] = []
        source = await self.channel.get_queue(queue, ensure=False)
        while (message := await source.get(fail=False, no_ack=True)) is not None:
            found.append(message)
        return found

    async def texts(self) -> list[str | None]:
        return [letter.text for letter in await self.letters.find(EVERYTHING)]


@contextlib.asynccontextmanager
async def client(url: str) -> AsyncIterator[Node]:
    async with await aio_pika.connect(url, heartbeat=10) as connection:
        await topology.declare(connection)
        yield Node(connection, await connection.channel())


def chunk(index: int, job_id: str = "job-1") -> ChunkRequested:
    return request(index, job_id=job_id, text=f"Text {index}.")


def dead(index: int, job_id: str = "job-1", reason: str = "The voice is unknown.") -> aio_pika.Message:
    """A dead letter as a service publishes it."""
    message = envelope.outgoing(chunk(index, job_id), job_id=job_id)
    message.headers = {
        envelope.EXCEPTION_TYPE: "SpeechRejected",
        envelope.EXCEPTION_MESSAGE: reason,
        envelope.EXCEPTION_STACKTRACE: "Traceback …",
        envelope.ORIGINAL_EXCHANGE: "podcast",
        envelope.ORIGINAL_ROUTING_KEY: "chunk.requested",
        envelope.ATTEMPT: 6,
        envelope.WAITS: 2,
        envelope.ATTEMPTS_LOG: json.dumps([{"attempt": 6, "at": "2026-01-02T03:04:05+00:00", "error": reason}]),
        envelope.SERVICE: "synthesizer",
        envelope.DIED_AT: "2026-01-02T03:04:05+00:00",
        envelope.JOB: job_id,
        envelope.CHUNK: index,
    }
    return message


async def failed_job(store: Store, chunk: ChunkRequested) -> None:
    """Store a job that failed for its only chunk."""
    manifest = Manifest(
        job_id=chunk.job_id,
        request=JobRequest(job_id=chunk.job_id, source=TextSource(text=chunk.text)),
        title="",
        author="",
        language=chunk.language,
        voice=chunk.voice,
        model=chunk.model,
        pauses=PauseLengths(),
        chapters=(Chapter(title="One", level=1, first_chunk=0),),
        chunks=(Chunk(index=0, text=chunk.text, chapter=0, pause_after="none", audio_key=chunk.audio_key),),
    )
    status = JobStatus(job_id=chunk.job_id, state="failed", submitted_at=1.0, updated_at=1.0)
    await store.put(keys.manifest(chunk.job_id), manifest.model_dump_json().encode())
    await store.put(keys.status(chunk.job_id), status.model_dump_json().encode())


# ---------------------------------------------------------------- looking


@pytest.mark.timeout(900)  # a thousand take 170 s on 2 cores with a load of 12: one takes about fifteen round trips
@pytest.mark.parametrize("looks", [100, pytest.param(1_000, marks=pytest.mark.long)])
async def test_a_thousand_looks_neither_lose_nor_reorder(amqp_url: str, looks: int) -> None:
    async with client(amqp_url) as node:
        await node.fill(40)  # above 32, RabbitMQ 3.10 scrambles what is returned by nack
        expected = [str(index) for index in range(40)]
        for _ in range(looks):
            assert [letter.text for letter in await node.letters.find(Selection(queues=(SYNTHESIZER,)))] == expected


async def test_a_look_at_a_long_queue_keeps_its_order(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.fill(1_500)
        expected = [str(index) for index in range(1_500)]
        assert await node.texts() == expected
        assert await node.texts() == expected


async def test_the_id_of_a_letter_is_the_same_at_every_look_and_no_other_letters(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        twin = aio_pika.Message(b"twin", message_id="same")
        await node.dead_letter(dead(1), dead(1, reason="It died again."), twin, twin, aio_pika.Message(b""))
        first = [letter.id for letter in await node.letters.find(EVERYTHING)]
        assert len(set(first)) == 5
        assert [letter.id for letter in await node.letters.find(EVERYTHING)] == first


async def test_letters_that_arrive_during_a_look_are_left_alone(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.fill(5)
        seen: list[str | None] = []

        async def see(letter: DeadLetter, _: AbstractIncomingMessage) -> Verdict:
            await node.put(aio_pika.Message(b"new %d" % len(seen)), "", SYNTHESIZER.dead)
            seen.append(letter.text)
            return Verdict.KEEP

        await node.letters.visit([SYNTHESIZER], see, doing="looking")
        assert seen == ["0", "1", "2", "3", "4"]
        assert await node.texts() == [*seen, *(f"new {index}" for index in range(5))]


async def test_a_look_stopped_in_the_middle_gives_everything_back_in_order(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.fill(100)

        async def fail_late(letter: DeadLetter, _: AbstractIncomingMessage) -> Verdict:
            if letter.text == "60":
                raise ZeroDivisionError
            return Verdict.KEEP

        for _ in range(3):  # messages that have been read return to a different place than the others
            with pytest.raises(ZeroDivisionError):
                await node.letters.visit([SYNTHESIZER], fail_late, doing="looking")
            assert await node.texts() == [str(index) for index in range(100)]


async def test_a_look_interrupted_at_any_moment_gives_everything_back_in_order(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.fill(100)
        for milliseconds in range(0, 200, 10):
            # Cancelled while a channel is opened, aiormq may close the connection with CancelledError. Cancelled while
            # one is closed, it may close it twice, and forget that it was cancelled: then the broker breaks off.
            with contextlib.suppress(asyncio.CancelledError, BrokerDown):
                async with await aio_pika.connect(amqp_url) as connection:
                    looking = asyncio.create_task(DeadLetters(connection, call_seconds=CALL_SECONDS).find(EVERYTHING))
                    await asyncio.sleep(milliseconds / 1_000)
                    looking.cancel()
                    await looking
            assert await node.texts() == [str(index) for index in range(100)]


HOLD_LETTERS = """
import asyncio, sys
import aio_pika
from shared.dead_letters.browser import DeadLetters, Verdict
from shared.protocol.topology import SYNTHESIZER

async def main():
    seen = 0
    async def see(letter, message):
        nonlocal seen
        seen += 1
        if seen == int(sys.argv[2]):
            print("holding", flush=True)
            await asyncio.sleep(600)
        return Verdict.KEEP
    connection = await aio_pika.connect(sys.argv[1], heartbeat=2)  # the services' 10 would take half a minute
    await DeadLetters(connection, call_seconds=10).visit([SYNTHESIZER], see, doing="a test")

asyncio.run(main())
"""


async def holder_of_letters(url: str, count: int) -> asyncio.subprocess.Process:
    """An operator in a separate process, who has read `count` dead letters and then does nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD_LETTERS, url, str(count), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 30) == b"holding\n"
    return process


async def test_an_operator_who_is_killed_returns_every_letter_in_order(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.fill(200)
        process = await holder_of_letters(amqp_url, 200)
        assert await node.count(SYNTHESIZER.dead) == 0
        process.kill()
        await process.wait()
        await until_there_are(node, 200)
        assert await node.texts() == [str(index) for index in range(200)]


async def until_there_are(node: Node, letters: int) -> None:
    async def are_there() -> bool:
        return await node.count(SYNTHESIZER.dead) >= letters

    await until(are_there, f"{letters} dead letters", seconds=20)


# ---------------------------------------------------------------- two operators


async def test_two_operators_at_once_each_see_everything(amqp_url: str) -> None:
    async with client(amqp_url) as one, client(amqp_url) as other:
        await one.fill(60)
        expected = [str(index) for index in range(60)]
        for looks in await asyncio.gather(*(node.texts() for node in (one, other) for _ in range(1))):
            assert looks == expected
        for _ in range(10):
            assert await asyncio.gather(one.texts(), other.texts()) == [expected, expected]


async def test_two_operators_who_replay_at_once_send_each_letter_once(amqp_url: str) -> None:
    async with client(amqp_url) as one, client(amqp_url) as other:
        await one.dead_letter(*(dead(index) for index in range(30)))
        await asyncio.gather(one.letters.replay(EVERYTHING), other.letters.replay(EVERYTHING))
        sent = [envelope.chunk(message) for message in await one.all_of(SYNTHESIZER.name)]
        assert sent == list(range(30))


async def test_the_one_who_waits_is_told_for_whom_and_gives_up_in_the_end(amqp_url: str) -> None:
    async with client(amqp_url) as one, client(amqp_url) as other:
        heard: list[str] = []
        waiting = DeadLetters(other.connection, call_seconds=CALL_SECONDS, wait_seconds=0.5, say=heard.append)
        async with acquired(one.connection, doing="replaying"):
            with pytest.raises(Busy, match=rf"process {os.getpid()}, replaying, since"):
                await waiting.find(Selection(queues=(SYNTHESIZER,)))
        assert len(heard) == 1
        assert str(os.getpid()) in heard[0]
        assert await waiting.find(EVERYTHING) == []


async def test_an_operator_who_hangs_holds_nobody_up_for_ever(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.fill(10)
        process = await holder_of_letters(amqp_url, 10)
        process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        try:
            assert await node.texts() == [str(index) for index in range(10)]
            assert time.monotonic() - started > 1, "it was not held up at all"
        finally:
            process.kill()
            await process.wait()


# ---------------------------------------------------------------- replaying and discarding


async def test_a_replayed_letter_is_as_it_was_before_it_died(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.dead_letter(dead(7))
        await node.letters.replay(EVERYTHING)
        (message,) = await node.all_of(SYNTHESIZER.name)
        assert ChunkRequested.model_validate_json(message.body) == chunk(7)
        assert (message.type, message.correlation_id) == ("chunk.requested", "job-1")
        assert message.message_id == dead(7).message_id
        assert envelope.attempt(message) == 1
        assert envelope.waits(message) == 0
        assert envelope.origin(message) == ("podcast", "chunk.requested")
        assert not envelope.is_dead_letter(message)
        assert len(envelope.attempts(message.headers)) == 1
        assert not [name for name in message.headers if name.startswith(("x-exception", "x-death"))]
        assert await node.count(SYNTHESIZER.dead) == 0


async def test_a_replay_goes_to_the_queue_where_the_letter_died_and_to_no_other(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        request = aio_pika.Message(b"{}", type="job.submitted")  # the chunker and the coordinator are both bound to it
        await node.dead_letter(request, queue=CHUNKER)
        copies = await node.count(COORDINATOR.name)  # of the dead letter
        await node.letters.replay(Selection(queues=(CHUNKER,)))
        assert await node.count(CHUNKER.name) == 1
        assert await node.count(COORDINATOR.name) == copies


async def test_only_what_was_chosen_is_replayed_and_the_rest_keeps_its_order(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.dead_letter(*(dead(index, job_id=f"job-{index % 3}") for index in range(90)))
        await node.texts()
        await node.letters.replay(Selection(job_id="job-1"))
        sent = [envelope.chunk(message) for message in await node.all_of(SYNTHESIZER.name)]
        assert sent == list(range(1, 90, 3))
        left = [letter.chunk for letter in await node.letters.find(EVERYTHING)]
        assert left == [index for index in range(90) if index % 3 != 1]


async def test_a_letter_that_dies_again_while_it_is_replayed_is_not_replayed_for_ever(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.dead_letter(*(dead(index) for index in range(3)))
        replayed: list[int | None] = []

        async def consumer_that_fails(message: AbstractIncomingMessage) -> None:
            await node.dead_letter(dead(envelope.chunk(message) or 0, reason="Again."))
            await message.ack()

        work = await node.channel.get_queue(SYNTHESIZER.name, ensure=False)
        await work.consume(consumer_that_fails)
        await node.letters.replay(EVERYTHING, confirmed=lambda letter: replayed.append(letter.chunk))
        assert replayed == [0, 1, 2]
        await until_there_are(node, 3)


async def test_a_client_that_dies_between_confirm_and_ack_leaves_the_letter_in_both_queues(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.dead_letter(*(dead(index) for index in range(50)))
        program = """
import asyncio, os, sys
import aio_pika
from shared.dead_letters.browser import DeadLetters
from shared.dead_letters.selection import Selection

def die(letter):
    if letter.chunk == 20:
        os._exit(9)

async def main():
    connection = await aio_pika.connect(sys.argv[1])
    await DeadLetters(connection, call_seconds=10).replay(Selection(), confirmed=die)

asyncio.run(main())
"""
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, amqp_url)
        assert await process.wait() == 9
        await until_there_are(node, 30)
        sent = [envelope.chunk(message) for message in await node.all_of(SYNTHESIZER.name)]
        left = [letter.chunk for letter in await node.letters.find(EVERYTHING)]
        assert sent == list(range(21))
        assert left == list(range(left[0] or 0, 50)), "the rest is in its order"
        assert set(sent) | set(left) == set(range(50))
        assert 20 in left


async def test_a_letter_whose_queue_does_not_take_it_stays(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.dead_letter(*(dead(index) for index in range(40)))
        await node.channel.queue_delete(SYNTHESIZER.name)
        with pytest.raises(BrokerDown, match="no queue for synthesizer"):
            await node.letters.replay(EVERYTHING)
        assert [letter.chunk for letter in await node.letters.find(EVERYTHING)] == list(range(40))


async def test_discarding_takes_what_was_chosen_and_nothing_else(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.dead_letter(*(dead(index) for index in range(60)))
        (chosen,) = [letter for letter in await node.letters.find(EVERYTHING) if letter.chunk == 33]
        await node.letters.discard(Selection(ids=frozenset({chosen.id})))
        assert [letter.chunk for letter in await node.letters.find(EVERYTHING)] == [*range(33), *range(34, 60)]
        await node.letters.discard(EVERYTHING)
        assert await node.letters.find(EVERYTHING) == []
        assert await node.count(SYNTHESIZER.name) == 0


async def test_of_many_letters_every_second_one_is_removed_and_none_comes_back(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.dead_letter(*(dead(index) for index in range(240)))
        found = await node.letters.find(EVERYTHING)
        await node.letters.discard(Selection(ids=frozenset(letter.id for letter in found[::2])))
        assert [letter.chunk for letter in await node.letters.find(EVERYTHING)] == list(range(1, 240, 2))


# ---------------------------------------------------------------- finding by id


async def test_an_id_may_be_shortened_while_it_is_unique(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        twin = aio_pika.Message(b"twin", message_id="same")
        await node.dead_letter(dead(1), twin, twin)
        one, first_twin, second_twin = await node.letters.find(EVERYTHING)
        assert await node.letters.named([one.id[:6]]) == [one]
        assert await node.letters.named([first_twin.id, second_twin.id]) == [first_twin, second_twin]
        with pytest.raises(BadInput, match="2 dead letters"):
            await node.letters.named([first_twin.id[:6]])
        with pytest.raises(NotFound, match="no dead letter 0000"):
            await node.letters.named(["0000"])
        for nonsense in ("", "abc", "xyz1", "../../etc"):
            with pytest.raises(BadInput, match="not the id"):
                await node.letters.named([nonsense])


# ---------------------------------------------------------------- dead letters of all kinds


async def test_a_broker_without_our_queues_has_no_dead_letters(amqp_url: str) -> None:
    async with await aio_pika.connect(amqp_url) as connection:
        assert await DeadLetters(connection, call_seconds=CALL_SECONDS).find(EVERYTHING) == []


STRANGE_BODIES: list[bytes] = [
    b"",
    b"not json",
    b"\xff\xfe\x00binary",
    b"[1, 2, 3]",
    b'{"index": "two", "text": 7, "job_id": ["x"], "source": "y"}',
    b"[" * 100_000,
    "\u202e\x1b[2J\x07 escape sequences".encode(),
    b"x" * 10_000_000,
    b"\xff" * 10_000_000,
]


async def test_letters_from_strangers_are_listed_replayed_and_exported(amqp_url: str) -> None:
    headers: dict[str, Any] = {
        "x-attempts": "no list",
        "x-attempt": "many",
        "x-chunk": "?",
        "x-death": "nonsense",
        "bytes": bytearray(b"\xff\x00"),
        "list": [1, bytearray(b"\x80"), {"$bytes": "not ours"}],
    }
    async with client(amqp_url) as node:
        await node.dead_letter(*(aio_pika.Message(body, headers=headers) for body in STRANGE_BODIES))
        found = await node.letters.find(EVERYTHING)
        assert [letter.size_bytes for letter in found] == [len(body) for body in STRANGE_BODIES]
        assert {letter.reason for letter in found} == {"It carries no reason: some other program put it here."}

        lines: list[str] = []

        async def write(letter: DeadLetter, message: AbstractIncomingMessage) -> Verdict:
            lines.append(export.line(letter, message))
            return Verdict.KEEP

        await node.letters.visit([SYNTHESIZER], write, doing="exporting")
        restored = [export.message(line) for line in lines]
        assert [message.body for message in restored] == STRANGE_BODIES
        assert all(message.headers == headers for message in restored)

        await node.letters.replay(EVERYTHING)
        assert [message.body for message in await node.all_of(SYNTHESIZER.name)] == STRANGE_BODIES


async def test_a_letter_that_is_put_back_from_an_export_is_the_same_letter(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.dead_letter(dead(3))
        lines: list[str] = []

        async def write(letter: DeadLetter, message: AbstractIncomingMessage) -> Verdict:
            lines.append(export.line(letter, message))
            return Verdict.REMOVE

        await node.letters.visit([SYNTHESIZER], write, doing="exporting")
        await node.dead_letter(export.message(lines[0]))
        (back,) = await node.letters.find(EVERYTHING)
        assert back.id == json.loads(lines[0])["id"]


async def test_a_message_that_the_broker_gave_up_says_so_and_can_be_replayed(amqp_url: str) -> None:
    async with client(amqp_url) as node:
        await node.put(envelope.outgoing(chunk(5), job_id="job-1"), "podcast", "chunk.requested")
        async with asyncio.timeout(30):
            while await node.count(SYNTHESIZER.dead) == 0:
                # As when a process that holds it is killed: the connection ends without an answer.
                async with await aio_pika.connect(amqp_url) as doomed, doomed.channel() as channel:
                    source = await channel.get_queue(SYNTHESIZER.name, ensure=False)
                    await source.get(fail=False)
        (letter,) = await node.letters.find(Selection(queues=(SYNTHESIZER,)))
        assert "its consumer was lost" in letter.reason
        assert (letter.job_id, letter.chunk, letter.text) == ("job-1", 5, "Text 5.")
        assert letter.type == "chunk.requested"
        assert letter.time is not None

        await node.letters.replay(EVERYTHING)
        (message,) = await node.all_of(SYNTHESIZER.name)
        assert envelope.origin(message) == ("podcast", "chunk.requested")
        assert not [name for name in message.headers if name.startswith(("x-death", "x-first", "x-last"))]
