"""One job is one trace, across all services (docs/tracing.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.protocol.messages import JobRequest, TextSource
from shared.tracing.context import of_job
from tests.end_to_end.texts import article
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import ToneSpeech
from tests.servers.traces import SpanRead, of_trace, orphans, spans_in
from tests.waiting import until


@pytest.fixture
def traced(rabbitmq: RabbitServer, tone_speech: ToneSpeech, tmp_path: Path) -> Iterator[Services]:
    amqp_url = rabbitmq.vhost()
    environment = {
        "PODCAST_AMQP_URL": amqp_url,
        "PODCAST_STORE_URL": (tmp_path / "store").as_uri(),
        "PODCAST_SPEECH_URL": tone_speech.url,
        "PODCAST_SPEECH_ENGINE": "tones",
        "PODCAST_CHUNK_LIMIT_CHARACTERS": "300",
        "PODCAST_TRACES_FILE": str(tmp_path / "spans.jsonl"),
        "PODCAST_LOG_JSON": "true",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with Services(environment, tmp_path / "logs") as services:
        services.start(*SERVICES)
        asyncio.run(services.ready())
        yield services
    rabbitmq.drop_vhost(amqp_url)


async def test_a_job_is_one_trace(traced: Services, tmp_path: Path) -> None:
    job = JobRequest(source=TextSource(text=article(1_000), format="markdown"), max_parallel=2)
    await traced.submit(job)
    assert (await traced.ended(job.job_id)).state == "completed"

    spans = await finished(tmp_path / "spans.jsonl", job.job_id)

    assert {span.service for span in spans} == set(SERVICES)
    by_id = {span.span_id: span for span in spans}
    (root,) = [span for span in spans if span.parent_id is None]
    assert root.name == "job"
    parents = {span.name: by_id[span.parent_id].name for span in spans if span.parent_id}
    assert parents == {
        "process podcast:job.submitted:chunker": "job",  # this client sends no context
        "process podcast:job.submitted:coordinator": "job",
        "publish podcast:job.chunked": "process podcast:job.submitted:chunker",
        "process podcast:job.chunked:coordinator": "publish podcast:job.chunked",
        "publish podcast:chunk.requested": "job",
        "process podcast:chunk.requested:synthesizer": "publish podcast:chunk.requested",
        "POST /v1/audio/speech": "process podcast:chunk.requested:synthesizer",
        "publish podcast:chunk.synthesized": "process podcast:chunk.requested:synthesizer",
        "process podcast:chunk.synthesized:coordinator": "publish podcast:chunk.synthesized",
        "publish podcast:episode.requested": "job",
        "process podcast:episode.requested:assembler": "publish podcast:episode.requested",
        "publish podcast:episode.assembled": "process podcast:episode.requested:assembler",
        "process podcast:episode.assembled:coordinator": "publish podcast:episode.assembled",
        "publish podcast:job.completed": "job",
    }
    manifest = await traced.manifest(job.job_id)
    spoken = [
        span.attributes["podcast.chunk.index"] for span in spans if span.name.startswith("process podcast:chunk.r")
    ]
    assert sorted(spoken) == list(range(len(manifest.chunks)))
    lines = [json.loads(line) for line in traced.log("synthesizer").splitlines() if line.startswith("{")]
    assert {line["trace_id"] for line in lines if line["event"] == "settled"} == {root.trace_id}


async def finished(path: Path, job_id: str) -> list[SpanRead]:
    """The spans of a job's trace, when it is complete."""
    root = of_job(job_id, ratio=1.0)

    async def is_complete() -> bool:
        found = of_trace(spans_in(path), root.trace)
        return any(span.name == "job" for span in found) and not orphans(found)

    await until(is_complete, f"the trace of job {job_id} is complete")
    return of_trace(spans_in(path), root.trace)
