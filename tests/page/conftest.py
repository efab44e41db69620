"""A running system with a speech server that fails when it is told to, and a real browser in front of it.

`make page-test` runs all of it; `make test` runs test_short.py and test_growing.py, if Debian's chromium is there.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.page.views import Site
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import ToneSpeech

IS_LONG = os.environ.get("PODCAST_PAGE") == "long"
CHROMIUM = shutil.which("chromium")
STACK_KEY = "pe_0123456789ab_" + "5" * 64

collect_ignore_glob = [] if IS_LONG else ["test_walks.py", "test_sizes.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser nothing here can run; `deploy/setup.sh test` installs it."""
    if CHROMIUM is None:
        for item in items:
            if "tests/page" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason="there is no chromium: the page is NOT tested in a browser"))


@pytest.fixture(scope="module")
def speech() -> Iterator[ToneSpeech]:
    with ToneSpeech() as server:
        server.wait_ready()
        yield server


@pytest.fixture(scope="module")
def services(
    rabbitmq: RabbitServer, speech: ToneSpeech, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """Every service with a gateway, on a vhost and a folder of their own."""
    directory = tmp_path_factory.mktemp("page")
    amqp_url = rabbitmq.vhost()
    environment = {
        "PODCAST_AMQP_URL": amqp_url,
        "PODCAST_STORE_URL": (directory / "store").as_uri(),
        "PODCAST_SPEECH_URL": speech.url,
        "PODCAST_SPEECH_ENGINE": "tones",
        "PODCAST_GATEWAY_KEY": STACK_KEY,
        "PODCAST_CHUNK_LIMIT_CHARACTERS": "200",
        "PODCAST_ATTEMPTS_LIMIT": "2",
        "PODCAST_GRACE_SECONDS": "3",
        "PODCAST_FETCH_ALLOW": "127.0.0.0/8",
        "PODCAST_FEED_LOOK_SECONDS": "0.2",
    }
    with Services(environment, directory / "logs") as started:
        started.start(*SERVICES, "gateway", "feeds")
        asyncio.run(started.ready())
        yield started
    rabbitmq.drop_vhost(amqp_url)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        await browser.close()


@pytest.fixture
async def site(services: Services, speech: ToneSpeech, chromium: Browser) -> AsyncIterator[Site]:
    speech.behave()
    yield Site(services, chromium, STACK_KEY)
    speech.behave()
    speech.delay(0)
