"""The real servers behind the tests: one RabbitMQ node and one MinIO per session, a vhost and a bucket per test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.minio_build import ensure_minio
from shared.settings import PREFIX, Settings, load
from tests.servers.minio import MinioServer
from tests.servers.ports import keep_stacks_apart
from tests.servers.rabbitmq import RabbitServer

IS_LONG = os.environ.get("PODCAST_FAULTS") == "long"
"""Whether the tests marked `long` run too, as `make faults` runs them."""


SLOWEST_FIRST = (
    "fault",
    "end_to_end",
    "unit/chunker/test_hostile_documents.py",
    "docs",
    "integration",
    "clients",
    "fuzz",
    "unit",
)
"""What takes longest, so that no worker of pytest-xdist is left alone with a long file at the end."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=_turn)
    if IS_LONG:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def _turn(item: pytest.Item) -> int:
    path = item.path.relative_to(Path(__file__).parent)
    return next((turn for turn, name in enumerate(SLOWEST_FIRST) if path.is_relative_to(name)), 0)


def pytest_configure() -> None:
    """Drop the settings of the caller's environment; the stack that they name is not ours to use."""
    keep_stacks_apart()
    for name in Settings.model_fields.keys() - {"cache_dir"}:
        for variable in (f"{PREFIX}{name.upper()}", f"{PREFIX}{name.upper()}_FILE"):
            os.environ.pop(variable, None)
    for variable in [name for name in os.environ if name.startswith("OTEL_")]:
        del os.environ[variable]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """The session's node. A test that stops or pauses a node uses `own_rabbitmq`."""
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def own_rabbitmq(tmp_path: Path) -> Iterator[RabbitServer]:
    """A node for one test only, to stop, kill or pause."""
    server = RabbitServer(tmp_path / "rabbitmq")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def minio_binary() -> Path:
    """MinIO's program; `make test` builds it beforehand, so that people see why they wait."""
    return ensure_minio(load().cache_dir, lambda line: print(line, flush=True))  # noqa: T201 - a wait of minutes


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory, minio_binary: Path) -> Iterator[MinioServer]:
    """The session's MinIO. A test that stops or pauses a MinIO uses `own_minio`."""
    server = MinioServer(tmp_path_factory.mktemp("minio"), minio_binary)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def own_minio(tmp_path: Path, minio_binary: Path) -> Iterator[MinioServer]:
    """A MinIO for one test only."""
    server = MinioServer(tmp_path / "minio", minio_binary)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def amqp_url(rabbitmq: RabbitServer) -> Iterator[str]:
    """A vhost of the session's node that nobody else uses."""
    url = rabbitmq.vhost()
    yield url
    rabbitmq.drop_vhost(url)


@pytest.fixture
def file_store_url(tmp_path: Path) -> str:
    """An empty folder as a store."""
    return (tmp_path / "store").as_uri()


@pytest.fixture
def s3_store_url(minio: MinioServer) -> str:
    """An empty bucket of the session's MinIO as a store."""
    return minio.bucket()


@pytest.fixture(params=["file", "s3"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Each store in turn: the same test runs on both."""
    return str(request.getfixturevalue(f"{request.param}_store_url"))
