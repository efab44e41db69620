"""`podcast watch-folder`: each file is one job and one episode, whatever is killed in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.conftest import COMMAND_SECONDS, Podcast, Server, clean_environment
from tests.waiting import wait_until

WATCH = ("watch-folder", "--settle", "0.5")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def jobs(podcast: Podcast) -> set[str]:
    listed = json.loads(podcast("jobs", "--json", "-n", "100").stdout)
    return {job["job_id"] for job in listed if job["job_id"].startswith("folder-")}


def started(server: Server, home: Path, *args: str | Path) -> subprocess.Popen[str]:
    environment = {**clean_environment(home), "PODCAST_STATE_DIR": str(server.directory)}
    return subprocess.Popen(
        [sys.executable, "-m", "services.cli.app", *map(str, args)], env=environment, stderr=subprocess.PIPE, text=True
    )


def test_each_file_becomes_an_episode_or_a_reason(directly: Podcast, over_http: Podcast, inbox: Path) -> None:
    (inbox / "essay.md").write_text("# An essay\n\nIt has two sentences. This is one.\n", encoding="utf-8")
    (inbox / "broken.epub").write_bytes(b"PK\x03\x04 but no book")
    (inbox / "plan.md").write_text("--- podcast plan 1\n---\n#Title\n", encoding="utf-8")
    (inbox / "download.part").write_text("Half of it", encoding="utf-8")
    before = jobs(directly)

    ended = directly(*WATCH, "--once", inbox, "--format", "opus", "--format", "mp3")

    assert ended.exit_code == 1, ended.stderr
    assert sorted(path.name for path in (inbox / "done").iterdir()) == ["essay.md", "essay.mp3", "essay.opus"]
    assert sorted(path.name for path in (inbox / "failed").iterdir()) == [
        "broken.epub",
        "broken.error.txt",
        "plan.error.txt",
        "plan.md",
    ]
    assert "Line 3 of the plan" in (inbox / "failed" / "plan.error.txt").read_text(encoding="utf-8")
    assert [path.name for path in inbox.iterdir() if path.is_file() and path.name[0] != "."] == ["download.part"]
    assert len(jobs(directly) - before) == 2, "the broken book was no job"

    (inbox / "done" / "essay.md").rename(inbox / "again.md")
    assert over_http(*WATCH, "--once", inbox, "--format", "opus", "--format", "mp3").exit_code == 0
    assert (inbox / "done" / "again.opus").read_bytes() == (inbox / "done" / "essay.opus").read_bytes()
    assert len(jobs(directly) - before) == 2, "the same content is the same job"


def test_a_watcher_that_is_killed_is_followed_by_one_that_goes_on(
    server: Server, directly: Podcast, inbox: Path, tmp_path: Path
) -> None:
    text = "\n\n".join(f"Sentence {number} takes its time, since there are many of them." for number in range(300))
    (inbox / "long.txt").write_text(f"{text}\n\n{tmp_path}", encoding="utf-8")
    before = jobs(directly)
    with started(server, tmp_path, *WATCH, inbox) as process:
        wait_until(lambda: jobs(directly) - before, "a job was made of the file", seconds=COMMAND_SECONDS)
        second = directly(*WATCH, inbox)
        assert (second.exit_code, "is watched already" in second.stderr) == (2, True)
        process.kill()
    assert (inbox / "long.txt").exists()

    assert directly(*WATCH, "--once", inbox).exit_code == 0

    assert sorted(path.name for path in (inbox / "done").iterdir()) == ["long.mp3", "long.txt"]
    assert len(jobs(directly) - before) == 1


def test_stopping_the_watcher_stops_no_job(server: Server, directly: Podcast, inbox: Path, tmp_path: Path) -> None:
    (inbox / "one.txt").write_text(f"A short text in {tmp_path}.", encoding="utf-8")
    before = jobs(directly)
    with started(server, tmp_path, *WATCH, inbox) as process:
        wait_until(lambda: jobs(directly) - before, "a job was made of the file", seconds=COMMAND_SECONDS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(COMMAND_SECONDS) == 130
    (job_id,) = jobs(directly) - before
    assert directly("watch", "-q", job_id).exit_code == 0


def test_a_file_that_is_moved_back_is_tried_again(directly: Podcast, inbox: Path, tmp_path: Path) -> None:
    (inbox / "page.md").write_text(f"```\nonly code in {tmp_path}\n```\n", encoding="utf-8")
    assert directly(*WATCH, "--once", inbox).exit_code == 1
    before = jobs(directly)
    os.rename(inbox / "failed" / "page.md", inbox / "page.md")  # noqa: PTH104 - as `mv` does
    assert directly(*WATCH, "--once", inbox).exit_code == 1
    assert "nothing to speak" in (inbox / "failed" / "page.error.txt").read_text(encoding="utf-8")
    assert jobs(directly) == before


def test_a_folder_that_is_not_there_is_named(directly: Podcast, tmp_path: Path) -> None:
    assert "There is no folder" in directly(*WATCH, tmp_path / "none").stderr
    assert "No folder is named." in directly(*WATCH).stderr
