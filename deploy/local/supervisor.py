"""The owner of a local stack: starts everything, keeps it running, ends it in the right order.

The servers and the services start concurrently (services wait for the broker by themselves). Whatever dies, or does not
answer for a while, is restarted on the same data and ports. SIGTERM or SIGINT stops the services first, then speech,
store, broker, port mapper; on a second signal everything is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from deploy.local import state
from deploy.local.layout import Layout, lay_out
from deploy.local.logbook import LogBook
from deploy.local.plan import Identity, StackPlan
from deploy.local.ports import PortBook, is_free
from deploy.local.process_specs import ProcessSpecs
from deploy.local.restarter import ProcessSpec, Restarter
from deploy.local.state import Running, StackState
from shared.errors import Outage
from shared.settings import Settings

START_TRIES = 3
"""How often the stack is started, with a new layout each time, when another process took one of its ports."""


TellReady = Callable[[], None]


class Supervisor:
    """One stack, from its start to its end."""

    def __init__(self, directory: Path, plan: StackPlan, settings: Settings, log: LogBook) -> None:
        self._directory = directory
        self._plan = plan
        self._settings = settings
        self._log = log
        self._identity = Identity.of(directory)
        self._book = PortBook(self._identity.ports)
        self._layout: Layout | None = None
        self._servers: list[Restarter] = []  # in the order of their start
        self._services: list[Restarter] = []
        self._phase: state.Phase = "starting"
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None

    async def run(self, tell_ready: TellReady) -> None:
        """Bring the stack up, report that it is ready, and keep it up until a signal.

        Raises:
            PodcastError: it does not come up; what had started has been stopped.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        try:
            starting = asyncio.create_task(self._start())
            stopping = asyncio.create_task(self._stop.wait())
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                with suppress(asyncio.CancelledError):
                    await starting
                return
            starting.result()
            self._phase = "ready"
            self._identity.keep(self._directory)
            self._write_state()
            tell_ready()
            await stopping
            if self._failure is not None:
                raise self._failure
        finally:
            self._phase = "stopping"
            self._tell_state(last=True)
            await self._take_down()
            state.forget_state(self._directory)

    def _on_signal(self) -> None:
        if self._stop.is_set():
            for restarter in (*self._services, *self._servers):
                restarter.kill()
        self._stop.set()

    async def _start(self) -> None:
        for last in (*[False] * (START_TRIES - 1), True):
            try:
                await self._bring_up()
            except Outage as error:
                if last or not self._lost_a_port():
                    raise
                self._say("stack", f"another process took a port; trying again with others ({error.message})")
                await self._take_down()
            else:
                return

    async def _bring_up(self) -> None:
        layout = self._layout = lay_out(self._directory, self._plan, self._identity, self._book, self._settings)
        self._identity.keep(self._directory)
        layout.broker.prepare()
        layout.broker.server()  # raises if it is not installed
        specs = ProcessSpecs(self._directory, self._plan, layout, self._book, self._settings)
        self._servers = [self._restarter(spec) for spec in specs.servers()]
        self._services = [self._restarter(spec) for spec in specs.services()]
        waiting = [asyncio.create_task(restarter.ready()) for restarter in (*self._servers, *self._services)]
        try:
            await asyncio.gather(*waiting)
        finally:
            for task in waiting:
                task.cancel()

    def _lost_a_port(self) -> bool:
        """Whether a server that does not run has one of its ports taken."""
        running = (*self._servers, *self._services)
        alive = {restarter.spec.name for restarter in running if restarter.child is not None}
        ports = self._layout.fixed_ports if self._layout else {}
        return any(name.partition("-")[0] not in alive and not is_free(port) for name, port in ports.items())

    async def _take_down(self) -> None:
        await asyncio.gather(*(restarter.stop() for restarter in self._services))
        for restarter in reversed(self._servers):
            await restarter.stop()
        self._services, self._servers = [], []

    def _restarter(self, spec: ProcessSpec) -> Restarter:
        return Restarter(
            spec,
            probe_seconds=self._settings.probe_seconds,
            say=self._say,
            changed=self._tell_state,
            broken=self._on_broken,
        )

    def _on_broken(self, error: BaseException) -> None:
        """End the stack: better none than one that looks alive and restarts nothing."""
        self._say("stack", "".join(traceback.format_exception(error)))
        self._failure = error
        self._stop.set()

    def _tell_state(self, *, last: bool = False) -> None:
        if self._phase == "stopping" and not last:
            return  # the file keeps naming what this process would leave behind if it were killed now
        try:
            self._write_state()
        except OSError as error:  # a full disk must not end the supervision
            self._say("stack", f"stack.json cannot be written: {error}")

    def _say(self, name: str, line: str) -> None:
        self._log.write(name, line)

    def _write_state(self) -> None:
        layout = self._layout
        if layout is None:
            return
        rows = [
            Running(
                service=restarter.spec.name,
                pid=restarter.child.pid if restarter.child else None,
                port=restarter.spec.port(),
                state=restarter.state,
                restarts=restarter.failures,
            )
            for restarter in (*self._servers, *self._services)
        ]
        if layout.store is None:
            rows.insert(2, Running(service="store", pid=None, port=None))
        state.write_state(
            self._directory,
            StackState(
                state=self._phase,
                pid=os.getpid(),
                amqp_url=layout.amqp_url,
                store_url=layout.store_url,
                speech_url=layout.speech_url,
                speech_engine=layout.speech_engine,
                api_url=layout.api_url,
                api_key=layout.api_key,
                processes=tuple(rows),
            ),
        )
