"""One event loop for the package: worker processes, which take a second to start, belong to a loop."""

from collections.abc import AsyncIterator

import pytest


@pytest.fixture(scope="package")
async def one_loop(anyio_backend: str) -> AsyncIterator[None]:
    """As long as this fixture is active, anyio's plugin keeps its loop."""
    del anyio_backend
    yield  # noqa: PT022 - a fixture that returns would not keep the loop
