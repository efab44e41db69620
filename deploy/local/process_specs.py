"""What a stack consists of, from its plan: broker, store, speech, and the services with their environment."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from deploy.local.health import readiness, silence
from deploy.local.layout import Layout
from deploy.local.minio import MinioNode
from deploy.local.plan import GATEWAY, StackPlan
from deploy.local.ports import LOOPBACK, PortBook
from deploy.local.probing import START_SECONDS, Probe
from deploy.local.program import Program
from deploy.local.restarter import Ended, ProcessSpec
from shared.errors import Outage, SpeechDown
from shared.settings import PREFIX, Settings

_SERVER_GRACE_SECONDS = 15.0
_EPMD_GRACE_SECONDS = 2.0
_SPEECH_GRACE_SECONDS = 5.0
"""When it is stopped, the services are already down and nobody waits for its answers."""
_SERVICE_STOP_MARGIN_SECONDS = 8.0
"""After its grace period a service still has to close its connection, and to send its last spans."""
_POLL_SECONDS = 0.1

_OURS = (
    "AMQP_URL",
    "STORE_URL",
    "SPEECH_URL",
    "HEALTH_PORT",
    "HEALTH_HOST",
    "STATE_DIR",
    "SPEECH_HOST",
    "SPEECH_PORT",
    "GATEWAY_HOST",
    "GATEWAY_PORT",
    "GATEWAY_KEY",
)
"""Settings that the stack determines, whatever the environment says."""

_ALLOW = (PREFIX + "FETCH_ALLOW", PREFIX + "WEBHOOK_ALLOW")
OWN_MACHINE = "127.0.0.0/8,::1"
"""Where a stack on somebody's own machine may fetch pages and send webhooks besides public addresses, unless the
environment says otherwise: what is served there belongs to them."""


class ProcessSpecs:
    """The specs of a stack."""

    def __init__(self, directory: Path, plan: StackPlan, layout: Layout, book: PortBook, settings: Settings) -> None:
        self._directory = directory
        self._plan = plan
        self._layout = layout
        self._book = book
        self._settings = settings

    def servers(self) -> list[ProcessSpec]:
        """What the services need: port mapper, broker, store, speech; the port mapper is the last to be stopped."""
        broker, store, speech_port = self._layout.broker, self._layout.store, self._layout.speech_port

        async def broker_ready(ended: Ended) -> None:
            await broker.wait_ready(deadline_seconds=START_SECONDS, ended=ended)

        specs = [
            ProcessSpec(
                name="epmd",
                program=broker.epmd,
                ready=_at_once,
                probe=broker.port_mapper_silence,
                port=lambda: broker.epmd_port,
                grace_seconds=_EPMD_GRACE_SECONDS,
            ),
            ProcessSpec(
                name="broker",
                program=broker.server,
                ready=broker_ready,
                probe=broker.silence,
                port=lambda: broker.amqp_port,
                grace_seconds=_SERVER_GRACE_SECONDS,
            ),
        ]
        if store is not None:

            async def store_ready(ended: Ended, node: MinioNode = store) -> None:
                await node.wait_ready(deadline_seconds=START_SECONDS, ended=ended)

            specs.append(
                ProcessSpec(
                    name="store",
                    program=store.server,
                    ready=store_ready,
                    probe=store.silence,
                    port=lambda: store.port,
                    grace_seconds=_SERVER_GRACE_SECONDS,
                )
            )
        if speech_port is not None:
            specs.append(_python_spec("speech", self._speech, lambda: speech_port, _SPEECH_GRACE_SECONDS))
        return specs

    def services(self) -> list[ProcessSpec]:
        """Our own services, with as many synthesizers as the plan says."""
        return [
            self._gateway() if name == GATEWAY else self._service(name, f"{name}-{number}")
            for name in self._plan.modules
            for number in range(1, 1 + (self._plan.synthesizers if name == "synthesizer" else 1))
        ]

    def _service(self, name: str, label: str) -> ProcessSpec:
        # Only `podcast ps` and this module use a health port, so each start may take a different one.
        def program() -> Program:
            port = self._book.port(label)
            return self._python(name, self._plan.modules[name], HEALTH_PORT=str(port))

        grace_seconds = self._settings.grace_seconds + _SERVICE_STOP_MARGIN_SECONDS
        return _python_spec(name, program, lambda: self._book.ports.get(label), grace_seconds)

    def _gateway(self) -> ProcessSpec:
        # Its address is known to people, so it keeps its port; health is on the same port.
        layout = self._layout

        def program() -> Program:
            return self._python(
                GATEWAY,
                self._plan.modules[GATEWAY],
                GATEWAY_HOST=LOOPBACK,
                GATEWAY_PORT=str(layout.api_port),
                GATEWAY_KEY=layout.api_key,
                HEALTH_PORT="0",
            )

        grace_seconds = self._settings.grace_seconds + _SERVICE_STOP_MARGIN_SECONDS
        return _python_spec(GATEWAY, program, lambda: layout.api_port, grace_seconds)

    def _speech(self) -> Program:
        return self._python(
            "speech",
            self._plan.speech_module,
            SPEECH_HOST=LOOPBACK,
            SPEECH_PORT=str(self._layout.speech_port),
            SPEECH_DEFAULT_ENGINE=self._plan.engine,
            HEALTH_PORT="0",
        )

    def _python(self, name: str, module: str, **settings: str) -> Program:
        values = {
            "AMQP_URL": self._layout.amqp_url,
            "STORE_URL": self._layout.store_url,
            "SPEECH_URL": self._layout.speech_url,
            "SPEECH_ENGINE": self._layout.speech_engine,
            "STATE_DIR": str(self._directory),
            "HEALTH_HOST": LOOPBACK,
            **settings,
        }
        inherited = {
            key: value for key, value in os.environ.items() if key not in {f"{PREFIX}{ours}_FILE" for ours in _OURS}
        }
        for allow in _ALLOW:
            if f"{allow}_FILE" not in {**inherited, **self._plan.env}:
                inherited.setdefault(allow, OWN_MACHINE)
        env = {
            **inherited,
            **self._plan.env,
            **{PREFIX + key: value for key, value in values.items()},
            "PYTHONUNBUFFERED": "1",
        }
        # -P: a module in the user's folder with the same name as one of ours must not be imported instead.
        return Program(name, (sys.executable, "-P", "-m", module), env, self._directory)


async def _at_once(ended: Ended) -> None:
    del ended  # what needs epmd reports if it is missing


def _python_spec(
    name: str, program: Callable[[], Program], port: Callable[[], int | None], grace_seconds: float
) -> ProcessSpec:
    """The spec of a service or our speech server: both answer `/healthz`."""
    return ProcessSpec(
        name=name,
        program=program,
        ready=_answers(name, port),
        probe=_alive(port),
        port=port,
        grace_seconds=grace_seconds,
    )


def _alive(port: Callable[[], int | None]) -> Probe:
    async def probe(seconds: float) -> str:
        return await silence(port() or 0, "/healthz", seconds)

    return probe


def _answers(name: str, port: Callable[[], int | None]) -> Callable[[Ended], Awaitable[None]]:
    """Wait until the server on this port answers that it is ready."""

    async def ready(ended: Ended) -> None:
        deadline = time.monotonic() + START_SECONDS
        last = ""
        while time.monotonic() < deadline:
            if (reason := ended()) is not None:
                raise _down(name, f"The service {name} did not start: {reason}")
            ready_now, last = await readiness(port() or 0)
            if ready_now:
                return
            await asyncio.sleep(_POLL_SECONDS)
        raise _down(name, f"The service {name} did not start within {START_SECONDS:.0f} s: {last}.")

    return ready


def _down(name: str, message: str) -> Outage:
    return (SpeechDown if name == "speech" else Outage)(message, hint="Its log is in the folder `logs` of the stack.")
