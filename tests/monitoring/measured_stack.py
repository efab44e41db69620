"""The whole system as it runs in the stack, measured by a real Prometheus: services, broker, store, speech server."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from deploy.local.program import Program
from tests.integration.gateway.gateway_settings import environment, with_key
from tests.monitoring.test_alerts import RULES
from tests.servers.minio import MinioServer
from tests.servers.process import Process
from tests.servers.prometheus import Prometheus
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, START_SECONDS, Services, free_port
from tests.waiting import until

CONFIG = RULES.parents[1] / "prometheus.yml"
SCRAPED_EVERY = "1s"


class MeasuredRabbit(RabbitServer):
    """A node with its plugin for Prometheus, as our image has it."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.metrics_port = free_port()
        prepare = self.node.prepare

        def with_plugin() -> None:
            prepare()
            (self.node.directory / "enabled_plugins").write_text("[rabbitmq_prometheus].\n")
            with (self.node.directory / "rabbitmq.conf").open("a") as conf:
                conf.write(f"\nprometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {self.metrics_port}\n")

        object.__setattr__(self.node, "prepare", with_plugin)  # the node is frozen


class MeasuredMinio(MinioServer):
    """A MinIO that shows its metrics without a password, as in docker-stack.yml."""

    def __init__(self, directory: Path, binary: Path) -> None:
        super().__init__(directory, binary)
        server = self.node.server

        def measured() -> Program:
            program = server()
            return dataclasses.replace(program, env={**program.env, "MINIO_PROMETHEUS_AUTH_TYPE": "public"})

        object.__setattr__(self.node, "server", measured)


@dataclass
class MeasuredStack:
    """The running system.

    Attributes:
        services: the services, the gateway among them.
        prometheus: scrapes all of it.
        speech_log: what the speech server has written.
        client: of the gateway.
    """

    services: Services
    prometheus: Prometheus
    speech_log: Path

    @property
    def gateway(self) -> str:
        return self.services.of("gateway")[0].health_url

    def client(self) -> httpx.AsyncClient:
        return with_key(self.gateway)

    def log_files(self) -> list[Path]:
        return [*self.services.directory.glob("*.log"), self.speech_log]


@contextmanager
def measured_stack(directory: Path, minio_binary: Path) -> Iterator[MeasuredStack]:
    """Start everything; returns when Prometheus has found all targets."""
    with ExitStack() as stack:
        rabbit = MeasuredRabbit(directory / "rabbitmq")
        stack.callback(rabbit.stop)
        rabbit.start()
        minio = MeasuredMinio(directory / "minio", minio_binary)
        stack.callback(minio.stop)
        minio.start()
        speech_port, speech_log = free_port(), directory / "speech.log"
        settings = {
            **environment(rabbit.url, minio.bucket()),
            "PODCAST_SPEECH_URL": f"http://127.0.0.1:{speech_port}",
            "PODCAST_SPEECH_ENGINE": "espeak",
            "PODCAST_CHUNK_LIMIT_CHARACTERS": "200",
            "PODCAST_RECONCILE_SECONDS": "1",
            "PODCAST_LOG_JSON": "true",
            "PODCAST_TRACES_FILE": str(directory / "spans.jsonl"),
        }
        speech = Process(_speech(speech_port), speech_log)
        stack.callback(speech.stop)
        services = stack.enter_context(Services(settings, directory / "logs"))
        services.start(*SERVICES, "webhooks", "feeds", "gateway")
        asyncio.run(services.ready())
        targets = {worker.service: worker.health_url for worker in services.workers}
        targets |= {"speech": f"127.0.0.1:{speech_port}", "rabbitmq": f"127.0.0.1:{rabbit.metrics_port}"}
        targets |= {"minio": f"127.0.0.1:{minio.node.port}"}
        prometheus = Prometheus(_config(directory, targets), directory / "prometheus")
        stack.callback(prometheus.stop)
        asyncio.run(prometheus.start())
        up = f"count(up == 1) == {len(targets)}"
        asyncio.run(until(lambda: prometheus.query(up), "every target was scraped", seconds=START_SECONDS))
        yield MeasuredStack(services, prometheus, speech_log)


def _speech(port: int) -> Program:
    settings = {
        "PODCAST_SPEECH_PORT": str(port),
        "PODCAST_SPEECH_DEFAULT_ENGINE": "espeak-ng",
        "PODCAST_SPEECH_WORKERS": "1",
        "PODCAST_LOG_JSON": "true",
    }
    return Program("speech", (sys.executable, "-m", "services.speech.app"), {**os.environ, **settings})


def _config(directory: Path, targets: dict[str, str]) -> Path:
    """Our configuration; only the look-up of addresses, the paths and the intervals are others."""
    config = yaml.safe_load(CONFIG.read_text())
    config["global"] = {"scrape_interval": SCRAPED_EVERY, "scrape_timeout": SCRAPED_EVERY, "evaluation_interval": "1s"}
    config["rule_files"] = [str(RULES)]
    del config["alerting"]
    for job in config["scrape_configs"]:
        job["static_configs"] = [
            {"targets": [targets[name].removeprefix("http://")], "labels": {"__meta_dns_name": f"tasks.{name}"}}
            for found in job.pop("dns_sd_configs", ())
            for name in (full.removeprefix("tasks.") for full in found["names"])
            if name in targets
        ]
    config["scrape_configs"] = [
        job for job in config["scrape_configs"] if job["job_name"] not in {"node", "prometheus"}
    ]
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return path


async def ended(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """Wait until a job has ended; the job."""
    found: dict[str, Any] = {}

    async def has_ended() -> bool:
        nonlocal found
        found = (await client.get(f"/v1/jobs/{job_id}")).json()
        return found.get("state") in {"completed", "failed", "cancelled"}

    await until(has_ended, f"job {job_id} has ended", seconds=120)
    return found
