"""Where a broken stream goes on: the last event's id, or what has arrived of a file. Pure; both clients use it."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from httpx_sse import ServerSentEvent

from podcast_client.decoding import decode
from podcast_client.documents import Event, Job, WorkRetried
from podcast_client.errors import UnexpectedAnswer

_TAG_LIMIT_CHARACTERS: Final = 90
"""Of an entity tag that can become part of a file name."""


def event_of(message: ServerSentEvent) -> Event | None:
    """The event in a message; None for a kind that this version does not know, or for one without content.

    Raises:
        UnexpectedAnswer: it cannot be read.
    """
    if message.event in {"resync", "gone"}:
        return Event(message.event, message.id)
    if message.event not in {"status", "retrying"} or not message.data:
        return None
    try:
        found = json.loads(message.data)
    except (ValueError, RecursionError) as error:
        raise UnexpectedAnswer("The server sent an event that is not JSON.") from error
    if message.event == "retrying":
        return Event("retrying", message.id, retried=decode(WorkRetried, found))
    return Event("status", message.id, job=decode(Job, found))


@dataclass
class Partial:
    """What has arrived of a file: a file beside it, whose name has the entity tag.

    Attributes:
        target: where the whole file will be.
        tag: the entity tag of the version that is being fetched; empty: it has none, or a weak one.
        size_bytes: how much has arrived.
    """

    target: Path
    tag: str = ""
    size_bytes: int = 0

    @classmethod
    def found(cls, target: Path) -> Partial:
        """What an earlier download left behind; nothing if there was none."""
        for path in sorted(target.parent.iterdir()):
            name = path.name
            if name.startswith(f".{target.name}.") and name.endswith(".part") and path.is_file():
                tag = _tag_in(name[len(target.name) + 2 : -len(".part")])
                if tag:
                    return cls(target, tag, path.stat().st_size)
        return cls(target)

    @property
    def path(self) -> Path:
        """The file with what has arrived."""
        coded = base64.urlsafe_b64encode(self.tag.encode()).decode().rstrip("=")
        return self.target.with_name(f".{self.target.name}.{coded}.part")

    @property
    def headers(self) -> dict[str, str]:
        """Those of the next request: only the rest, and only of the same version."""
        if not self.tag or not self.size_bytes:
            return {"Accept-Encoding": "identity"}
        return {"Accept-Encoding": "identity", "Range": f"bytes={self.size_bytes}-", "If-Range": self.tag}

    def begins_with(self, status: int, headers: httpx.Headers) -> None:
        """Take over what an answer says before its body: the rest, or everything anew.

        Raises:
            UnexpectedAnswer: it is another part than the one that was asked for.
        """
        if status == httpx.codes.PARTIAL_CONTENT:
            if not headers.get("content-range", "").startswith(f"bytes {self.size_bytes}-"):
                raise UnexpectedAnswer("The server sent another part of the file than the one that was asked for.")
            return
        self.forget()
        tag = headers.get("etag", "")
        self.tag = tag if tag.startswith('"') and tag.isascii() and len(tag) <= _TAG_LIMIT_CHARACTERS else ""
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.path.unlink(missing_ok=True)
        self.size_bytes = 0

    def finish(self) -> None:
        """Everything has arrived: put the file where it belongs."""
        self.path.replace(self.target)


def whole_size(status: int, headers: httpx.Headers) -> int | None:
    """The size of the whole file according to an answer, in bytes; None if it does not say."""
    said = headers.get("content-range", "").rpartition("/")[2] if status == httpx.codes.PARTIAL_CONTENT else ""
    said = said or headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else None


def _tag_in(coded: str) -> str:
    try:
        return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
