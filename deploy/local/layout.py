"""Where the parts of a stack are: their folders, ports and addresses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy.local.minio import MinioNode
from deploy.local.minio_build import minio_path
from deploy.local.plan import BUCKET, GATEWAY, Identity, StackPlan
from deploy.local.ports import LOOPBACK, PortBook
from deploy.local.rabbitmq import RabbitNode
from shared.settings import Settings


@dataclass(frozen=True)
class Layout:
    """Where the parts of a stack are.

    Attributes:
        fixed_ports: those that other parts know: if another process has taken one, the stack needs a new layout.
    """

    broker: RabbitNode
    store: MinioNode | None
    amqp_url: str
    store_url: str
    speech_url: str
    speech_port: int | None
    speech_engine: str
    api_port: int | None
    api_url: str
    api_key: str
    fixed_ports: dict[str, int]


def lay_out(directory: Path, plan: StackPlan, identity: Identity, book: PortBook, settings: Settings) -> Layout:
    """Give every part its folder and its port; the same ports as last time if they are free."""
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
    api_port = book.port(GATEWAY) if GATEWAY in plan.modules else None
    identity.ports = book.ports
    fixed = ["broker", "epmd", "broker-dist"]
    fixed += [name for name, used in (("store", store), ("speech", speech_port), (GATEWAY, api_port)) if used]
    return Layout(
        broker=broker,
        store=store,
        amqp_url=broker.url(),
        store_url=store_url,
        speech_url=plan.speech_url or f"http://{LOOPBACK}:{speech_port}",
        speech_port=speech_port,
        # Our own server's port differs from stack to stack, so it must not be part of the audio keys.
        speech_engine=settings.speech_engine or ("" if plan.speech_url else f"podcast-speech/{plan.engine}"),
        api_port=api_port,
        api_url=f"http://{LOOPBACK}:{api_port}" if api_port else "",
        api_key=identity.api_key if api_port else "",
        fixed_ports={name: book.ports[name] for name in fixed},
    )
