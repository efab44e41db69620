"""A server of the test session: the stack's own node classes, run without a supervisor, so that a test can break it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from deploy.local.program import Program, tethered

STOP_SECONDS = 20.0
_KILL_SECONDS = 10.0


class Process:
    """One running program, with its output in a file."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                tethered(program.argv),
                env=dict(program.env),
                cwd=program.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None while it runs; negative: the signal that killed it."""
        return self._popen.poll()

    def ended(self) -> str | None:
        """How it ended, with the end of its log; None while it runs."""
        if self._popen.poll() is None:
            return None
        tail = self.log.read_text(errors="replace")[-2_000:] if self.log.exists() else ""
        return f"{self.program.name} ended with {self._popen.returncode}:\n{tail}"

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self._popen.wait(timeout=_KILL_SECONDS)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not enough."""
        if self._popen.poll() is None:
            self.send(signal.SIGCONT)
            self._popen.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(timeout=STOP_SECONDS)
        self.kill()


def stop_all(processes: Sequence[Process]) -> None:
    for process in processes:
        process.stop()
