"""The speech servers that a synthesizer may call, and which of them is next."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from services.synthesizer.breaker import Breaker

SPEECH_PATH = "/v1/audio/speech"
MODELS_PATH = "/v1/models"


@dataclass(eq=False)
class Endpoint:
    """One speech server.

    Attributes:
        base: its address as configured; it may include `/v1` and the route's path.
        breaker: whether it may be called.
        in_flight: calls of this process that it is answering.
        calls: calls begun so far, so that idle endpoints take turns.
    """

    base: str
    breaker: Breaker
    in_flight: int = 0
    calls: int = field(default=0, repr=False)

    @property
    def url(self) -> str:
        """The address of the speech route."""
        return self._root + SPEECH_PATH

    @property
    def models_url(self) -> str:
        """An address that costs a server nothing to answer."""
        return self._root + MODELS_PATH

    @property
    def _root(self) -> str:
        return self.base.removesuffix(SPEECH_PATH).removesuffix("/v1")

    @property
    def name(self) -> str:
        """Its address for people: without any password in it."""
        parts = urlsplit(self.base)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine: then it is never called through a proxy."""
        return urlsplit(self.base).hostname in {"127.0.0.1", "localhost"}

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count a call while it lasts."""
        self.calls += 1
        self.in_flight += 1
        self.breaker.begin()
        try:
            yield
        finally:
            self.in_flight -= 1


def choose(endpoints: Collection[Endpoint], *, avoid: str | None = None) -> Endpoint | None:
    """The endpoint to call next: the one with the fewest calls in flight; equal ones take turns.

    Args:
        endpoints: the candidates.
        avoid: name of an endpoint that is chosen only if there is no other.

    Returns:
        None if no candidate may be called now.
    """
    open_ones = [endpoint for endpoint in endpoints if endpoint.breaker.admits]
    return min(
        open_ones, key=lambda endpoint: (endpoint.name == avoid, endpoint.in_flight, endpoint.calls), default=None
    )
