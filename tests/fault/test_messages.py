"""Messages that arrive twice, late or in the wrong order, or that nobody should have sent."""

from __future__ import annotations

import json
from typing import Any

import aio_pika

from shared.protocol import envelope, topology
from shared.protocol.messages import (
    PART_CHUNKS,
    ChunkRequested,
    ChunkSynthesized,
    EpisodeAssembled,
    EpisodePartRequested,
    EpisodeRequested,
    JobCancelRequested,
    JobChunked,
    JobRequest,
    Message,
    TextSource,
    new_job_id,
)
from tests.audio_keys import audio_key_of
from tests.fault.cluster import Cluster, job, unheard_text
from tests.fault.message_shuffler import MessageShuffler
from tests.waiting import until

WELL_FORMED: tuple[Message, ...] = (
    JobRequest(job_id="unknown", source=TextSource(text="Hello there.")),
    JobChunked(job_id="unknown", chunks=1, seconds=1.0),
    ChunkRequested(
        job_id="unknown",
        index=0,
        text="Hello there, unknown world.",
        language="en",
        voice="v",
        model="m",
        speed=1.0,
        audio_key=audio_key_of("unknown"),
    ),
    ChunkSynthesized(
        job_id="unknown", index=0, audio_key=audio_key_of("none"), audio_seconds=1.0, reused=False, seconds=1.0
    ),
    EpisodeRequested(job_id="unknown"),
    EpisodePartRequested(job_id="unknown", chunks=64),
    EpisodeAssembled(
        job_id="unknown", files={}, audio_seconds=1.0, loudness_lufs=-19.0, true_peak_dbtp=-1.0, seconds=1.0
    ),
    JobCancelRequested(job_id="unknown"),
)
KINDS = {type(message).ROUTING_KEY: message for message in WELL_FORMED}  # type: ignore[attr-defined] # every message has one


def spoilt(message: Message) -> dict[str, bytes]:
    """What is wrong with the message → its body."""
    good: dict[str, Any] = json.loads(message.model_dump_json())
    return {
        "not-json": b"\x00\x01 this is no JSON",
        "not-text": b"\xff\xfe\xfa",
        "not-an-object": b'["a", "list"]',
        "wrong-type": json.dumps({**good, "job_id": 7}).encode(),
        "extra-field": json.dumps({**good, "surprise": True}).encode(),
        "wrong-version": json.dumps({**good, "version": 2}).encode(),
        "empty": b"",
    }


def queue_of(routing_key: str) -> topology.WorkQueue:
    """The queue that handles a message; a job goes to the chunker."""
    return next(
        queue
        for queue in topology.WORK_QUEUES
        if any(routing_key == message.ROUTING_KEY for message in queue.consumes)  # type: ignore[attr-defined] # every message has one
    )


async def test_every_message_comes_twice_and_in_another_order(cluster: Cluster) -> None:
    requests = [job(unheard_text(8)) for _ in range(3)]

    async with cluster.running():
        async with MessageShuffler(cluster.services.settings, seed=4) as message_shuffler:
            await cluster.services.submit(*requests)
            await cluster.completes(*requests)
            each = 1 + 1 + 8 + 8 + 1 + 1
            await until(lambda: message_shuffler.handed_on >= 3 * each, "every message has come twice")
        await cluster.proves(*requests)
        statuses = [await cluster.services.status(request.job_id) for request in requests]
        assert [status and status.state for status in statuses] == ["completed"] * 3


async def test_the_parts_of_an_episode_are_asked_for_twice_and_in_another_order(cluster: Cluster) -> None:
    request = job(unheard_text(2 * PART_CHUNKS + 2), max_parallel=30)

    async with cluster.running():
        async with MessageShuffler(cluster.services.settings, seed=5) as message_shuffler:
            await cluster.services.submit(request)
            await cluster.completes(request)
            await until(lambda: message_shuffler.kinds["episode.part_requested"] >= 1, "a part was asked for, twice")
        await cluster.proves(request)


async def test_a_part_of_an_episode_that_is_asked_for_after_the_jobs_end_changes_nothing(cluster: Cluster) -> None:
    completed, failed, cancelled = job(unheard_text(3)), job(unheard_text(4)), job(unheard_text(30), max_parallel=1)
    assert isinstance(failed.source, TextSource)
    refused = failed.source.text.split("\n\n")[2]

    async with cluster.running():
        await cluster.services.submit(completed)
        await cluster.completes(completed)
        for voice in cluster.voices:
            voice.misbehave("status", status=400, containing=refused)
        await cluster.services.submit(failed)
        assert (await cluster.services.ended(failed.job_id)).state == "failed"
        await cluster.synthesizes(cancelled, call_seconds=0.3)
        await cluster.services.submit(JobCancelRequested(job_id=cancelled.job_id))
        assert (await cluster.services.ended(cancelled.job_id)).state == "cancelled"
        ended = [request.job_id for request in (completed, failed, cancelled)]
        before = [await cluster.services.status(job_id) for job_id in ended]
        asked = [EpisodePartRequested(job_id=job_id, chunks=2) for job_id in ended]
        await cluster.services.submit(*asked, *asked)
        await cluster.is_quiet()
        assert [await cluster.services.status(job_id) for job_id in ended] == before
        await cluster.completes(completed)


