"""`podcast delete` and `podcast prune` on a running stack, while other jobs are active."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.local import StackPlan, start_detached, stop
from shared.store import keys
from tests.waiting import until

LONG = "\n\n".join(f"This is paragraph {number} of a text that takes its time." for number in range(150))
LONGER = "\n\n".join(f"Sentence {number} will not be heard by anybody." for number in range(3_000))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running `podcast up`, and its folder."""
    folder = tmp_path_factory.mktemp("stack")
    asyncio.run(start_detached(folder, StackPlan(engine="espeak-ng", synthesizers=1)))
    yield folder
    stop(folder)


@pytest.fixture
def store(stack: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the commands at the stack; returns the folder of its store."""
    for name in list(os.environ):
        if name.startswith("PODCAST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PODCAST_STATE_DIR", str(stack))
    return stack / "store"


class Ended(NamedTuple):
    """What a command left."""

    exit_code: int
    stdout: str
    stderr: str


def podcast(*args: str | Path, stdin: str | None = None) -> Ended:
    command = (sys.executable, "-m", "services.cli.app", *map(str, args))
    ended = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def submitted(text: str) -> str:
    result = podcast("submit", "-", "--source-format", "markdown", stdin=text)
    assert result.exit_code == 0, result.stderr
    return result.stdout.strip()


def status(job_id: str) -> dict[str, object]:
    result = podcast("status", "--json", job_id)
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


def make_audio_old(store: Path) -> int:
    """Make all audio look as if it had been spoken last week; returns how many objects there are."""
    week_ago = time.time() - 7 * 86_400
    spoken = [path for path in (store / "audio").rglob("*") if not path.name.startswith(".")]
    for path in spoken:
        os.utime(path, (week_ago, week_ago))
    return len(spoken)


async def test_pruning_beside_a_running_job_takes_what_is_nobodys_and_nothing_else(store: Path) -> None:
    ended = submitted("Some words that are not in the other text.")
    assert podcast("watch", "-q", ended).exit_code == 0
    orphan = store / f"audio/{hashlib.sha256(b'x').hexdigest()}.flac"
    orphan.write_bytes(b"1234")
    running = submitted(LONG)
    await until(lambda: make_audio_old(store) > 5, "some of the running job's audio")
    spoken = {path for path in (store / "audio").iterdir() if path != orphan and not path.name.startswith(".")}

    tried = podcast("prune", "--older-than", "30d", "--dry-run", "--json")
    assert json.loads(tried.stdout) == {
        "dry_run": True,
        "jobs": [],
        "job_objects": 0,
        "job_bytes": 0,
        "audio_objects": 1,
        "audio_bytes": 4,
        "preview_objects": 0,
        "preview_bytes": 0,
    }
    assert orphan.exists()
    done = podcast("prune", "--older-than", "30d")
    assert done.stdout == "removed 0 jobs: 0 objects, 0 bytes\nremoved audio that no job refers to: 1 object, 4 bytes\n"
    assert not orphan.exists()
    assert {path for path in spoken if not path.exists()} == set(), "audio of jobs that are there"
    assert podcast("watch", "-q", running).exit_code == 0
    assert status(running)["lost"] == {}, "nothing had to be spoken twice"

    aged = json.loads((store / keys.status(ended)).read_text())
    (store / keys.status(ended)).write_text(json.dumps({**aged, "updated_at": aged["updated_at"] - 40 * 86_400}))
    make_audio_old(store)
    done = podcast("prune", "--older-than", "4w", "--json")
    # An id that was created a minute ago cannot belong to a job that ended a month ago.
    assert json.loads(done.stdout)["jobs"] == []
    assert podcast("delete", ended).exit_code == 0
    done = podcast("prune", "--older-than", "4w", "--json")
    assert json.loads(done.stdout)["audio_objects"] >= 1
    assert podcast("fetch", running, "-o", str(store.parent / "episode.mp3")).exit_code == 0


async def test_a_job_is_deleted_when_it_has_ended_or_is_cancelled_for_it_and_does_not_come_back(store: Path) -> None:
    job_id = submitted(LONGER)

    await until(lambda: status(job_id)["state"] == "synthesizing", "the job under way")
    refused = podcast("delete", job_id)
    assert refused.exit_code == 2
    assert "has not ended (synthesizing)" in refused.stderr
    assert f"podcast delete --cancel {job_id}" in refused.stderr

    deleted = podcast("delete", "--cancel", job_id)
    assert deleted.exit_code == 0, deleted.stderr
    assert deleted.stdout.startswith(f"deleted job {job_id}: ")
    # What was being spoken arrives now; the next job shows that the coordinator has dealt with it.
    after = submitted("The next job.")
    assert podcast("watch", "-q", after).exit_code == 0
    assert not (store / keys.active(job_id)).exists()
    assert not (store / keys.job(job_id)).exists()
    gone = podcast("delete", job_id)
    assert gone.exit_code == 2
    assert f"There is no job {job_id}" in gone.stderr


async def test_a_job_that_is_deleted_while_its_text_is_being_read_does_not_come_back(store: Path) -> None:
    job_id = submitted(LONGER)
    deleted = podcast("delete", "--cancel", job_id)
    assert deleted.exit_code == 0, deleted.stderr

    def settled() -> bool:
        logs = (store.parent / "logs").glob("*")
        lines = "\n".join(path.read_text(errors="replace") for path in logs if path.is_file()).splitlines()
        return any(job_id in line and "settled" in line and "job.submitted" in line for line in lines)

    await until(settled, "the chunker has dealt with the job")
    after = submitted("The next job, which the coordinator takes after all that was sent before.")
    assert podcast("watch", "-q", after).exit_code == 0
    assert not (store / keys.active(job_id)).exists()
    assert not (store / keys.status(job_id)).exists()
    assert podcast("dlq", "list").stdout.count("coordinator") == 0


@pytest.mark.parametrize("age", ["30", "d", "-1d", "30y", "nan"])
def test_an_age_that_is_none_is_a_usage_error(age: str) -> None:
    result = podcast("prune", "--older-than", age)
    assert result.exit_code == 2
