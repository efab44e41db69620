"""What a stack consists of, from its plan: broker, store, speech, and the services with their environment."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from deploy.local.health import health
from deploy.local.minio import MinioNode
from deploy.local.minio_build import minio_path
from deploy.local.plan import BUCKET, Identity, StackPlan
from deploy.local.ports import LOOPBACK, PortBook
from deploy.local.program import Program
from deploy.local.rabbitmq import RabbitNode
from deploy.local.restarter import Ended, ProcessSpec
from shared.errors import Outage, SpeechDown
from shared.settings import PREFIX, Settings

START_SECONDS = 120.0
"""For each part of the stack to work; on two busy cores a broker takes 15 s."""

_SERVER_GRACE_SECONDS = 15.0
_EPMD_GRACE_SECONDS = 2.0
_SPEECH_GRACE_SECONDS = 5.0
"""When it is stopped, the services are down and nobody waits for its answers."""
_SERVICE_STOP_MARGIN_SECONDS = 6.0
"""A service closes its connection after its grace period."""
_POLL_SECONDS = 0.1

_OURS = ("AMQP_URL", "STORE_URL", "SPEECH_URL", "HEALTH_PORT", "HEALTH_HOST", "STATE_DIR", "SPEECH_HOST", "SPEECH_PORT")
"""Settings that the stack decides, whatever the environment says."""


@dataclass(frozen=True)
class Layout:
    """Where the parts of a stack are.

    Attributes:
        fixed_ports: those that other parts know: a stack with one of them taken by a stranger has to be laid out anew.
    """

    broker: RabbitNode
    store: MinioNode | None
    amqp_url: str
    store_url: str
    speech_url: str
    speech_port: int | None
    speech_engine: str
    fixed_ports: dict[str, int]


def lay_out(directory: Path, plan: StackPlan, identity: Identity, book: PortBook, settings: Settings) -> Layout:
    """Give every part its folder and its port; the same as last time where they are free."""
    broker = RabbitNode(
        directory=directory / "broker",
        amqp_port=book.port("broker"),
        epmd_port=book.port("epmd"),
        dist_port=book.port("broker-dist"),
        password=identity.broker_password,
        cookie=identity.broker_cookie,
        ack_deadline_seconds=settings.broker_ack_deadline_seconds,
    )
    store = None
    store_url = (directory / "store").resolve().as_uri()
    if plan.store == "minio":
        store = MinioNode(
            binary=minio_path(settings.cache_dir),
            directory=directory / "minio",
            port=book.port("store"),
            user=identity.store_user,
            password=identity.store_password,
        )
        store_url = store.url(BUCKET)
    speech_port = None if plan.speech_url else book.port("speech")
    identity.ports = book.ports
    fixed = ("broker", "epmd", "broker-dist", *(["store"] if store else ()), *(["speech"] if speech_port else ()))
    return Layout(
        broker=broker,
        store=store,
        amqp_url=broker.url(),
        store_url=store_url,
        speech_url=plan.speech_url or f"http://{LOOPBACK}:{speech_port}",
        speech_port=speech_port,
        # Our own server's port differs from stack to stack, so it must not be part of what names the audio.
        speech_engine=settings.speech_engine or ("" if plan.speech_url else f"podcast-speech/{plan.engine}"),
        fixed_ports={name: book.ports[name] for name in fixed},
    )


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
            ProcessSpec("epmd", broker.epmd, _at_once, lambda: broker.epmd_port, _EPMD_GRACE_SECONDS),
            ProcessSpec("broker", broker.server, broker_ready, lambda: broker.amqp_port, _SERVER_GRACE_SECONDS),
        ]
        if store is not None:

            async def store_ready(ended: Ended, node: MinioNode = store) -> None:
                await node.wait_ready(deadline_seconds=START_SECONDS, ended=ended)

            specs.append(ProcessSpec("store", store.server, store_ready, lambda: store.port, _SERVER_GRACE_SECONDS))
        if speech_port is not None:
            ready = _answers("speech", lambda: speech_port)
            specs.append(ProcessSpec("speech", self._speech, ready, lambda: speech_port, _SPEECH_GRACE_SECONDS))
        return specs

    def services(self) -> list[ProcessSpec]:
        """Our own services, the synthesizer as often as the plan says."""
        return [
            self._service(name, f"{name}-{number}")
            for name in self._plan.modules
            for number in range(1, 1 + (self._plan.synthesizers if name == "synthesizer" else 1))
        ]

    def _service(self, name: str, label: str) -> ProcessSpec:
        # Nobody but `podcast ps` and us knows a health port: each start may take another one.
        def program() -> Program:
            port = self._book.port(label)
            return self._python(name, self._plan.modules[name], HEALTH_PORT=str(port))

        ready = _answers(name, lambda: self._book.ports.get(label), "/readyz")
        grace_seconds = self._settings.grace_seconds + _SERVICE_STOP_MARGIN_SECONDS
        return ProcessSpec(name, program, ready, lambda: self._book.ports.get(label), grace_seconds)

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
        env = {
            **inherited,
            **self._plan.env,
            **{PREFIX + key: value for key, value in values.items()},
            "PYTHONUNBUFFERED": "1",
        }
        # -P: a folder of the user's with a module named like one of ours must not be imported instead.
        return Program(name, (sys.executable, "-P", "-m", module), env, self._directory)


async def _at_once(ended: Ended) -> None:
    del ended  # what needs epmd says if it is not there


def _answers(name: str, port: Callable[[], int | None], path: str = "/healthz") -> Callable[[Ended], Awaitable[None]]:
    """Wait until `path` on this port answers 200."""

    async def ready(ended: Ended) -> None:
        deadline = time.monotonic() + START_SECONDS
        last = ""
        while time.monotonic() < deadline:
            if (reason := ended()) is not None:
                raise _down(name, f"The service {name} did not start: {reason}")
            status, last = await health(port() or 0, path)
            if status == HTTPStatus.OK:
                return
            await asyncio.sleep(_POLL_SECONDS)
        raise _down(name, f"The service {name} did not start within {START_SECONDS:.0f} s: {last}.")

    return ready


def _down(name: str, message: str) -> Outage:
    return (SpeechDown if name == "speech" else Outage)(message, hint="Its log is in the folder `logs` of the stack.")
