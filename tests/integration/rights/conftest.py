"""A vhost and a bucket of a test's own, with a user for each role."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.minio import MinioServer
from tests.servers.rabbitmq import RabbitServer
from tests.servers.rights import BrokerUsers, StoreUsers


@pytest.fixture
def broker_users(rabbitmq: RabbitServer) -> Iterator[BrokerUsers]:
    url = rabbitmq.vhost()
    users = BrokerUsers(rabbitmq, url.rpartition("/")[2])
    users.import_definitions()
    yield users
    rabbitmq.drop_vhost(url)


@pytest.fixture
async def store_users(minio: MinioServer, tmp_path: Path) -> StoreUsers:
    bucket = minio.bucket().rpartition("/")[2].partition("?")[0]
    users = StoreUsers(minio, bucket, tmp_path / "secrets")
    await users.provision()
    return users
