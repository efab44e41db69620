"""One job is one trace, across all services, restarts, retries and replays (docs/tracing.md)."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from docs import trace_picture
from docs.trace_spans import ExportedSpan, of_trace, orphans, spans_in
from shared.protocol.messages import JobRequest, TextSource
from shared.tracing.context import of_job
from tests.end_to_end.texts import article, book
from tests.integration.gateway.gateway_settings import STACK_KEY, with_key
from tests.servers.minio import MinioServer
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import SpeechProcess, ToneSpeech
from tests.servers.webhook_receiver import WebhookReceiver, accepting
from tests.waiting import until

COMMAND_SECONDS = 60.0
CLIENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def environment(rabbitmq: RabbitServer, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Services that append their spans to one file."""
    amqp_url = rabbitmq.vhost()
    yield {
        "PODCAST_AMQP_URL": amqp_url,
        "PODCAST_STORE_URL": (tmp_path / "store").as_uri(),
        "PODCAST_SPEECH_ENGINE": "tones",
        "PODCAST_NORMALISE_TEXT": "false",  # what is heard is compared with what is written
        "PODCAST_CHUNK_LIMIT_CHARACTERS": "300",
        "PODCAST_ATTEMPTS_LIMIT": "2",
        "PODCAST_TRACES_FILE": str(tmp_path / "spans.jsonl"),
        "PODCAST_LOG_JSON": "true",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    rabbitmq.drop_vhost(amqp_url)


@pytest.fixture
def traced(environment: dict[str, str], tone_speech: ToneSpeech, tmp_path: Path) -> Iterator[Services]:
    with Services(environment | {"PODCAST_SPEECH_URL": tone_speech.url}, tmp_path / "logs") as services:
        services.start(*SERVICES)
        asyncio.run(services.ready())
        yield services


async def test_a_job_is_one_trace(traced: Services) -> None:
    job = JobRequest(source=TextSource(text=article(1_000), format="markdown"), max_parallel=2)
    await traced.submit(job)
    assert (await traced.ended(job.job_id)).state == "completed"

    spans = await trace_of(traced, job.job_id)

    assert {span.service for span in spans} == set(SERVICES)
    root = root_of(spans)
    assert root.name == "job"
    assert root.start <= min(span.start for span in spans)
    assert parents(spans, kinds={"producer", "consumer"}) == {
        "process podcast:job.submitted:chunker": "job",  # this client sends no context
        "process podcast:job.submitted:coordinator": "job",
        "publish podcast:job.chunked": "process podcast:job.submitted:chunker",
        "process podcast:job.chunked:coordinator": "publish podcast:job.chunked",
        "publish podcast:chunk.requested": "job",
        "process podcast:chunk.requested:synthesizer": "publish podcast:chunk.requested",
        "publish podcast:chunk.synthesized": "process podcast:chunk.requested:synthesizer",
        "process podcast:chunk.synthesized:coordinator": "publish podcast:chunk.synthesized",
        "publish podcast:episode.requested": "job",
        "process podcast:episode.requested:assembler": "publish podcast:episode.requested",
        "publish podcast:episode.assembled": "process podcast:episode.requested:assembler",
        "process podcast:episode.assembled:coordinator": "publish podcast:episode.assembled",
        "publish podcast:job.completed": "job",
    }
    manifest = await traced.manifest(job.job_id)
    spoken = [span.attributes["podcast.chunk.index"] for span in spans if is_a_try(span)]
    assert sorted(spoken) == list(range(len(manifest.chunks)))
    lines = [json.loads(line) for line in traced.log("synthesizer").splitlines() if line.startswith("{")]
    assert {line["trace_id"] for line in lines if line["event"] == "settled"} == {root.trace_id}


async def test_one_trace_shows_a_job_from_its_request_to_its_webhook(
    environment: dict[str, str], minio: MinioServer, tmp_path: Path
) -> None:
    environment |= {
        "PODCAST_STORE_URL": minio.bucket(),
        "PODCAST_SPEECH_ENGINE": "espeak-ng",
        "PODCAST_GATEWAY_KEY": STACK_KEY,
        "PODCAST_WEBHOOK_ALLOW": "127.0.0.0/8",
    }
    speech = SpeechProcess(
        "services.speech.app",
        environment=environment | {"PODCAST_SPEECH_PORT": "0", "PODCAST_SPEECH_DEFAULT_ENGINE": "espeak-ng"},
    )
    receiver = WebhookReceiver(accepting)
    with speech:
        environment["PODCAST_SPEECH_URL"] = speech.url
        with Services(environment, tmp_path / "logs") as services:
            (gateway, *_) = services.start("gateway", *SERVICES, "webhooks")
            await services.ready()
            async with with_key(gateway.health_url) as client, receiver.listening():
                answer = await client.post(
                    "/v1/jobs",
                    json={"text": article(800), "source_format": "markdown", "webhook_url": receiver.url},
                    headers={"traceparent": CLIENT},
                )
                job_id = answer.json()["job_id"]
                assert (await services.ended(job_id)).state == "completed"
                spans = await trace_of(services, job_id, shows=has_told)

    assert {span.service for span in spans} == {"gateway", *SERVICES, "webhooks", "speech"}
    found = parents(spans)
    assert found["submit"] == "job"
    assert found["publish podcast:job.submitted"] == "submit"
    assert found["process podcast:job.submitted:chunker"] == "publish podcast:job.submitted"
    assert found["process podcast:job.completed:webhooks"] == "publish podcast:job.completed"
    assert found["publish podcast:webhook.requested"] == "process podcast:job.completed:webhooks"
    assert found["POST"] == "process podcast:webhook.requested:webhooks"
    speaking = [span for span in spans if span.service == "speech"]
    by_id = {span.span_id: span for span in spans}
    assert {by_id[span.parent_id or ""].kind for span in speaking} == {"client"}
    assert {by_id[span.parent_id or ""].service for span in speaking} == {"synthesizer"}
    assert root_of(spans).trace_id in receiver.received[0].headers["traceparent"]

    assert all(f">{service}</text>" in trace_picture.svg(spans) for service in (*SERVICES, "speech", "webhooks"))

    # The request itself is in its client's trace; the two link to each other, and the answer names it.
    everything = spans_in(tmp_path / "spans.jsonl")
    (request,) = [span for span in everything if span.kind == "server" and span.service == "gateway"]
    (submit,) = [span for span in spans if span.name == "submit"]
    assert request.name == "POST /v1/jobs"
    assert (request.trace_id, request.parent_id) == tuple(CLIENT.split("-")[1:3])
    assert answer.headers["traceresponse"] == f"00-{request.trace_id}-{request.span_id}-01"
    assert submit.links == ((request.trace_id, request.span_id),)
    assert request.links == ((submit.trace_id, submit.span_id),)


async def test_a_coordinator_that_is_restarted_goes_on_with_the_trace(traced: Services, tmp_path: Path) -> None:
    (tmp_path / "book.md").write_text(book(40, chapters=2))
    job_id = await command(traced, "submit", "--max-parallel", "2", str(tmp_path / "book.md"))
    await until(lambda: len(tries(traced, job_id)) >= 5, "chunks were spoken", seconds=60)
    (coordinator,) = traced.of("coordinator")
    coordinator.process.stop()  # what it has recorded is sent; killed, it would lose the last tenth of a second
    first = coordinator.process.pid
    traced.restart(coordinator)
    assert (await traced.ended(job_id)).state == "completed"

    spans = await trace_of(traced, job_id)

    requests = [span for span in spans if span.name == "publish podcast:chunk.requested"]
    by_process = {span.instance.rpartition("-")[2] for span in requests}
    assert by_process == {str(first), str(coordinator.process.pid)}
    assert {span.parent_id for span in requests} == {root_of(spans).span_id}
    assert {span.service for span in spans if span.name == "submit"} == {"podcast"}
    assert {span.attributes["podcast.chunk.index"] for span in spans if is_a_try(span)} == set(range(40))


async def test_a_trusted_client_has_a_job_traced_also_after_a_restart(
    environment: dict[str, str], tone_speech: ToneSpeech, tmp_path: Path
) -> None:
    environment |= {
        "PODCAST_SPEECH_URL": tone_speech.url,
        "PODCAST_GATEWAY_KEY": STACK_KEY,
        "PODCAST_TRACES_TRUST_CLIENTS": "true",
        "OTEL_TRACES_SAMPLER": "parentbased_always_off",
    }
    with Services(environment, tmp_path / "logs") as services:
        (gateway, *_) = services.start("gateway", *SERVICES)
        await services.ready()
        document = {"text": book(30, chapters=2), "source_format": "markdown", "max_parallel": 2}
        async with with_key(gateway.health_url) as client:
            unmarked = (await client.post("/v1/jobs", json=document)).json()["job_id"]
            marked = (await client.post("/v1/jobs", json=document, headers={"traceparent": CLIENT})).json()["job_id"]
        await until(lambda: len(tries(services, marked)) >= 3, "chunks were spoken", seconds=60)
        (coordinator,) = services.of("coordinator")
        coordinator.process.stop()
        services.restart(coordinator)
        for job_id in (unmarked, marked):
            assert (await services.ended(job_id)).state == "completed"
        spans = await trace_of(services, marked)
        assert {span.attributes["podcast.chunk.index"] for span in spans if is_a_try(span)} == set(range(30))
        assert not of_trace(exported(services), of_job(unmarked, ratio=1.0).trace)


async def test_every_service_is_killed_and_the_job_is_still_one_trace(traced: Services) -> None:
    job = JobRequest(source=TextSource(text=book(30, chapters=2), format="markdown"), max_parallel=2)
    keeping = asyncio.create_task(traced.keep_alive())
    try:
        await traced.submit(job)
        await until(lambda: len(tries(traced, job.job_id)) >= 5, "chunks were spoken", seconds=60)
        for worker in traced.workers:
            traced.kill(worker)
        assert (await traced.ended(job.job_id)).state == "completed"
    finally:
        keeping.cancel()

    await until(lambda: any(span.name == "job" for span in exported(traced)), "the job's span is there")
    assert {span.trace_id for span in exported(traced)} == {of_job(job.job_id, ratio=1.0).trace}


async def test_tries_are_side_by_side_and_a_replay_links_to_the_first(
    traced: Services, tone_speech: ToneSpeech
) -> None:
    refused = "A sentence that nobody can say 77 times."
    tone_speech.misbehave(mode="status", status=500, containing="nobody")
    job = JobRequest(source=TextSource(text=f"A sentence that anybody can say 3 times.\n\n{refused}"))
    await traced.submit(job)
    assert (await traced.ended(job.job_id)).state == "failed"
    tone_speech.behave()
    await command(traced, "dlq", "replay", "--all")
    await traced.reaches(job.job_id, "completed")

    spans = await trace_of(traced, job.job_id, shows=lambda found: any(span.name == "job resumed" for span in found))

    by_id = {span.span_id: span for span in spans}
    attempts = [span for span in spans if is_a_try(span) and span.attributes["podcast.chunk.index"] == 1]
    assert [span.attributes["podcast.outcome"] for span in attempts] == ["retried", "dead", "done"]
    assert [span.status for span in attempts] == ["ERROR", "ERROR", "UNSET"]
    above = [by_id[span.parent_id or ""] for span in attempts]
    assert [span.name for span in above] == [*["publish podcast:chunk.requested"] * 2, "replay synthesizer"]
    assert above[0] is above[1]
    assert above[2].service == "podcast"
    assert above[2].links == ((above[0].trace_id, above[0].span_id),)
    (first,) = [span for span in spans if span.name == "job"]
    (again,) = [span for span in spans if span.name == "job resumed"]
    assert (first.status, again.status) == ("ERROR", "UNSET")
    assert again.parent_id == first.span_id
    episode = next(span for span in spans if span.name == "publish podcast:episode.requested")
    assert episode.parent_id == again.span_id


async def command(services: Services, *words: str) -> str:
    """Run `podcast`, with traces; what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli.app", *words),
        env={**os.environ, **services.environment},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    assert process.returncode == 0, output
    return output.decode().strip()


# ---------------------------------------------------------------- reading


def exported(services: Services) -> list[ExportedSpan]:
    return spans_in(Path(services.environment["PODCAST_TRACES_FILE"]))


async def trace_of(
    services: Services, job_id: str, *, shows: Callable[[list[ExportedSpan]], bool] = lambda _: True
) -> list[ExportedSpan]:
    """The spans of a job's trace, when all of them have been written."""
    root = of_job(job_id, ratio=1.0)

    def found() -> list[ExportedSpan]:
        return of_trace(exported(services), root.trace)

    def is_complete() -> bool:
        spans = found()
        return any(span.name == "job" for span in spans) and not orphans(spans) and shows(spans)

    await until(is_complete, f"the trace of job {job_id} is complete")
    return found()


def has_told(spans: list[ExportedSpan]) -> bool:
    return any(span.attributes.get("http.response.status_code") == 204 for span in spans)


def tries(services: Services, job_id: str) -> list[ExportedSpan]:
    return [span for span in of_trace(exported(services), of_job(job_id, ratio=1.0).trace) if is_a_try(span)]


def is_a_try(span: ExportedSpan) -> bool:
    return span.name.startswith("process podcast:chunk.requested")


def root_of(spans: list[ExportedSpan]) -> ExportedSpan:
    (root,) = [span for span in spans if span.parent_id is None]
    return root


def parents(
    spans: list[ExportedSpan], *, kinds: Collection[str] = ("internal", "client", "producer", "consumer")
) -> dict[str, str]:
    """Name of each span but those of the store → name of its parent, the same for all spans of that name."""
    by_id = {span.span_id: span for span in spans}
    found: dict[str, str] = {}
    for span in spans:
        if span.parent_id and span.kind in kinds and not span.name.startswith("store "):
            above = by_id[span.parent_id].name
            assert found.setdefault(span.name, above) == above, span
    return found
