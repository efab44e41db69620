"""What the server answers with, as frozen dataclasses. Times are seconds since the epoch; lengths are seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")

State = Literal["queued", "chunking", "synthesizing", "assembling", "completed", "failed", "cancelled"]
ENDED: frozenset[str] = frozenset({"completed", "failed", "cancelled"})
"""The states in which a job has ended."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        items: what is on it.
        next: the cursor of the next page; None: this is the last.
        unreadable: ids of jobs on this page that the server cannot read.
    """

    items: tuple[T, ...]
    next: str | None
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChunkCounts:
    """How many chunks a job has, and how many are done or failed."""

    total: int = 0
    done: int = 0
    failed: int = 0


@dataclass(frozen=True)
class ChunkFailure:
    """A chunk, or another piece of a job's work, that could not be made, and why."""

    index: int
    text: str = ""
    reason: str = ""
    kind: str = "chunk"


@dataclass(frozen=True)
class StateChange:
    """A job has come into a state.

    Attributes:
        number: 1, 2, 3, … over the job's whole life.
        state: the state.
        at: when, in seconds since the epoch.
    """

    number: int
    state: State
    at: float


@dataclass(frozen=True)
class Links:
    """Where a job and what it made are: paths on the server."""

    self: str = ""
    events: str = ""
    episode: str | None = None
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        job_id: its id.
        state: where it stands.
        title: of the episode.
        author: of the episode.
        chunks: how many there are, and how many are done.
        audio_seconds: of speech so far; the episode's at the end.
        progress: from 0 to 1.
        estimated_seconds_left: until its end; None: unknown.
        stages: stage → seconds that it took.
        files: kind of file → the server's name for it, once it is completed.
        loudness_lufs: of the episode.
        true_peak_dbtp: of the episode.
        error: why it failed, or the reason of its cancellation.
        failures: the first pieces of work that could not be made.
        warnings: what is not as it should be, such as a voice of another language.
        history: its states so far.
        submitted_at, resumed_at, updated_at: times.
        source: a file name, an address, or `text`; empty if the server does not tell.
        passed: in an event: the job had left this state already when the event was sent.
        links: where it is.
    """

    job_id: str
    state: State
    title: str = ""
    author: str = ""
    chunks: ChunkCounts = ChunkCounts()
    audio_seconds: float = 0.0
    progress: float = 0.0
    estimated_seconds_left: float | None = None
    stages: dict[str, float] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    error: str | None = None
    failures: tuple[ChunkFailure, ...] = ()
    warnings: tuple[str, ...] = ()
    history: tuple[StateChange, ...] = ()
    submitted_at: float = 0.0
    resumed_at: float | None = None
    updated_at: float = 0.0
    source: str = ""
    passed: bool = False
    links: Links = Links()

    @property
    def has_ended(self) -> bool:
        """Whether it is completed, failed or cancelled."""
        return self.state in ENDED

    def is_news_after(self, latest: Job | None) -> bool:
        """Whether this is newer than what is known: statuses may arrive twice, or late."""
        return latest is None or self.updated_at > latest.updated_at or (self.has_ended and not latest.has_ended)


@dataclass(frozen=True)
class Submitted:
    """A job that the server has taken."""

    job_id: str
    links: Links = Links()


@dataclass(frozen=True)
class Chunk:
    """A chunk of a job: a piece of its text, spoken by itself.

    Attributes:
        index: its place in the job.
        state: where it stands.
        text: what is spoken.
        chapter: index of its chapter.
        language: its own, as a BCP 47 tag; None: the job's.
        voice: what speaks it; None: the job's voice.
        speaker: who says it in a dialogue; None: the narrator.
        audio_seconds: how long its audio is; None: not known.
        attempts: how often it was tried, if it has failed; None: not known.
        reason: why it has failed.
    """

    index: int
    state: str = ""
    text: str = ""
    chapter: int = 0
    language: str | None = None
    voice: str | None = None
    speaker: str | None = None
    audio_seconds: float | None = None
    attempts: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class WorkRetried:
    """A service failed at a piece of a job's work, and will try again by itself.

    Attributes:
        job_id: of the job.
        service: which one.
        reason: why.
        tries: how often it has tried.
        next_seconds: when it tries again, in seconds from the event on.
    """

    job_id: str
    service: str
    reason: str
    tries: int
    next_seconds: float


@dataclass(frozen=True)
class EventAddress:
    """Where a browser can watch events for a while, without a key.

    Attributes:
        url: for `new EventSource`; who has it can watch.
        expires_at: until when, in seconds since the epoch; None: it does not expire.
        renew_at: when to ask for another one.
    """

    url: str
    expires_at: float | None = None
    renew_at: float | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened to a job.

    Attributes:
        name: `status`; `retrying`; `resync`: what happened between the last event and the next is not known; `gone`:
            the job was deleted.
        id: where the stream goes on after a lost connection.
        job: for `status`.
        retried: for `retrying`.
    """

    name: str
    id: str = ""
    job: Job | None = None
    retried: WorkRetried | None = None

    @property
    def is_last(self) -> bool:
        """Whether nothing more happens to the job."""
        return self.name == "gone" or (self.job is not None and self.job.has_ended and not self.job.passed)


@dataclass(frozen=True)
class Voice:
    """A voice of a speech server.

    Attributes:
        id: what `POST /v1/voices/{id}/sample` wants.
        name: what a job's `voice` wants.
        model: what a job's `model` wants; empty: the server's only one.
        language: a BCP 47 tag; empty: unknown.
        default: whether it is used where no voice is named.
        server: which speech server has it.
    """

    id: str
    name: str = ""
    model: str = ""
    language: str = ""
    default: bool = False
    server: str = ""


@dataclass(frozen=True)
class Health:
    """Whether the server can take jobs now, and why not."""

    ready: bool
    reasons: tuple[str, ...] = ()


Document = dict[str, Any]
"""A document that this client hands through as it is."""
