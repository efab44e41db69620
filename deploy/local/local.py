"""A local stack that lives as long as a context, for `podcast render` and for tests."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local import state
from deploy.local.handshake import command, plan_input, wait_ready
from deploy.local.minio_build import ensure_minio
from deploy.local.plan import FEEDS, GATEWAY, WEBHOOKS, Engine, StackPlan, StoreKind
from deploy.local.program import lines, tethered
from deploy.local.state import StackState
from shared.errors import Outage
from shared.settings import load

STOP_SECONDS = 60.0
"""For everything to stop in order; after that it is killed."""


class LocalStack:
    """A whole stack that lives as long as the context.

        async with LocalStack(dir=folder) as stack:
            ...  # stack.amqp_url, stack.store_url, stack.speech_url

    A supervisor process runs it; if this process dies, the supervisor takes the stack down.

    Args:
        dir: the stack's folder; data of an earlier stack there is used again.
        synthesizers: number of synthesizer processes.
        store: `file`, or `minio`, which is built first if it is missing (minutes; `on_log` gets the progress).
        speech_url: speech servers to use; None: the stack starts its own.
        engine: the default engine of the stack's own speech server.
        gateway: whether it has one, and the services that send webhooks and poll feeds.
        plan: replaces the five above.
        env: more settings for the services; they override the environment.
        on_log: gets every line of the log.
    """

    def __init__(
        self,
        *,
        dir: Path,  # noqa: A002 - the name of the option
        synthesizers: int = 1,
        store: StoreKind = "file",
        speech_url: str | None = None,
        engine: Engine = "piper",
        gateway: bool = True,
        plan: StackPlan | None = None,
        env: dict[str, str] | None = None,
        on_log: Callable[[str], None] | None = None,
    ) -> None:
        self.directory = dir.expanduser().resolve()
        self.plan = plan or StackPlan(
            synthesizers=synthesizers, store=store, speech_url=speech_url or "", engine=engine, env=env or {}
        )
        if plan is None and not gateway:
            self.plan = self.plan.without(GATEWAY).without(WEBHOOKS).without(FEEDS)
        self._on_log = on_log
        self._process: asyncio.subprocess.Process | None = None
        self._log_task: asyncio.Task[None] | None = None

    @property
    def state(self) -> StackState:
        """What runs now; processes that died and were restarted have new ids.

        Raises:
            Outage: the stack is gone.
        """
        found = state.read_state(self.directory)
        if found is None:
            raise Outage("The local stack has ended.", hint=f"Its log is in {self.directory / 'logs'}.")
        return found

    @property
    def amqp_url(self) -> str:
        """The broker's address."""
        return self.state.amqp_url

    @property
    def store_url(self) -> str:
        """The store's address."""
        return self.state.store_url

    @property
    def speech_url(self) -> str:
        """The speech servers' addresses."""
        return self.state.speech_url

    @property
    def speech_engine(self) -> str:
        """What identifies the speech servers in the audio keys."""
        return self.state.speech_engine

    def pids(self, service: str) -> list[int]:
        """The ids of the running processes of a service (or `broker`, `store`, `speech`)."""
        return [process.pid for process in self.state.processes if process.service == service and process.pid]

    async def __aenter__(self) -> Self:
        if self.plan.store == "minio":
            await self._build_minio()
        ready, tell_ready = os.pipe()
        try:
            with plan_input(self.plan) as given:
                self._process = await asyncio.create_subprocess_exec(
                    # SIGTERM, so that the supervisor takes everything down in order when this process dies.
                    *tethered(
                        command(self.directory, tell_ready, echo=self._on_log is not None), to_parent=signal.SIGTERM
                    ),
                    stdin=given,
                    stdout=asyncio.subprocess.PIPE if self._on_log else asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                    pass_fds=(tell_ready,),
                    start_new_session=True,
                )
        finally:
            os.close(tell_ready)
        if self._on_log is not None:
            self._log_task = asyncio.create_task(self._read_log(self._process, self._on_log))
        try:
            await wait_ready(ready, self.directory)
        except BaseException:
            await self._stop()
            raise
        return self

    async def _build_minio(self) -> None:
        """Build it in a thread; when this task is cancelled, the build ends at its next line of progress."""
        cancelled = False

        def say(line: str) -> None:
            if cancelled:
                raise Outage("The build was cancelled.")
            if self._on_log is not None:
                self._on_log(line)

        try:
            await asyncio.to_thread(ensure_minio, load().cache_dir, say)
        except asyncio.CancelledError:
            cancelled = True
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
            process.send_signal(signal.SIGCONT)  # a stopped process would not act on SIGTERM
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        finally:
            # Late or cancelled: its children die with it.
            with suppress(ProcessLookupError):
                process.kill()
            if self._log_task is not None:
                self._log_task.cancel()

    @staticmethod
    async def _read_log(process: asyncio.subprocess.Process, on_log: Callable[[str], None]) -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe was requested
        async for line in lines(process.stdout):
            on_log(line)
