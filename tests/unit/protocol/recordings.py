"""Messages and documents as they were written when version 1 began; they must be read for as long as it lives."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from shared.protocol.manifest import Manifest
from shared.protocol.messages import Frozen, JobEvent, JobRequest, JobStatus, Message

_FOLDER = Path(__file__).parent / "recorded" / "v1"
_DOCUMENTS: dict[str, type[Frozen]] = {
    "status": JobStatus,
    "manifest": Manifest,
    "request": JobRequest,
    "job.event": JobEvent,
}


class Recording(NamedTuple):
    """One file: its name without `.json`, what it is, and its content."""

    name: str
    model: type[Frozen]
    data: bytes


def _model(name: str) -> type[Frozen]:
    kind = name.partition("-")[0]
    models: dict[str, type[Frozen]] = {message.ROUTING_KEY: message for message in Message.__subclasses__()}
    return {**models, **_DOCUMENTS}[kind]


RECORDED = [Recording(path.stem, _model(path.stem), path.read_bytes()) for path in sorted(_FOLDER.glob("*.json"))]
