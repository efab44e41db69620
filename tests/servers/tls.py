"""A RabbitMQ and a MinIO that encrypt, with certificates of an authority made for the test."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from pathlib import Path

from deploy.broker.tls import tls_conf
from deploy.local.files import write_private
from deploy.local.ports import LOOPBACK, PortBook, is_free
from deploy.tls.certificates import Certificate
from shared.errors import StoreDown
from shared.settings import Settings
from shared.store.port import open_store
from tests.servers.minio import START_SECONDS, MinioServer
from tests.servers.process import Process
from tests.servers.rabbitmq import RabbitServer, listens
from tests.waiting import wait_until


class TlsRabbitServer(RabbitServer):
    """Listens with and without encryption; the latter for the fixtures."""

    def __init__(self, directory: Path, certificate: Certificate) -> None:
        super().__init__(directory)
        self.amqps_port = PortBook().port("amqps")
        self.install(certificate)

    def install(self, certificate: Certificate) -> None:
        """Put another certificate in place of the one that it has."""
        certificate.write(self.node.directory / "tls", "rabbitmq")

    def start(self) -> None:
        if self.epmd is None or self.epmd.ended() is not None:
            self.start_epmd()  # which writes the settings
        self.node.prepare()
        folder = self.node.directory / "tls"
        conf = self.node.directory / "rabbitmq.conf"
        more = tls_conf(
            folder / "rabbitmq.pem", folder / "rabbitmq.key", port=self.amqps_port, host=LOOPBACK, also_plain=True
        )
        write_private(conf, conf.read_text() + more)
        self.start_prepared()
        # A node listens on one port after the other.
        wait_until(lambda: listens(LOOPBACK, self.amqps_port), "an encrypted listener", seconds=START_SECONDS)

    def amqps(self, url: str, *, host: str = LOOPBACK) -> str:
        """The encrypted address for an `amqp://` address of this node."""
        return url.replace("amqp://", "amqps://").replace(
            f"{LOOPBACK}:{self.node.amqp_port}", f"{host}:{self.amqps_port}"
        )


class TlsMinioServer(MinioServer):
    """Listens with encryption alone."""

    def __init__(self, directory: Path, binary: Path, certificate: Certificate, ca: str) -> None:
        super().__init__(directory, binary)
        self._ca = ca
        self.install(certificate)

    def install(self, certificate: Certificate) -> None:
        """Put another certificate in place of the one that it has."""
        folder = self.node.directory / "certs"
        certificate.write(folder, "public")
        # The names that MinIO looks for.
        (folder / "public.pem").rename(folder / "public.crt")
        (folder / "public.key").rename(folder / "private.key")

    def start(self) -> None:
        plain = self.node.server()
        program = dataclasses.replace(plain, argv=(*plain.argv, "--certs-dir", str(self.node.directory / "certs")))
        self.server = Process(program, self.node.directory / "store.log")
        asyncio.run(self._until_up())

    async def _until_up(self) -> None:
        assert self.server is not None
        store = open_store(Settings(store_url=self.bucket(), ca=self._ca))
        began = time.monotonic()
        while True:
            assert (ended := self.server.ended()) is None, ended
            try:
                if not is_free(self.node.port):
                    return await store.ping()
            except StoreDown:
                assert time.monotonic() - began < START_SECONDS, "MinIO does not answer"
            await asyncio.sleep(0.1)

    def bucket(self) -> str:
        return self.https(super().bucket())

    def https(self, url: str, *, host: str = LOOPBACK) -> str:
        """The encrypted address for an address of this server."""
        return url.replace("?secure=false", "").replace(f"@{LOOPBACK}:", f"@{host}:")
