"""One cluster for the whole suite; each test restores it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.cluster import Cluster, build


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, minio_binary: Path) -> Iterator[Cluster]:
    with contextlib.ExitStack() as stack:
        built = build(tmp_path_factory.mktemp("cluster"), minio_binary, stack.enter_context)
        asyncio.run(built.open())
        yield built
