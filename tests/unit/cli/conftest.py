"""A command line with an empty folder as store, no broker, and nothing from this machine's environment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli.app import cli
from shared.protocol.messages import ChunkCounts, JobState, JobStatus
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store, open_store

Podcast = Callable[..., Result]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("PODCAST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PODCAST_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def podcast() -> Podcast:
    """Run the command in this process."""

    def run(*args: str | Path, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, [str(arg) for arg in args], input=stdin, prog_name="podcast")

    return run


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    """A store, to which the environment points."""
    url = (tmp_path / "store").as_uri()
    monkeypatch.setenv("PODCAST_STORE_URL", url)
    return open_store(Settings(store_url=url))


def a_status(job_id: str, state: JobState = "completed", **fields: object) -> JobStatus:
    return JobStatus.model_validate(
        {
            "job_id": job_id,
            "state": state,
            "submitted_at": 1.0,
            "updated_at": 2.0,
            "chunks": ChunkCounts(total=3, done=3),
        }
        | fields
    )


def put_status(store: Store, status: JobStatus) -> None:
    asyncio.run(store.put(keys.status(status.job_id), status.model_dump_json().encode()))
