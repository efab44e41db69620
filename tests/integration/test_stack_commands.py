"""`podcast up`, `ps`, `down`, `doctor` as people run them, with the real services."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local import read_state, stop

COMMAND = (sys.executable, "-m", "services.cli.app")
LIMIT_SECONDS = 150.0
NO_SPEECH = ("--speech-url", "http://127.0.0.1:9")
"""Nothing is spoken in these tests, and the stack's own speech server takes long to load its voice."""


def podcast(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((*COMMAND, *arguments), capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A stack's folder; a stack that a failed test has left there is taken down."""
    directory = tmp_path / "stack"
    yield directory
    stop(directory)


def test_up_returns_when_the_stack_is_ready_and_down_ends_it(folder: Path) -> None:
    started = podcast("up", "--detach", *NO_SPEECH, "--synthesizers", "2", "--dir", str(folder))
    assert started.returncode == 0, started.stderr
    state = read_state(folder)
    assert state is not None
    assert state.state == "ready"
    assert state.amqp_url in started.stderr

    listed = json.loads(podcast("ps", "--json", "--dir", str(folder)).stdout)
    assert sorted(row["service"] for row in listed) == [
        *("assembler", "broker", "chunker", "coordinator", "feeds", "gateway", "store"),
        *("synthesizer", "synthesizer", "webhooks"),
    ]
    for row in listed:
        assert row.keys() == {"service", "pid", "port", "state", "restarts", "health", "uptime_seconds"}
        assert row["health"] == "ready"
        if row["service"] == "store":
            assert (row["pid"], row["port"], row["state"]) == (None, None, None), "a folder is no process"
        else:
            assert psutil.pid_exists(row["pid"])
            assert (row["state"], row["restarts"]) == ("running", 0)
            assert row["uptime_seconds"] > 0

    again = podcast("up", "--detach", *NO_SPEECH, "--dir", str(folder))
    assert again.returncode == 2
    assert "is running in" in again.stderr
    assert len(again.stderr.strip().splitlines()) == 1

    downed = podcast("down", "--dir", str(folder))
    assert downed.returncode == 0
    assert read_state(folder) is None
    assert not any(psutil.pid_exists(row["pid"]) for row in listed if row["pid"])


def test_up_in_the_foreground_shows_its_log_until_ctrl_c(folder: Path) -> None:
    running = subprocess.Popen(
        (*COMMAND, "up", *NO_SPEECH, "--dir", str(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + LIMIT_SECONDS
        assert running.stdout is not None
        shown: list[str] = []
        for line in running.stdout:
            shown.append(line)
            if "Ctrl-C stops it" in line:
                break
            assert time.monotonic() < deadline
        assert any(line.startswith("coordinator   | ") for line in shown)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: the whole foreground group gets it
        rest, _ = running.communicate(timeout=LIMIT_SECONDS)
        assert running.returncode == 0, rest
        assert "Traceback" not in rest
        assert read_state(folder) is None
    finally:
        running.kill()


def test_doctor_finds_everything_on_a_machine_that_runs_the_tests(folder: Path) -> None:
    examined = podcast("doctor", "--json", "--dir", str(folder))
    findings = {finding["name"]: finding for finding in json.loads(examined.stdout)}
    assert examined.returncode == 0, findings
    assert findings["rabbitmq-server"]["ok"]
    assert findings["minimodem"] == {**findings["minimodem"], "required": False, "hint": ""}


def test_doctor_says_how_to_install_what_is_missing(folder: Path, tmp_path: Path) -> None:
    """With an empty folder as PATH, ffmpeg is not found."""
    examined = subprocess.run(
        (*COMMAND, "doctor", "--dir", str(folder)),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
        env={**os.environ, "PATH": str(tmp_path)},
    )
    assert examined.returncode == 1
    (line,) = [line for line in examined.stdout.splitlines() if "ffmpeg " in line]
    assert line.startswith("MISSING")
    assert "Install the package ffmpeg" in line
