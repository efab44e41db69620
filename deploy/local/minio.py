"""A private MinIO server: one port on the loopback interface, its own data and credentials, no console."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from deploy.local.files import private_folder
from deploy.local.health import health, silence
from deploy.local.ports import LOOPBACK
from deploy.local.program import Program
from shared.errors import StoreDown

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class MinioNode:
    """A private MinIO: its program, folder, port and credentials.

    Attributes:
        binary: the program, from `minio_build.ensure_minio`.
        directory: its data goes here.
        port: where clients connect.
        user: access key.
        password: secret key, 8 characters or more.
    """

    binary: Path
    directory: Path
    port: int
    user: str
    password: str

    def url(self, bucket: str) -> str:
        """`PODCAST_STORE_URL` for one of its buckets; the services make the bucket if it is missing."""
        return self.url_as(self.user, self.password, bucket)

    def url_as(self, user: str, password: str, bucket: str) -> str:
        """The same for another user."""
        return f"s3://{user}:{password}@{LOOPBACK}:{self.port}/{bucket}?secure=false"

    def server(self) -> Program:
        """The server program; its data folder is made if it is missing."""
        data = self.directory / "data"
        private_folder(self.directory)
        private_folder(data)
        env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.directory),
            "MINIO_ROOT_USER": self.user,
            "MINIO_ROOT_PASSWORD": self.password,
            # A console would listen on every interface.
            "MINIO_BROWSER": "off",
            # Otherwise it looks for newer releases on its maker's site.
            "MINIO_UPDATE": "off",
            "MINIO_CI_CD": "1",  # allows the data to be on the root disk
        }
        address = f"{LOOPBACK}:{self.port}"
        return Program(
            "store", (str(self.binary), "server", str(data), "--address", address, "--quiet"), env, self.directory
        )

    async def wait_ready(self, *, deadline_seconds: float, ended: Callable[[], str | None] = lambda: None) -> None:
        """Wait until it accepts requests.

        Args:
            deadline_seconds: how long at most.
            ended: called at each try; returns the reason why it will not come up, or None.

        Raises:
            StoreDown: it does not come up; the message says why.
        """
        deadline = time.monotonic() + deadline_seconds
        while time.monotonic() < deadline:
            if (reason := ended()) is not None:
                raise StoreDown(f"MinIO did not start: {reason}", hint="Its log is in the stack's folder.")
            status, _ = await health(self.port, "/minio/health/ready")
            if status == HTTPStatus.OK:
                return
            await asyncio.sleep(_POLL_SECONDS)
        raise StoreDown(
            f"MinIO did not start within {deadline_seconds:.0f} s.", hint="Its log is in the stack's folder."
        )

    async def silence(self, seconds: float) -> str:
        """Why it seems dead; "" if it answers."""
        return await silence(self.port, "/minio/health/live", seconds)
