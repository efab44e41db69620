"""One event loop for the package: worker processes, which take a second to start, belong to a loop."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.unit.chunker.read_documents import RUNNER


@pytest.fixture(scope="session", autouse=True)
def _workers_end() -> Iterator[None]:
    with RUNNER:
        yield


@pytest.fixture(scope="package")
async def one_loop(anyio_backend: str) -> AsyncIterator[None]:
    """As long as this fixture is active, anyio's plugin keeps its loop."""
    del anyio_backend
    yield  # noqa: PT022 - a fixture that returns would not keep the loop
