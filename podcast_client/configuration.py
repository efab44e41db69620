"""How the client reaches the server: address and key, time-outs, and how often it tries again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

URL_VARIABLE: Final = "PODCAST_API_URL"
KEY_VARIABLE: Final = "PODCAST_API_KEY"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Timeouts:
    """Time-outs in seconds.

    Attributes:
        connect: until a connection is made.
        read: between two pieces of an answer.
        write: between two pieces of a request.
        pool: until a connection of the pool is available.
        call: for a whole request and its answer; uploads and streams have their own.
        upload: for a whole request with a file.
        silence: between two messages of an event stream; the server sends a heartbeat more often than this.
        download: between two pieces of a file, and before its first.
        speech: between two pieces of speech, and before its first: a chunk must be spoken first.
    """

    connect: float = 5.0
    read: float = 30.0
    write: float = 30.0
    pool: float = 10.0
    call: float = 60.0
    upload: float = 900.0
    silence: float = 60.0
    download: float = 60.0
    speech: float = 600.0

    def of_a_call(self, read: float | None = None) -> httpx.Timeout:
        """The same for httpx.

        Args:
            read: instead of `read`.
        """
        return httpx.Timeout(
            connect=self.connect, read=self.read if read is None else read, write=self.write, pool=self.pool
        )


@dataclass(frozen=True)
class Retries:
    """How often the client tries again: only what is safe to repeat, and never for longer than a call may take.

    Attributes:
        attempts: of a request, the first included.
        first_pause: seconds before the second attempt; the pauses double, each shortened by chance.
        longest_pause: seconds; a longer `Retry-After` of the server is honoured as long as it fits into the call.
        outage: seconds that a stream of events or a download goes on trying while the server is down.
    """

    attempts: int = 4
    first_pause: float = 0.25
    longest_pause: float = 5.0
    outage: float = 900.0


@dataclass(frozen=True)
class Configuration:
    """Where the server is, and how it is called.

    Attributes:
        url: its address, without a path or with the prefix under which a proxy has it.
        key: the key; empty: none is sent.
        timeouts: in seconds.
        retries: how often it tries again.
    """

    url: str
    key: str = field(default="", repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: Retries = field(default_factory=Retries)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{self.url!r} is no http or https address of a server")
        if parts.username or parts.password:
            raise ValueError("the address has a password in it; the server wants a key, as key= or PODCAST_API_KEY")
        if not self.key.isascii() or any(character.isspace() for character in self.key):
            raise ValueError("the key has characters that no key has")

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return urlsplit(self.url).hostname in _LOOPBACK

    @property
    def headers(self) -> dict[str, str]:
        """What every request sends."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    @classmethod
    def found(
        cls,
        url: str | None,
        key: str | None,
        *,
        timeouts: Timeouts | None = None,
        retries: Retries | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> Configuration:
        """The configuration, with what is not given taken from PODCAST_API_URL and PODCAST_API_KEY.

        The key may also stand in a file that PODCAST_API_KEY_FILE names.

        Raises:
            ValueError: there is no address, or it cannot be used.
        """
        address = url or environment.get(URL_VARIABLE, "")
        if not address:
            raise ValueError(f"where is the server? Give its address, or set {URL_VARIABLE}")
        if key is None:
            key = environment.get(KEY_VARIABLE, "")
            file = environment.get(f"{KEY_VARIABLE}_FILE", "")
            if not key and file:
                key = Path(file).read_text(encoding="utf-8")
        return cls(address.rstrip("/"), key.strip(), timeouts or Timeouts(), retries or Retries())
