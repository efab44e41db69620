"""One set of services per module, on the session's servers and a speech server that speaks tones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.minio import MinioServer
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import ToneSpeech


@pytest.fixture(scope="module")
def tone_speech() -> Iterator[ToneSpeech]:
    with ToneSpeech() as server:
        server.wait_ready()
        yield server


@pytest.fixture(scope="module", params=["file", "s3"])
def services(
    request: pytest.FixtureRequest,
    rabbitmq: RabbitServer,
    tone_speech: ToneSpeech,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Services]:
    """Every service, on each store in turn."""
    directory = tmp_path_factory.mktemp("line")
    if request.param == "s3":
        minio: MinioServer = request.getfixturevalue("minio")
        store_url = minio.bucket()
    else:
        store_url = (directory / "store").as_uri()
    amqp_url = rabbitmq.vhost()
    environment = {
        "PODCAST_AMQP_URL": amqp_url,
        "PODCAST_STORE_URL": store_url,
        "PODCAST_SPEECH_URL": tone_speech.url,
        "PODCAST_SPEECH_ENGINE": "tones",
        "PODCAST_NORMALISE_TEXT": "false",  # what is heard is compared with what is written
        "PODCAST_CHUNK_LIMIT_CHARACTERS": "300",
        "PODCAST_ATTEMPTS_LIMIT": "3",
    }
    with Services(environment, directory / "logs") as started:
        started.start(*SERVICES)
        asyncio.run(started.ready())
        yield started
    rabbitmq.drop_vhost(amqp_url)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path
