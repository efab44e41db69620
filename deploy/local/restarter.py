"""Keeps one program of a stack running: starts it, waits for its end, restarts it after a pause.

A program that no longer answers is killed, and then restarted like one that has ended by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from deploy.local.probing import Probe, Prober
from deploy.local.program import Child, Program
from deploy.local.state import ProcessState
from shared.errors import Misconfigured

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
"""The pause doubles from the first to the longest."""

STEADY_SECONDS = 10.0
"""A program that has run for longer than this was fine: the next pause is the first one again."""

HOPELESS_FAILURES = 3
"""A program that ended this often before it was ever ready will not come up."""

Ended = Callable[[], str | None]


@dataclass(frozen=True)
class ProcessSpec:
    """One thing that a stack keeps running.

    Attributes:
        name: the service's; several specs may share it.
        program: what to run; called at every start.
        ready: returns when it works, raises when it will not come up; takes a function that returns the reason, if any.
        probe: whether it is alive.
        port: where it answers, or None.
        grace_seconds: from SIGTERM to SIGKILL.
    """

    name: str
    program: Callable[[], Program]
    ready: Callable[[Ended], Awaitable[None]]
    probe: Probe
    port: Callable[[], int | None]
    grace_seconds: float


class Restarter:
    """Keeps a spec running until it is stopped.

    Args:
        probe_seconds: how often the process is probed.
        say: receives a name and a line for the log.
        changed: called when a process has started or ended, or its state has changed.
        broken: called with the error that ended the restarter itself: a bug, since nothing would be restarted.

    Attributes:
        spec: what is kept running.
        child: the process, while there is one.
        failures: how often it has ended, or was killed because it did not answer; it is restarted each time.
    """

    def __init__(
        self,
        spec: ProcessSpec,
        *,
        probe_seconds: float,
        say: Callable[[str, str], None],
        changed: Callable[[], None],
        broken: Callable[[BaseException], None],
    ) -> None:
        self.spec = spec
        self.child: Child | None = None
        self.failures = 0
        self._prober: Prober | None = None
        self._probe_seconds = probe_seconds
        self._say = say
        self._changed = changed
        self._stopping = asyncio.Event()
        self._last_words = ""
        self._broken = broken
        self._task = asyncio.create_task(self._keep(), name=f"keep {spec.name}")
        self._task.add_done_callback(self._on_end)

    async def ready(self) -> None:
        """Return when the spec works.

        Raises:
            PodcastError: it does not come up; the message says why.
        """
        await self.spec.ready(self.hopeless)
        if self._prober is not None:
            self._prober.has_answered()

    @property
    def state(self) -> ProcessState:
        """What `podcast ps` shows for it."""
        if self.child is not None and self._prober is not None:
            return self._prober.state
        return "restarting" if self.failures else "starting"

    def hopeless(self) -> str | None:
        """Why the spec will not come up; None while it still may."""
        return self._last_words if self.failures >= HOPELESS_FAILURES else None

    async def stop(self) -> None:
        """End it, and do not restart it."""
        self._stopping.set()
        if self.child is not None:
            await self.child.stop(grace_seconds=self.spec.grace_seconds)
        await asyncio.wait({self._task})

    def kill(self) -> None:
        """Kill it immediately, without a grace period."""
        self._stopping.set()
        if self.child is not None:
            self.child.kill()

    def _on_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken(error)

    async def _keep(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            started = time.monotonic()
            end = await self._run_once()
            if self._stopping.is_set():
                return
            self.failures += 1
            self._last_words = end
            if time.monotonic() - started > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self._say("stack", f"{end.partition(chr(10))[0]} Starting it again in {pause:.1f} s.")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run_once(self) -> str:
        """Run it to its end; returns how it ended, and its last lines."""
        try:
            program = self.spec.program()
            self.child = child = await Child.start(program, lambda line: self._say(program.name, line))
        except Misconfigured as error:
            return str(error)
        self._prober = Prober(self.spec.probe, every_seconds=self._probe_seconds, changed=self._changed)
        self._changed()
        if self._stopping.is_set():  # requested while it started
            await child.stop(grace_seconds=self.spec.grace_seconds)
        probing = asyncio.create_task(self._end_when_silent(child, self._prober), name=f"probe {self.spec.name}")
        probing.add_done_callback(self._on_end)
        try:
            code = await child.wait()
        finally:
            probing.cancel()
        self.child = None
        self._changed()
        meaning = f"signal {-code}" if code < 0 else f"exit code {code}"
        return "\n".join((f"{self.spec.name} ended with {meaning}.", *child.tail))

    async def _end_when_silent(self, child: Child, prober: Prober) -> None:
        wrong = await prober.wait_silent()
        if not self._stopping.is_set():  # stopping has its own grace period
            self._say("stack", f"{self.spec.name} (process {child.pid}) does not answer ({wrong}); ending it.")
            child.kill()
