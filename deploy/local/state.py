"""`stack.json`: what runs in a stack's folder, and the lock that says whether it still does.

The supervisor holds the lock as long as it lives; the kernel releases it when it dies, however it dies. So a
`stack.json` beside a free lock is left over from a crash or a reboot.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.local.files import private_folder, read_private, write_private
from shared.errors import Misconfigured

STATE_FILE = "stack.json"
LOCK_FILE = "stack.lock"
_LOCK_TRIES = 5
_LOCK_PAUSE_SECONDS = 0.05


Phase = Literal["starting", "ready", "stopping"]

ProcessState = Literal["starting", "running", "not answering", "restarting"]
"""`starting` until it answers for the first time, `restarting` while there is no process."""


class Running(BaseModel):
    """One process of a stack."""

    model_config = ConfigDict(frozen=True)

    service: str
    pid: int | None = Field(description="None: it is no process (the `file` store), or is being started again")
    port: int | None
    state: ProcessState | None = Field(None, description="None: it is no process")
    restarts: int = Field(0, description="how often it has ended or was ended, and so was started again")


class StackState(BaseModel):
    """The content of `stack.json`."""

    model_config = ConfigDict(frozen=True)

    state: Phase
    pid: int = Field(description="the supervisor's")
    amqp_url: str
    store_url: str
    speech_url: str
    speech_engine: str = ""
    api_url: str = Field("", description="the gateway's; empty: it has none")
    api_key: str = Field("", description="a key with all scopes for it")
    processes: tuple[Running, ...]


class AlreadyRunning(Misconfigured):
    """Another supervisor holds the stack's folder."""

    @classmethod
    def in_folder(cls, directory: Path) -> AlreadyRunning:
        """The error for this folder."""
        return cls(
            f"A stack is running in {directory} already.",
            hint="Stop it with `podcast down`, or name another folder with --dir.",
        )


@contextmanager
def sole_supervisor(directory: Path) -> Iterator[None]:
    """Hold the stack's folder.

    Raises:
        AlreadyRunning: another process holds it.
    """
    private_folder(directory)
    with (directory / LOCK_FILE).open("w", encoding="ascii") as handle:
        for last in (*[False] * (_LOCK_TRIES - 1), True):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if last:
                    raise AlreadyRunning.in_folder(directory) from None
                time.sleep(_LOCK_PAUSE_SECONDS)  # another command's `is_running` holds it for a moment
        yield


def is_running(directory: Path) -> bool:
    """Whether a supervisor holds the stack's folder."""
    try:
        handle = (directory / LOCK_FILE).open("r", encoding="ascii")
    except FileNotFoundError:
        return False
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def read_state(directory: Path) -> StackState | None:
    """What runs in this folder; None if nothing does, even if a crash has left a `stack.json`."""
    return _last_state(directory) if is_running(directory) else None


def left_state(directory: Path) -> StackState | None:
    """What a killed supervisor or a machine that went down has left; None if nothing, or if a supervisor runs."""
    return None if is_running(directory) else _last_state(directory)


def write_state(directory: Path, state: StackState) -> None:
    """Record what runs; the file holds the broker's and the store's passwords."""
    write_private(directory / STATE_FILE, state.model_dump_json(indent=2))


def forget_state(directory: Path) -> None:
    """Record that nothing runs any more."""
    (directory / STATE_FILE).unlink(missing_ok=True)


def sweep(directory: Path) -> list[int]:
    """Kill what a killed supervisor has left: processes in the sessions that it had started.

    Its own children die with it; their children (an encoder, a worker) may end later. Call it with the lock held.

    Returns:
        The ids of the processes that were still running.
    """
    left = _last_state(directory)
    sessions = {process.pid for process in left.processes if process.pid} if left else set()
    found: list[int] = []
    if sessions and _since_boot(directory / STATE_FILE):
        for pid in psutil.pids():
            with suppress(ProcessLookupError, PermissionError):
                # A session's id is not given to a new process as long as any process is in the session.
                if os.getsid(pid) in sessions and psutil.pid_exists(pid):
                    os.kill(pid, 9)
                    found.append(pid)
    forget_state(directory)
    return found


def _since_boot(path: Path) -> bool:
    """Whether the file was written since the machine booted: process ids from before mean nothing."""
    return path.stat().st_mtime > psutil.boot_time()


def _last_state(directory: Path) -> StackState | None:
    with suppress(ValidationError):
        text = read_private(directory / STATE_FILE)
        return StackState.model_validate_json(text) if text else None
    return None
