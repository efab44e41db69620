"""Spans of OpenTelemetry traces; without a recorder, which is the default, they do nothing and cost next to nothing.

This module knows no OpenTelemetry: `shared/runtime/trace_export.py` loads it, and sets the recorder, only where traces
are switched on. Only a job or an HTTP request begins a trace (docs/adr/0020-traces.md): what happens outside of one,
such as a readiness check, is not recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Final, Literal, Protocol, Self, TypeAlias

from shared.errors import Conflict, NotFound
from shared.tracing.context import TraceContext, of_job, of_resumption

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value: TypeAlias = str | bool | int | float
Attributes: TypeAlias = Mapping[str, Value | None]
"""Names by OpenTelemetry's semantic conventions, or below `podcast.`; those that are None are left out."""

_ANSWERS: Final = (NotFound, Conflict)
"""Raised where the operation itself has succeeded: the store says that there is no such object."""


class Span:
    """One operation. Entered as a context manager it is the current one, and it ends with the context.

    This class records nothing: it stands for what is not traced, but passes its context on.

    Attributes:
        context: None: there is no trace.
        because_of: what gave occasion to what is published in its context, and is no ancestor of it.
        is_forced: somebody who may has asked for it to be traced, and so for the job that comes of it.
    """

    def __init__(self, context: TraceContext | None = None, *, because_of: TraceContext | None = None) -> None:
        self.context = context
        self.because_of = because_of
        self.is_forced = False
        self._token: Token[Span] | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether anything is recorded, so that attributes are worth computing."""
        return False

    @property
    def trace_id(self) -> str | None:
        """For logs; None if nothing is recorded."""
        return self.context.trace if self.is_recorded and self.context is not None else None

    def set(self, attributes: Attributes) -> None:
        """Add attributes."""

    def event(self, name: str, attributes: Attributes) -> None:
        """Note that something happened now."""

    def link(self, context: TraceContext) -> None:
        """It has to do with another span, of another trace."""

    def rename(self, name: str) -> None:
        """Give it the name that was not known when it began."""

    def failed(self, error: BaseException | str, *, reason: str | None = None) -> None:
        """The operation has failed.

        Args:
            error: why; its class, or this word, becomes `error.type`.
            reason: a sentence; None: the error's own.
        """

    def end(self, at: float | None = None) -> None:
        """The operation is over.

        Args:
            at: seconds since the epoch; None: now.
        """

    def __enter__(self) -> Self:
        self._token = _CURRENT.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _CURRENT.reset(self._token)
            self._token = None
        if isinstance(error, _ANSWERS):
            self.set({"podcast.answer": next(kind.__name__ for kind in _ANSWERS if isinstance(error, kind))})
        elif error is not None:
            self.failed(error)
        self.end()


class _Nothing(Span):
    """The absence of a trace, shared by all: entering it changes nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


NOTHING: Final[Span] = _Nothing()
_CURRENT: ContextVar[Span] = ContextVar("span", default=NOTHING)


class Recorder(Protocol):
    """What makes spans that are recorded: `shared/tracing/recorder.py`.

    Attributes:
        ratio: the share of jobs, and of requests, that is traced.
        trusts_clients: whether a client's context may say that a request is traced.
    """

    ratio: float
    trusts_clients: bool

    def start(
        self,
        name: str,
        *,
        kind: Kind,
        parent: TraceContext | None,
        links: Sequence[TraceContext],
        attributes: Attributes,
        began_at: float | None = None,
        own: TraceContext | None = None,
    ) -> Span:
        """A span that is recorded.

        Args:
            name: of the operation.
            kind: of the span.
            parent: None: it begins a trace.
            links: other spans that it has to do with.
            attributes: of the span.
            began_at: seconds since the epoch; None: now.
            own: its ids; None: new ones.
        """


_recorder: Recorder | None = None


def record_with(recorder: Recorder | None) -> None:
    """Switch traces on for this process, or off."""
    global _recorder  # noqa: PLW0603 - one for the process, as with logging
    _recorder = recorder


def recorder() -> Recorder | None:
    """What records this process's spans; None: traces are off."""
    return _recorder


def current() -> Span:
    """The span of what is happening now; `NOTHING` outside of a trace."""
    return _CURRENT.get()


def start(
    name: str,
    *,
    kind: Kind,
    parent: TraceContext | None,
    links: Sequence[TraceContext] = (),
    attributes: Attributes | None = None,
    began_at: float | None = None,
    own: TraceContext | None = None,
) -> Span:
    """Begin a span with a given parent; the arguments are `Recorder.start`'s. Without a parent, nothing is recorded.

    One that has `own` ids begins a trace, if it has no parent.
    """
    above = parent or own
    if _recorder is None or above is None:
        return NOTHING
    if not above.is_sampled:
        return Span(above)
    return _recorder.start(
        name, kind=kind, parent=parent, links=links, attributes=attributes or {}, began_at=began_at, own=own
    )


def span(name: str, *, kind: Kind = "internal", attributes: Attributes | None = None) -> Span:
    """Begin a span below the current one; outside of a trace, nothing is recorded."""
    if _recorder is None:
        return NOTHING
    return start(name, kind=kind, parent=_CURRENT.get().context, attributes=attributes)


def job_span(name: str, job_id: str) -> Span:
    """Begin a span of a job below the job's own, wherever this is done; it and the current one link to each other."""
    here = current()
    is_forced = here.is_forced
    job = job_context(job_id, is_forced=is_forced)
    others = [] if here.context is None or job is None or here.context.trace_id == job.trace_id else [here.context]
    found = start(name, kind="internal", parent=job, links=others, attributes={"podcast.job.id": job_id})
    if found.is_recorded and found.context is not None and others:
        here.link(found.context)
    here.set({"podcast.job.id": job_id})
    return found


def job_context(job_id: str, *, resumed_at: float | None = None, is_forced: bool = False) -> TraceContext | None:
    """The context of all that is done for a job; None if traces are off."""
    if _recorder is None:
        return None
    context = of_job(job_id, ratio=_recorder.ratio, is_forced=is_forced)
    return of_resumption(context, resumed_at) if resumed_at else context
