"""A site with feeds, and a poller. One event loop for the package: worker processes belong to a loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.servers.feed_server import FeedServer
from tests.unit.feeds.polled import Polled, settings_of


@pytest.fixture(scope="package")
async def one_loop(anyio_backend: str) -> AsyncIterator[None]:
    """As long as this fixture is active, anyio's plugin keeps its loop."""
    del anyio_backend
    yield  # noqa: PT022 - a fixture that returns would not keep the loop


@pytest.fixture
def site() -> Iterator[FeedServer]:
    """A site without feeds."""
    with FeedServer().listening() as server:
        yield server


@pytest.fixture
def polled(file_store_url: str) -> Polled:
    return Polled(settings_of(file_store_url))
