"""Speech servers as child processes of a test."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
"""Generous, because the machine may be busy."""
STOP_SECONDS = 15.0


class SpeechProcess:
    """A server that prints its port as the first line of its output. A context manager.

    Args:
        module: what `python -m` runs.
        arguments: after the module.
        environment: added to the test's own.
    """

    def __init__(self, module: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = {**os.environ, **(environment or {})}
        self._popen: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def popen(self) -> subprocess.Popen[str]:
        assert self._popen is not None, "not started"
        return self._popen

    def start(self) -> Self:
        """Start it; returns when it listens."""
        self._popen = subprocess.Popen(
            self._command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._popen.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._popen.stdout, selectors.EVENT_READ)
            line = self._popen.stdout.readline() if selector.select(START_SECONDS) else ""
        if not line.strip().isdigit():
            self.kill()
            raise RuntimeError(f"{self._command[2]} did not start: its first line was {line!r}.")
        self.port = int(line)
        return self

    def wait_ready(self, deadline_seconds: float = START_SECONDS) -> Self:
        """Wait until `/healthz` returns 200."""
        end = time.monotonic() + deadline_seconds
        while httpx.get(f"{self.url}/healthz", timeout=5).status_code != httpx.codes.OK:
            if time.monotonic() > end:
                raise TimeoutError(f"{self._command[2]} was not ready within {deadline_seconds:g} s.")
            time.sleep(0.02)
        return self

    def stop(self) -> int:
        """SIGTERM, then SIGKILL; returns the exit code."""
        self.resume()
        self.popen.terminate()
        try:
            return self.popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(STOP_SECONDS)

    def pause(self) -> None:
        """Make it accept connections and answer nothing."""
        self.popen.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.popen.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._popen is not None:
            if self._popen.poll() is None:
                self.stop()
            assert self._popen.stdout is not None
            self._popen.stdout.close()


class ToneSpeech(SpeechProcess):
    """The tone server. `port` 0 picks a free one; give one to restart on the last server's port."""

    def __init__(self, port: int = 0, *, delay_seconds: float = 0.0) -> None:
        super().__init__("tests.servers.tone_speech", "--port", str(port), "--delay", str(delay_seconds))

    def calls(self) -> list[dict[str, Any]]:
        """Every call so far: text, voice, model, speed, format, time, mode, answered."""
        calls: list[dict[str, Any]] = self.recorded()["calls"]
        return calls

    def texts(self) -> list[str]:
        return [call["text"] for call in self.calls()]

    def recorded(self) -> dict[str, Any]:
        """`count`, `texts`, `calls`, `running`, `most_running`."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/calls", timeout=10).raise_for_status().json()
        return answer

    def forget(self) -> None:
        httpx.delete(f"{self.url}/calls", timeout=10).raise_for_status()

    def misbehave(self, mode: str, **options: object) -> None:
        """`count`, `containing`, `status`, `shape`, `message`, `retry_after`: see `speech_faults.Fault`."""
        httpx.post(f"{self.url}/mode", json={"mode": mode, **options}, timeout=10).raise_for_status()

    def misbehave_as(self, faults: Sequence[Mapping[str, object]]) -> None:
        """Several faults at once; the first one that fits a text applies."""
        httpx.post(f"{self.url}/mode", json=[dict(fault) for fault in faults], timeout=10).raise_for_status()

    def behave(self) -> None:
        self.misbehave("ok")

    def delay(self, seconds: float) -> None:
        httpx.post(f"{self.url}/delay", json={"seconds": seconds}, timeout=10).raise_for_status()


class InstantSpeech(SpeechProcess):
    """The server for benchmarks."""

    def __init__(self, port: int = 0, *, delay_seconds: float = 0.0) -> None:
        super().__init__("tests.servers.instant_speech", "--port", str(port), "--delay", str(delay_seconds))
