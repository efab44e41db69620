"""A real Prometheus measures the real system while one job is made and another fails; and what all of it logs."""

from __future__ import annotations

import asyncio
import json
import math
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs.logs import ALWAYS, CONTEXT, KEYS
from docs.metrics import catalogue
from tests.monitoring.measured_stack import MeasuredStack, ended, measured_stack
from tests.monitoring.names import OF_OTHERS, asked_for
from tests.monitoring.test_names import queries
from tests.servers import prometheus
from tests.servers.services import SERVICES
from tests.waiting import until

TEXT = "\n\n".join(f"This is paragraph {number}. It is read aloud, and then comes the next one." for number in range(8))
NOT_HERE = {
    "node_filesystem_avail_bytes",  # there is no node exporter
    "podcast_certificate_expiry_timestamp_seconds",  # no server has one
    "podcast_deadlines_expired_total",  # none has passed
}
"""Metrics that this system does not have while all is well."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, minio_binary: Path) -> Iterator[MeasuredStack]:
    """The system, after a job that was completed and one that failed."""
    with measured_stack(tmp_path_factory.mktemp("measured"), minio_binary) as running:
        asyncio.run(_make_two_jobs(running))
        yield running


async def _make_two_jobs(running: MeasuredStack) -> None:
    async with running.client() as client:
        good = await client.post("/v1/jobs", json={"text": TEXT, "job_id": "a-good-job"})
        bad = await client.post(
            "/v1/jobs", json={"text": TEXT, "job_id": "a-bad-job", "voice": "nobody-has-this-voice"}
        )
        assert [good.status_code, bad.status_code] == [202, 202], good.text + bad.text
        assert (await ended(client, "a-good-job"))["state"] == "completed"
        assert (await ended(client, "a-bad-job"))["state"] == "failed"
    measured = running.prometheus
    seen = (
        'sum(podcast_jobs_ended_total{state="failed"}) == 1 and sum(podcast_jobs_ended_total{state="completed"}) == 1'
    )
    await until(lambda: measured.query(seen), "Prometheus has seen both ends")
    await until(
        lambda: measured.query("sum(podcast_jobs_active) == 0"), "the coordinator has shown that none is active"
    )
    # A rate needs two scrapes of whatever has appeared since.
    await until(lambda: value(measured, 'min(count_over_time(up{job="podcast"}[1m]))') >= 5, "a few scrapes")
    await until(lambda: measured.query('podcast:queue_messages:max{part="dead"} > 0'), "the rules were evaluated")


def value(measured: prometheus.Prometheus, expr: str) -> float:
    found = measured.query(expr)
    return float(found[0]["value"][1]) if found else math.nan


def test_every_target_is_up(stack: MeasuredStack) -> None:
    up = {(one["metric"]["job"], one["metric"].get("service")): one["value"][1] for one in stack.prometheus.query("up")}
    wanted = {("podcast", service) for service in (*SERVICES, "webhooks", "feeds", "gateway", "speech")}
    assert up == dict.fromkeys(wanted | {("rabbitmq", "rabbitmq"), ("minio", "minio")}, "1")


@pytest.mark.parametrize(("where", "expr"), [query for query in queries() if ": " in query[0]])
def test_every_query_of_the_dashboards_returns_values(stack: MeasuredStack, where: str, expr: str) -> None:
    if asked_for(expr) & NOT_HERE:
        pytest.skip("nothing here has that metric")
    assert stack.prometheus.query(expr), where


def test_every_metric_that_was_scraped_is_documented(stack: MeasuredStack) -> None:
    names = {name for name in stack.prometheus.get("label/__name__/values") if name.startswith("podcast_")}
    bare = {name.removesuffix("_created") for name in names}
    known = frozenset().union(*(metric.series for metric in catalogue().values()))
    assert {name for name in bare if name not in known and f"{name}_total" not in known} - {
        name.removesuffix("_bucket") for name in known
    } == set()


def test_metrics_of_other_programs_exist(stack: MeasuredStack) -> None:
    names = set(stack.prometheus.get("label/__name__/values"))
    assert OF_OTHERS - names == {"node_filesystem_avail_bytes", "node_filesystem_size_bytes"}


def test_what_is_measured_is_what_happened(stack: MeasuredStack) -> None:
    measured = stack.prometheus
    chunks = value(measured, "sum(podcast_job_chunks_sum) / sum(podcast_job_chunks_count)")
    assert chunks >= 8
    assert value(measured, 'sum(podcast_chunks_synthesized_total{source="spoken"})') == chunks
    assert value(measured, 'sum(podcast_episodes_total{source="made"})') == 1
    assert value(measured, "sum(podcast_jobs_active)") == 0
    assert value(measured, "min(podcast_ready)") == 1
    assert value(measured, 'sum(podcast_messages_total{queue="synthesizer", outcome="dead"})') >= 1
    assert value(measured, 'max(podcast_queue_messages{queue="synthesizer", part="dead"})') >= 1
    assert value(measured, 'sum(podcast_message_failures_total{error="SpeechRejected", outcome="dead"})') >= 1
    assert value(measured, "min(podcast_queue_consumers)") == 1
    assert value(measured, 'sum(podcast_gateway_requests_total{method="POST", route="/v1/jobs", status="202"})') == 2
    spoken, made = "podcast_speech_audio_seconds_total", "podcast_speech_engine_audio_seconds_total"
    assert value(measured, f"sum({made}) / sum({spoken})") == pytest.approx(1, abs=0.5), "silence is trimmed"
    assert 0 < value(measured, "podcast:speech_real_time_factor:rate5m") < 50
    assert value(measured, 'sum(podcast_speech_breaker_state{state="closed"})') == 1
    assert value(measured, 'sum(podcast_store_call_seconds_count{operation="write", outcome="ok"})') > chunks


def test_no_label_has_a_value_of_a_job(stack: MeasuredStack) -> None:
    for worker in stack.services.workers:
        for series in stack.prometheus.get("series", **{"match[]": f'{{instance="{worker.health_url[7:]}"}}'}):
            assert "a-good-job" not in str(series)
            assert "a-bad-job" not in str(series)


async def test_the_dead_letters_raise_an_alert(stack: MeasuredStack) -> None:
    def raised() -> list[Any]:
        return [
            alert
            for alert in stack.prometheus.get("alerts")["alerts"]
            if alert["labels"]["alertname"] == "PodcastDeadLetters" and alert["labels"]["queue"] == "synthesizer"
        ]

    await until(raised, "the alert is there")
    (alert,) = raised()
    assert "dead letters of synthesizer" in alert["annotations"]["summary"]
    rules = [rule for group in stack.prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []


# ---------------------------------------------------------------- logs


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_line_is_one_object_with_known_keys(stack: MeasuredStack) -> None:
    known = ALWAYS.keys() | CONTEXT.keys() | KEYS.keys()
    seen = 0
    for path in stack.log_files():
        for record in records(path):
            seen += 1
            assert ALWAYS.keys() <= record.keys(), record
            assert record["service"] == path.stem
            assert record.keys() <= known, record
    assert seen > 50


def test_a_job_can_be_followed_through_all_services(stack: MeasuredStack) -> None:
    of_job = {
        path.stem: [record for record in records(path) if record.get("job") == "a-good-job"]
        for path in stack.log_files()
    }
    for service in SERVICES:
        assert [record for record in of_job[service] if record["event"] == "settled"], service
    chunks = {record["chunk"] for record in of_job["synthesizer"]}
    assert chunks == set(range(len(chunks)))
    assert len(chunks) >= 8
    traces = {record["trace_id"] for service in SERVICES for record in of_job[service] if record["event"] == "settled"}
    assert len(traces) == 1


async def test_stacks_are_one_record_too(stack: MeasuredStack) -> None:
    (worker,) = stack.services.of("assembler")
    stack.services.strike(worker, signal.SIGUSR1)

    def dumped() -> list[dict[str, Any]]:
        return [record for record in records(worker.process.log) if record["event"] == "stacks"]

    await until(dumped, "the stacks are in the log")
    assert "most recent call first" in dumped()[0]["threads"]
    assert "task " in dumped()[0]["tasks"]
