"""One cluster for the whole suite; each test leaves it whole. PODCAST_FAULTS=long runs the long tests too."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.cluster import Cluster, build

IS_LONG = os.environ.get("PODCAST_FAULTS") == "long"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if IS_LONG:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, minio_binary: Path) -> Iterator[Cluster]:
    with contextlib.ExitStack() as stack:
        built = build(tmp_path_factory.mktemp("cluster"), minio_binary, stack.enter_context)
        asyncio.run(built.open())
        yield built
