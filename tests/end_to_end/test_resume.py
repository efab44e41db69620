"""A failed job is reopened from the command line; its end is announced to other services' queues and to watchers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika

from shared.protocol import topology
from shared.protocol.messages import JobCompleted, JobEvent, JobFailed, JobRequest, ObjectSource, TextSource, new_job_id
from shared.runtime.broker import connected
from shared.store import keys
from tests.end_to_end import texts
from tests.servers.services import Services
from tests.waiting import until

COMMAND_SECONDS = 60.0


async def podcast(services: Services, *words: str) -> tuple[int, str]:
    """Exit code and output of the command, which finds the stack through its environment."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli.app",
        *words,
        env={**os.environ, **services.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    assert process.returncode is not None
    return process.returncode, output.decode()


@contextlib.asynccontextmanager
async def hearing(services: Services, exchange: str, *routing_keys: str) -> AsyncIterator[list[tuple[str, bytes]]]:
    """What arrives in a queue that is bound with these keys: routing key and body."""
    heard: list[tuple[str, bytes]] = []

    async def hear(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        heard.append((message.routing_key or "", message.body))

    async with connected(services.settings) as connection, connection.channel() as channel:
        await topology.declare(connection)
        queue = await channel.declare_queue(exclusive=True)
        for routing_key in routing_keys:
            await queue.bind(exchange, routing_key)
        await queue.consume(hear, no_ack=True)
        yield heard


async def test_a_job_that_failed_goes_on_when_it_is_retried(services: Services, tmp_path: Path) -> None:
    job_id = new_job_id()
    key = keys.source(job_id, "late.md")
    request = JobRequest(job_id=job_id, source=ObjectSource(key=key))
    async with hearing(services, topology.EXCHANGE, "job.completed", "job.failed") as endings:
        await services.submit(request)
        assert (await services.ended(job_id)).state == "failed"
        await services.store.put(key, texts.article(200, seed=77).encode())
        code, said = await podcast(services, "retry", job_id)
        assert (code, said.startswith("goes on: ")) == (0, True), said
        await services.reaches(job_id, "completed")
        await services.leaves_active(job_id)
        mine = [body for _, body in endings if json.loads(body)["job_id"] == job_id]
    written, heard = await services.spoken(request, tmp_path)
    assert heard == written
    assert "late.md is not in the store" in JobFailed.model_validate_json(mine[0]).error
    assert set(JobCompleted.model_validate_json(mine[1]).files) == {"mp3", "vtt", "chapters", "timing"}
    code, said = await podcast(services, "retry", job_id)
    assert (code, "is completed" in said) == (2, True)


async def test_a_plain_binding_matches_a_jobs_events_and_an_event_of_every_job(services: Services) -> None:
    """`*.ID` used to match nothing, since the event's name contained a dot."""
    request = JobRequest(source=TextSource(text=texts.article(100, seed=78), format="markdown"))
    other = JobRequest(source=TextSource(text=texts.article(100, seed=79), format="markdown"))
    exchange = topology.EVENTS_EXCHANGE
    async with (
        hearing(services, exchange, f"*.{request.job_id}") as of_the_job,
        hearing(services, exchange, "completed.*") as of_the_event,
    ):
        await services.submit(request, other)
        await services.ended(request.job_id)
        await services.ended(other.job_id)
        ends = {f"completed.{request.job_id}", f"completed.{other.job_id}"}
        await until(lambda: {key for key, _ in of_the_event} >= ends, "both ends are told", seconds=20)
        await until(lambda: any(key.startswith("completed") for key, _ in of_the_job), "the end is told", seconds=20)
    assert {JobEvent.model_validate_json(body).status.job_id for _, body in of_the_job} == {request.job_id}
    assert of_the_job[0][0] == f"started.{request.job_id}"


async def test_a_job_that_nobody_knows_cannot_be_retried(services: Services) -> None:
    job_id = new_job_id()
    code, said = await podcast(services, "retry", job_id)
    assert (code, said) == (2, f"podcast: There is no job {job_id}. `podcast jobs` lists the jobs there are.\n")
