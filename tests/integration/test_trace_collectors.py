"""Spans go to a collector by OTLP; one that does not answer loses spans, and never a job or a second of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.protocol.messages import JobRequest, TextSource
from shared.runtime.trace_export import FLUSH_SECONDS
from tests.end_to_end.texts import article
from tests.servers.otlp_collector import Collector, Dead, Silent
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import ToneSpeech
from tests.waiting import until

QUEUED_SPANS = 20
"""Far fewer than a job has, so that the queue overflows."""


@pytest.fixture(scope="module")
def tone_speech() -> Iterator[ToneSpeech]:
    with ToneSpeech() as server:
        yield server.wait_ready()


@pytest.fixture
def environment(rabbitmq: RabbitServer, tone_speech: ToneSpeech, tmp_path: Path) -> Iterator[dict[str, str]]:
    amqp_url = rabbitmq.vhost()
    yield {
        "PODCAST_AMQP_URL": amqp_url,
        "PODCAST_STORE_URL": (tmp_path / "store").as_uri(),
        "PODCAST_SPEECH_URL": tone_speech.url,
        "PODCAST_SPEECH_ENGINE": "tones",
        "PODCAST_NORMALISE_TEXT": "false",  # what is heard is compared with what is written
        "PODCAST_GRACE_SECONDS": "3",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    rabbitmq.drop_vhost(amqp_url)


async def completes(services: Services) -> None:
    services.start(*SERVICES)
    await services.ready()
    job = JobRequest(source=TextSource(text=article(1_500), format="markdown"))
    await services.submit(job)
    assert (await services.ended(job.job_id)).state == "completed"


async def test_a_collector_gets_the_spans_of_all_services(environment: dict[str, str], tmp_path: Path) -> None:
    token = tmp_path / "headers"
    token.write_text("authorization=Bearer%20secret-of-the-collector\n")
    with Collector() as collector:
        environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "PODCAST_TRACES_HEADERS_FILE": str(token)}
        with Services(environment, tmp_path / "logs") as services:
            await completes(services)
            await until(lambda: ("coordinator", "job") in collector.spans, "the job's span came")
            await until(lambda: {service for service, _ in collector.spans} == set(SERVICES), "spans of all came")
            assert collector.headers["authorization"] == "Bearer secret-of-the-collector"
            assert not any("secret-of-the-collector" in services.log(service) for service in SERVICES)


@pytest.mark.parametrize("kind", [Dead, Silent])
async def test_a_collector_that_does_not_answer_costs_nothing_but_spans(
    environment: dict[str, str], tmp_path: Path, kind: type[Dead | Silent]
) -> None:
    with kind() as collector:
        environment |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_MAX_QUEUE_SIZE": str(QUEUED_SPANS),
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": str(QUEUED_SPANS),
        }
        with Services(environment, tmp_path / "logs") as services:
            await completes(services)
            assert "Queue full" in services.log("synthesizer") + services.log("coordinator"), "the fault did not bite"
            for worker in services.workers:
                worker.process.send(signal.SIGTERM)
            limit = services.settings.grace_seconds + FLUSH_SECONDS + 10  # a busy machine
            processes = [worker.process for worker in services.workers]
            await until(lambda: all(one.exit_code is not None for one in processes), "they end", seconds=limit)
            assert [one.exit_code for one in processes] == [0] * len(SERVICES)
            assert "the last spans were not sent in time" in services.log("coordinator")
