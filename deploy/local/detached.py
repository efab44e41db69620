"""Starts a stack that outlives the command that started it, and takes it down."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.local import state
from deploy.local.files import private_folder
from deploy.local.handshake import command, plan_input, wait_ready
from deploy.local.local import STOP_SECONDS
from deploy.local.plan import StackPlan
from deploy.local.state import AlreadyRunning, StackState
from shared.errors import Outage

_KILL_SECONDS = 10.0
_POLL_SECONDS = 0.05


async def start_detached(directory: Path, plan: StackPlan) -> StackState:
    """Bring up a stack that outlives this process; returns when it is ready.

    Raises:
        PodcastError: it does not come up; the message says why.
    """
    directory, process, ready = _spawn(directory, plan)
    try:
        await wait_ready(ready, directory)
    except BaseException:
        process.terminate()
        raise
    found = state.read_state(directory)
    if found is None:
        raise Outage("The stack ended as soon as it was ready.", hint=f"Its log is in {directory / 'logs'}.")
    return found


def _spawn(directory: Path, plan: StackPlan) -> tuple[Path, subprocess.Popen[bytes], int]:
    """Start the supervisor; the last value is the pipe on which it will report that it is ready."""
    directory = directory.expanduser().resolve()
    logs = directory / "logs"
    private_folder(directory)
    private_folder(logs)
    ready, tell_ready = os.pipe()
    try:
        with open(logs / "supervisor.log", "ab", opener=_private) as output, plan_input(plan) as given:
            process = subprocess.Popen(
                command(directory, tell_ready, echo=False),
                stdin=given,
                stdout=output,
                stderr=output,
                cwd=directory,
                pass_fds=(tell_ready,),
                start_new_session=True,
            )
    finally:
        os.close(tell_ready)
    return directory, process, ready


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def stop(directory: Path, *, deadline_seconds: float = STOP_SECONDS) -> bool:
    """Take down the stack in this folder, and wait until it is down.

    Returns:
        Whether one was running.
    """
    directory = directory.expanduser().resolve()
    found = state.read_state(directory)
    if found is None:
        return state.is_running(directory) and _wait_gone(directory, time.monotonic() + deadline_seconds)
    with suppress(ProcessLookupError):
        os.kill(found.pid, signal.SIGTERM)
        os.kill(found.pid, signal.SIGCONT)  # a stopped process would not act on SIGTERM
    if not _wait_gone(directory, time.monotonic() + deadline_seconds):
        with suppress(psutil.NoSuchProcess):  # its children die with it
            psutil.Process(found.pid).kill()
        _wait_gone(directory, time.monotonic() + _KILL_SECONDS)
        with suppress(AlreadyRunning), state.sole_supervisor(directory):
            state.sweep(directory)
    return True


def _wait_gone(directory: Path, deadline: float) -> bool:
    while state.is_running(directory):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