async def test_malformed_messages_to_every_service_are_dead_letters_with_reasons_and_stop_nobody(
    cluster: Cluster,
) -> None:
    request = job(unheard_text(4))

    async with cluster.running():
        expected: dict[str, int] = {}
        async with cluster.services.publisher() as publish:
            for routing_key, message in KINDS.items():
                for body in spoilt(message).values():
                    await publish.raw(aio_pika.Message(body), topology.EXCHANGE, routing_key)
                dead = queue_of(routing_key).dead
                expected[dead] = expected.get(dead, 0) + len(spoilt(message))
            for routing_key in ("chunk.requested", "chunk.synthesized"):
                await publish.raw(aio_pika.Message(b"x" * 10_000_000), topology.EXCHANGE, routing_key)
                expected[queue_of(routing_key).dead] += 1
            await publish.raw(aio_pika.Message(b"{}", type="job.unheard-of"), topology.EXCHANGE, "episode.requested")
            expected[topology.ASSEMBLER.dead] += 1
        await cluster.services.submit(request)
        await cluster.completes(request)
        await cluster.is_quiet()
        assert await cluster.services.dead_letters() == expected
        for letter in await cluster.letters(*expected):
            assert letter.headers[envelope.EXCEPTION_MESSAGE]
            assert letter.headers[envelope.EXCEPTION_TYPE] in {"ValidationError", "SubscriberNotFound"}


async def test_messages_about_a_job_that_nobody_submitted_are_dead_letters(cluster: Cluster) -> None:
    request = job(unheard_text(4))

    async with cluster.running():
        stranger = new_job_id()
        messages = [
            message.model_copy(update={"job_id": stranger})
            for message in WELL_FORMED
            if not isinstance(message, JobRequest | EpisodePartRequested)  # nobody waits for a part
        ]
        await cluster.services.submit(*messages, request)
        await cluster.completes(request)
        await cluster.is_quiet()
        # The chunk is spoken, since a synthesizer knows no jobs; the coordinator does not know what to do with it.
        assert await cluster.services.dead_letters() == {"coordinator.dead": 5, "assembler.dead": 1}
        for letter in await cluster.letters("coordinator.dead", "assembler.dead"):
            assert stranger in str(letter.headers[envelope.EXCEPTION_MESSAGE])
        assert await cluster.services.status(stranger) is None


async def test_a_chunk_of_a_cancelled_job_changes_nothing(cluster: Cluster) -> None:
    cancelled = job(unheard_text(30), max_parallel=1)
    request = job(unheard_text(4))

    async with cluster.running():
        await cluster.synthesizes(cancelled, call_seconds=0.3)
        await cluster.services.submit(JobCancelRequested(job_id=cancelled.job_id))
        assert (await cluster.services.ended(cancelled.job_id)).state == "cancelled"
        stray = KINDS["chunk.requested"].model_copy(update={"job_id": cancelled.job_id})
        await cluster.services.submit(
            stray, request, cancelled, JobChunked(job_id=cancelled.job_id, chunks=30, seconds=1.0)
        )
        await cluster.proves(request)
        status = await cluster.services.status(cancelled.job_id)
        assert status is not None
        assert status.state == "cancelled"


async def test_news_of_a_finished_job_that_comes_again_changes_nothing(cluster: Cluster) -> None:
    request = job(unheard_text(3))

    async with cluster.running():
        await cluster.services.submit(request)
        (before,) = await cluster.completes(request)
        news: tuple[Message, ...] = (
            request,
            JobChunked(job_id=request.job_id, chunks=3, seconds=1.0),
            KINDS["chunk.synthesized"].model_copy(update={"job_id": request.job_id}),
            EpisodeAssembled(
                job_id=request.job_id,
                files=before.files,
                audio_seconds=before.audio_seconds,
                loudness_lufs=before.loudness_lufs or 0.0,
                true_peak_dbtp=before.true_peak_dbtp or 0.0,
                seconds=before.stages["assembling"],
            ),
        )
        await cluster.services.submit(*news)
        await cluster.proves(request)
        after = await cluster.services.status(request.job_id)
        assert after is not None
        assert after.model_copy(update={"updated_at": 0.0}) == before.model_copy(update={"updated_at": 0.0})
