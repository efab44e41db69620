"""Prometheus' and Alertmanager's programs, for tests: taken out of Debian's packages, without installing those.

The packages would make users and system services; the programs need nothing but the C library. They are kept in the
cache folder, as MinIO is.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from deploy.local.program import Program
from shared.settings import load
from tests.servers.process import Process
from tests.servers.services import free_port
from tests.waiting import until

PACKAGES: Final = {"prometheus": "prometheus", "promtool": "prometheus", "amtool": "prometheus-alertmanager"}
"""Program → Debian's package."""
DOWNLOAD_SECONDS: Final = 300.0
START_SECONDS: Final = 60.0


def program(name: str) -> Path:
    """The program, installed or from the package."""
    if installed := shutil.which(name):
        return Path(installed)
    kept = load().cache_dir.expanduser() / "prometheus"
    if not (kept / name).exists():
        _fetch(PACKAGES[name], kept)
    return kept / name


def _fetch(package: str, kept: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept) as folder:
        # As root, apt would give the download to its own user, who may not write here.
        run = ("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package)
        done = subprocess.run(run, cwd=folder, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False)
        found = list(Path(folder).glob("*.deb"))
        assert found, f"Debian's package {package} cannot be downloaded. Run `apt-get update` first. {done.stderr}"
        subprocess.run(("dpkg", "-x", str(found[0]), folder), timeout=DOWNLOAD_SECONDS, check=True)
        for wanted, of_package in PACKAGES.items():
            if of_package == package:
                (Path(folder) / "usr" / "bin" / wanted).replace(kept / wanted)


def run(name: str, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run promtool or amtool; the caller looks at the result."""
    command = (str(program(name)), *map(str, arguments))
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


@dataclass
class Prometheus:
    """A running Prometheus.

    Attributes:
        config: its configuration file.
        directory: its data and its log.
    """

    config: Path
    directory: Path

    def __post_init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it; returns when it answers queries."""
        self.directory.mkdir(parents=True, exist_ok=True)
        arguments = (
            f"--config.file={self.config}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        )
        started = Program("prometheus", (str(program("prometheus")), *arguments), {"HOME": str(self.directory)})
        self._process = Process(started, self.directory / "prometheus.log")
        await until(self._is_ready, "Prometheus is ready", seconds=START_SECONDS)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert (ended := self._process.ended()) is None, ended
        try:
            return httpx.get(f"{self.url}/-/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def get(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer of its API."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def query(self, expr: str) -> list[Any]:
        """The series of an instant query."""
        return list(self.get("query", query=expr)["result"])
