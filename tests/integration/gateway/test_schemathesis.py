"""The OpenAPI document is true: schemathesis tries what it allows and what it forbids, with all checks.

All services and a speech server are behind the gateway, so jobs complete, previews are made and voices exist.
`schemathesis.toml`, beside this file, says which answers are right although the document alone cannot say so, and why.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.conftest import STACK_KEY, environment, with_key
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import ToneSpeech

ROOT = Path(__file__).parents[3]
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
REQUESTS_PER_MINUTE = "1000000"
"""Schemathesis uses one key, faster than one client may."""


BRIEF = ("--phases", "examples,fuzzing,stateful", "--max-examples", "3", "--seed", "1")
"""Half a minute. The phase that tries each limit of each field has thousands of requests, and is for the long test."""
UNSPEAKABLE = "unspeakable"


async def dead_letter(services: Services) -> None:
    """Let a job fail, so that there is a dead letter to look at."""
    (gateway,) = services.of("gateway")
    async with with_key(gateway.health_url) as client:
        answer = await client.post("/v1/jobs", json={"text": f"This is {UNSPEAKABLE}."})
    assert (await services.ended(answer.raise_for_status().json()["job_id"])).state == "failed"


@pytest.fixture(scope="module")
def stack(rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway, all services, and a speech server."""
    directory = tmp_path_factory.mktemp("schemathesis")
    amqp_url = rabbitmq.vhost()
    with ToneSpeech() as speech:
        settings = {
            **environment(amqp_url, (directory / "store").as_uri()),
            "PODCAST_SPEECH_URL": speech.url,
            "PODCAST_SPEECH_ENGINE": "tones",
            "PODCAST_NORMALISE_TEXT": "false",  # what is heard is compared with what is written
            "PODCAST_GATEWAY_REQUESTS_PER_MINUTE": REQUESTS_PER_MINUTE,
            "PODCAST_GATEWAY_PREVIEW_WAIT_SECONDS": "2",
        }
        with Services(settings, directory / "logs") as services:
            services.start("gateway", *SERVICES)
            asyncio.run(services.ready())
            speech.misbehave("status", status=400, containing=UNSPEAKABLE)
            asyncio.run(dead_letter(services))
            yield services
    rabbitmq.drop_vhost(amqp_url)


def run(services: Services, directory: Path, *options: str) -> str:
    """Run schemathesis against a gateway, and return what it says."""
    (gateway,) = services.of("gateway")
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file",
        str(CONFIGURATION),
        "run",
        f"{gateway.health_url}/openapi.json",
        "--header",
        f"Authorization: Bearer {STACK_KEY}",
        "--checks",
        "all",
        "--request-timeout",
        "60",
        "--generation-database",
        "none",
        "--no-color",
        *options,
    ]
    done = subprocess.run(
        command,
        cwd=directory,  # it leaves a folder there
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.integration.gateway.refusals", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=3_000,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    return done.stdout


def test_what_the_document_promises_is_true(stack: Services, tmp_path: Path) -> None:
    said = run(stack, tmp_path, *BRIEF)
    assert re.search(r"[1-9][0-9]* generated, [1-9][0-9]* passed", said), said


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_what_the_document_promises_is_true_for_long(stack: Services, tmp_path: Path) -> None:
    said = run(stack, tmp_path, "--max-examples", "100")
    assert re.search(r"[1-9][0-9]* generated, [1-9][0-9]* passed", said), said
