"""Messages and documents as written when version 1 began; they must be readable as long as version 1 is supported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from shared.protocol import messages
from shared.protocol.manifest import Manifest
from shared.protocol.messages import Frozen, JobEvent, JobRequest, JobStatus, Message, WorkRetried
from shared.protocol.preview import Preview, PreviewRefused
from shared.protocol.shows import EpisodeRecord, Show

_FOLDER = Path(__file__).parent / "recorded" / "v1"
DOCUMENTS: dict[str, type[Frozen]] = {
    "status": JobStatus,
    "manifest": Manifest,
    "request": JobRequest,
    "preview": Preview,
    "refusal": PreviewRefused,
    "event": JobEvent,
    "event.retrying": WorkRetried,
    "show": Show,
    "show_episode": EpisodeRecord,
}
"""What is recorded besides the messages: documents in the store, and events for watchers."""


class Recording(NamedTuple):
    """One file: its name without `.json`, what it is, and its content."""

    name: str
    model: type[Frozen]
    data: bytes


def all_messages() -> list[type[Message]]:
    """Every message of the protocol; not base classes, which have no routing key, nor messages defined in tests."""

    def below(message: type[Message]) -> Iterator[type[Message]]:
        for one in message.__subclasses__():
            if "ROUTING_KEY" in vars(one) and one.__module__ == messages.__name__:
                yield one
            yield from below(one)

    return sorted(below(Message), key=lambda one: one.__name__)


def _model(name: str) -> type[Frozen]:
    by_name: dict[str, type[Frozen]] = {message.ROUTING_KEY: message for message in all_messages()}
    return {**by_name, **DOCUMENTS}[name.partition("-")[0]]


RECORDED = [Recording(path.stem, _model(path.stem), path.read_bytes()) for path in sorted(_FOLDER.glob("*.json"))]
