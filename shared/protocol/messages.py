"""Every message of the system, and the model of a job.

Together with `shared/protocol/topology.py` this is the whole protocol. Messages are frozen, strict (no coercion) and
closed (no unknown fields). Each class names its routing key; `message_id` and `correlation_id = job_id` are AMQP
properties.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

import uuid_utils
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, field_validator, model_validator

from shared.protocol.episode_of_show import EpisodeOfShow
from shared.protocol.narration import LANGUAGE_LIMIT_CHARACTERS, LANGUAGE_PATTERN, Name, Narration

INLINE_TEXT_LIMIT_CHARACTERS = 64_000
"""Longer texts are sent as a claim check: put them into the store and name the key (source kind `object`)."""

JOB_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
JobId = Annotated[str, Field(pattern=rf"^{JOB_ID.pattern}$", max_length=64)]

# Every string and number of a message has a limit: what exceeds it is refused on receipt, before anything is spoken.
CHUNKS_LIMIT: Final = 1_000_000
"""No setting allows more chunks per job."""
PART_CHUNKS: Final = 64
"""Each time so many more chunks are spoken, they are joined ahead: about 13 minutes of speech, 47 times in 10 h."""
CHUNK_TEXT_LIMIT_CHARACTERS: Final = 8_000
"""Twice the largest chunk that any setting allows."""
TRIES_LIMIT: Final = 1_000
"""More are said as so many."""
_SECONDS_LIMIT: Final = 10_000_000.0
_TEXT_LIMIT_CHARACTERS: Final = 2_000

ChunkIndex = Annotated[int, Field(ge=0, lt=CHUNKS_LIMIT)]
Seconds = Annotated[float, Field(ge=0, le=_SECONDS_LIMIT, strict=False)]
OBJECT_KEY_LIMIT_CHARACTERS: Final = 512
ObjectKey = Annotated[str, Field(min_length=1, max_length=OBJECT_KEY_LIMIT_CHARACTERS)]
AudioKey = Annotated[str, Field(pattern=r"^audio/[0-9a-f]{64}(\.flac|/[0-9A-Za-z._-]{1,64})$", max_length=200)]
"""A digest of everything that decides how the audio sounds; see `shared.protocol.manifest.audio_key`."""
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", max_length=500)]
"""Text of one line, without control characters: it ends up in tags and on terminals."""
TagName = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f=]*$", min_length=1, max_length=64)]
TagValue = Annotated[
    str, Field(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$", max_length=_TEXT_LIMIT_CHARACTERS)
]


def _cut(value: object) -> object:
    return value[:_TEXT_LIMIT_CHARACTERS] if isinstance(value, str) else value


Cut = Annotated[str, BeforeValidator(_cut), Field(max_length=_TEXT_LIMIT_CHARACTERS)]
"""Text in one of our documents. It is truncated if too long: a long title or reason must not make a document invalid.
"""

AudioFormat = Literal["mp3", "m4b", "opus", "flac", "wav"]
LoudnessProfile = Literal["mono", "stereo"]
"""`mono`: one channel at -19 LUFS; `stereo`: two channels at -16 LUFS. Both at most -1 dBTP after decoding."""

SampleRate = Literal[16000, 22050, 24000, 44100, 48000]
"""Hz."""

SourceFormat = Literal[
    "text", "markdown", "html", "epub", "docx", "odt", "rtf", "fb2", "rst", "org",
    "pdf", "ipynb", "latex", "mediawiki", "dokuwiki", "docbook", "jats", "asciidoc", "textile", "typst", "djot",
    "opml", "pptx", "xlsx", "csv", "tsv", "zip", "plan", "man", "mdoc", "pod", "eml", "srt", "vtt", "mobi",
]  # fmt: skip
"""What a document is. Added to within a version, never taken from."""


def new_job_id() -> str:
    """A UUIDv7, so that listing jobs by id lists them by time."""
    return str(uuid_utils.uuid7())


# JSON knows neither NaN nor Infinity, but Python's parsers read them.
CLOSED: Final = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
"""Of every message and every document in the store."""


class Frozen(BaseModel):
    """Immutable, strict and closed: the base of every message and every document in the store."""

    model_config = ConfigDict(frozen=True, **CLOSED)


class Message(Frozen):
    """What is published to the exchange `podcast`, as opposed to a document in the store.

    Attributes:
        ROUTING_KEY: the key it is published under, and its AMQP `type`.
        ADVANCES_JOB: a job may wait for what it asks for. If not, its retries are not told to the job's watchers, and
            neither its dead letter nor a replay of that changes a job.
    """

    ROUTING_KEY: ClassVar[str]
    ADVANCES_JOB: ClassVar[bool] = True


# ---------------------------------------------------------------- the job


class TextSource(Frozen):
    """The text itself, inside the message."""

    kind: Literal["text"] = "text"
    text: str = Field(min_length=1, max_length=INLINE_TEXT_LIMIT_CHARACTERS, description="the text to speak")
    format: Literal["text", "markdown", "html", "rst", "org", "plan"] = Field(
        "text", description="how `text` is marked up"
    )


class ObjectSource(Frozen):
    """A document that the client has put into the object store (a claim check)."""

    kind: Literal["object"] = "object"
    key: ObjectKey = Field(description="the object's key in the store, below `jobs/<job_id>/`")
    format: SourceFormat | None = Field(None, description="the document's format; None: by name, then by content")
    name: str = Field("", max_length=255, description="the file name it had, for messages and for guessing the format")


class UrlSource(Frozen):
    """A page or document to fetch over http(s)."""

    kind: Literal["url"] = "url"
    url: HttpUrl = Field(strict=False, description="an http or https address")
    format: SourceFormat | None = Field(None, description="the document's format; None: by content type, then by name")


Source = Annotated[TextSource | ObjectSource | UrlSource, Field(discriminator="kind")]


class PauseLengths(Frozen):
    """Silence after each kind of boundary, in milliseconds."""

    sentence: int = Field(350, ge=0, le=10_000, description="between two chunks inside a paragraph")
    paragraph: int = Field(700, ge=0, le=10_000, description="after a paragraph")
    heading: int = Field(900, ge=0, le=10_000, description="after a heading that was spoken")
    chapter: int = Field(1_800, ge=0, le=10_000, description="before a new chapter")
    turn: int = Field(500, ge=0, le=10_000, description="between two speakers of a dialogue")


class JobWebhook(Frozen):
    """Who is told that the job has ended, besides the endpoints that are registered."""

    url: HttpUrl = Field(strict=False, description="an http or https address without user name and password")
    secret_key: ObjectKey | None = Field(
        None,
        description="key of a `WebhookSecret` in the store, below `jobs/<job_id>/`; None: what is sent is not signed",
    )


class JobRequest(Message):
    """A job: one source in, one episode out. The same model for every entry point (AMQP, command line, later HTTP).

    Published as `job.submitted`. Submitting the same `job_id` twice makes one job: the first request counts.
    """

    ROUTING_KEY: ClassVar[str] = "job.submitted"

    version: Literal[1] = Field(1, description="version of this model")
    job_id: JobId = Field(default_factory=new_job_id, description="chosen by the client or made here (UUIDv7)")
    source: Source = Field(description="what to speak: inline text, an object in the store, or an address")
    title: Line | None = Field(None, description="the episode's title; None: the document's own")
    author: Line | None = Field(None, description="the episode's author; None: the document's own")
    language: str | None = Field(
        None,
        pattern=LANGUAGE_PATTERN,
        max_length=LANGUAGE_LIMIT_CHARACTERS,
        description="BCP 47 tag; None: the document's own, or `en`",
    )
    voice: Name | None = Field(None, description="the voice; None: the engine's default")
    model: Name | None = Field(None, description="the speech model; None: the default")
    speed: float = Field(1.0, ge=0.25, le=4.0, strict=False, description="speaking rate; 1.0 is the voice's own")
    max_parallel: int = Field(5, ge=1, le=100, description="chunks of this job in flight at a time")
    formats: tuple[AudioFormat, ...] = Field(("mp3",), min_length=1, max_length=5, description="files to make")
    chapter_files: bool = Field(
        False, description="also a ZIP archive (`zip`) with a file for each chapter, in the first of `formats`"
    )
    loudness: LoudnessProfile = Field("mono", description="mono: -19 LUFS; stereo: -16 LUFS on two channels")
    pauses: PauseLengths | None = Field(None, description="silences in milliseconds; None: the settings'")
    cover: ObjectKey | None = Field(None, description="key of a JPEG or PNG in the store, below `jobs/<job_id>/`")
    metadata: dict[TagName, TagValue] = Field(
        default_factory=dict, max_length=32, description="more tags for the file: album, date, genre, comment, …"
    )
    webhook: JobWebhook | None = Field(None, description="who is told that the job has ended; None: nobody else")
    narration: Narration = Field(default_factory=Narration, description="what is read aloud, and how it is said")
    show: EpisodeOfShow | None = Field(
        None, description="the show that the episode belongs to, and its place there; None: to none"
    )

    @field_validator("formats")
    @classmethod
    def _formats_are_distinct(cls, value: tuple[AudioFormat, ...]) -> tuple[AudioFormat, ...]:
        if len(set(value)) != len(value):
            raise ValueError("each format may be named once")
        return value

    @model_validator(mode="after")
    def _reads_its_own_objects(self) -> Self:
        named = {"cover": self.cover} if self.cover else {}
        if isinstance(self.source, ObjectSource):
            named["source"] = self.source.key
        if self.webhook is not None and self.webhook.secret_key is not None:
            named["webhook"] = self.webhook.secret_key
        _check_owner(self.job_id, named)
        return self


def _check_owner(job_id: str, named: Mapping[str, str]) -> None:
    """A job may only use objects below `jobs/<job_id>/`: nobody may have another job's document read aloud."""
    for what, key in named.items():
        if not key.startswith(f"jobs/{job_id}/") or ".." in key.split("/"):
            raise ValueError(f"{what} must be an object of this job, below jobs/{job_id}/")


# ---------------------------------------------------------------- what a job would speak

PREVIEW_ID = re.compile(r"[0-9a-f]{32}")
PreviewId = Annotated[str, Field(pattern=rf"^{PREVIEW_ID.pattern}$", max_length=32)]
"""A digest of what is previewed and how: see `PreviewRequested.own_id`."""


class PreviewRequested(Message):
    """client → chunker: read this as a job's source would be read, and store what would be spoken.

    No job: nothing is spoken, and the coordinator is not concerned. The answer is stored as
    `previews/<id>/preview.json`. Its id is derived from everything that decides the answer, so the same preview is made
    once, and nobody can have the answer to one question stored as that to another.
    """

    ROUTING_KEY: ClassVar[str] = "preview.requested"
    ADVANCES_JOB: ClassVar[bool] = False

    version: Literal[1] = 1
    preview_id: PreviewId
    source: Source = Field(description="as in a job; an object's key is below `previews/<preview_id>/`")
    content_sha256: str = Field(
        "", pattern=r"^([0-9a-f]{64})?$", description="of the object that `source` names; empty: it names none"
    )
    title: Line | None = None
    author: Line | None = None
    language: str | None = Field(None, pattern=LANGUAGE_PATTERN, max_length=LANGUAGE_LIMIT_CHARACTERS)
    voice: Name | None = Field(None, description="as in a job")
    model: Name | None = Field(None, description="as in a job")
    speed: float = Field(1.0, ge=0.25, le=4.0, strict=False, description="for the estimate of the length")
    pauses: PauseLengths | None = None
    narration: Narration = Field(default_factory=Narration, description="as in a job")
    read_in: int = Field(
        0,
        ge=0,
        le=10**9,
        description="of an address: the minute since the epoch in which it is read; it may change later",
    )
    cut_by: str = Field("", max_length=64, description="the settings that decide how a text is cut into chunks")
    expires_at: float = Field(
        ge=0, strict=False, description="seconds since the epoch; nobody waits for it after that, so it is not made"
    )

    def own_id(self) -> str:
        """The id that belongs to these fields. Defaults are left out, so that a field can be added."""
        decisive = self.model_dump(mode="json", exclude={"preview_id", "expires_at"}, exclude_defaults=True)
        if isinstance(self.source, ObjectSource):
            decisive["source"].pop("key")
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:32]

    @model_validator(mode="after")
    def _names_its_own(self) -> Self:
        if isinstance(self.source, ObjectSource):
            own = f"previews/{self.preview_id}/"
            if not self.source.key.startswith(own) or ".." in self.source.key.split("/") or not self.content_sha256:
                raise ValueError(f"source must be an object of this preview, below {own}, with its digest")
        if self.preview_id != self.own_id():
            raise ValueError("preview_id must be the digest of what is asked")
        return self


# ---------------------------------------------------------------- between the services


class JobChunked(Message):
    """chunker → coordinator: the manifest is in the store."""

    ROUTING_KEY: ClassVar[str] = "job.chunked"

    version: Literal[1] = 1
    job_id: JobId
    chunks: int = Field(ge=1, le=CHUNKS_LIMIT, description="how many chunks the manifest lists")
    seconds: Seconds = Field(description="how long reading and splitting took")


class SegmentsNeeded(Frozen):
    """What a chunk's audio becomes in its episode: a mastered segment in each format that has a codec."""

    formats: tuple[AudioFormat, ...] = Field(min_length=1, max_length=5, description="those of the job")
    loudness: LoudnessProfile
    is_short: bool = Field(description="the episode has so few chunks that each is levelled by itself")


class ChunkRequested(Message):
    """coordinator → synthesizer: speak this text and store the audio under `audio_key`, and its mastered segments."""

    ROUTING_KEY: ClassVar[str] = "chunk.requested"

    version: Literal[1] = 1
    job_id: JobId
    index: ChunkIndex = Field(description="the chunk's place in the manifest")
    text: str = Field(min_length=1, max_length=CHUNK_TEXT_LIMIT_CHARACTERS)
    language: str = Field(max_length=LANGUAGE_LIMIT_CHARACTERS)
    voice: Name
    model: Name
    speed: float = Field(ge=0.25, le=4.0, strict=False)
    engine: Cut = Field("", description="what speaks, as far as `audio_key` goes")
    sample_rate: SampleRate | None = Field(None, description="of the stored audio, Hz; None: the synthesizer's setting")
    audio_key: AudioKey = Field(description="derived from everything that decides how the chunk sounds")
    mastering: SegmentsNeeded | None = Field(
        None, description="what the job's formats need; None: nothing, as in messages of early 2026"
    )

    @property
    def object_key(self) -> str:
        """The object whose existence finishes this piece of work."""
        return self.audio_key


class PieceRequested(Message):
    """coordinator → an additional stage: make this piece of work. The base of that stage's own message."""

    version: Literal[1] = 1
    job_id: JobId
    object_key: ObjectKey = Field(description="the object that finishes it")


class PieceFinished(Message):
    """An additional stage → coordinator: this piece of work is in the store. The base of that stage's own message.

    `chunk.synthesized` says the same about a chunk, and more.
    """

    version: Literal[1] = 1
    job_id: JobId
    object_key: ObjectKey = Field(description="the object that finishes it")


class ChunkSynthesized(Message):
    """synthesizer → coordinator: the audio is in the store."""

    ROUTING_KEY: ClassVar[str] = "chunk.synthesized"

    version: Literal[1] = 1
    job_id: JobId
    index: ChunkIndex
    audio_key: AudioKey
    audio_seconds: Seconds = Field(gt=0)
    reused: bool = Field(description="the audio was there already; nothing was spoken")
    seconds: Seconds = Field(description="how long the chunk took in the synthesizer")
    tries: int = Field(1, ge=1, le=TRIES_LIMIT, description="how often it was tried, this time included")


class EpisodeRequested(Message):
    """coordinator → assembler: every chunk of this job is in the store."""

    ROUTING_KEY: ClassVar[str] = "episode.requested"

    version: Literal[1] = 1
    job_id: JobId


class EpisodePartRequested(Message):
    """coordinator → assembler: the first `chunks` chunks of a job are in the store.

    Join them ahead, while the others are spoken. Nobody waits for it, and the episode is the same without. Sent for
    jobs of more than `PART_CHUNKS` only.
    """

    ROUTING_KEY: ClassVar[str] = "episode.part_requested"
    ADVANCES_JOB: ClassVar[bool] = False

    version: Literal[1] = 1
    job_id: JobId
    chunks: int = Field(ge=1, le=CHUNKS_LIMIT, description="how many chunks from the beginning, without a gap")


class ChunkLost(Message):
    """assembler → coordinator: a chunk's audio is missing, or was damaged and has been removed; speak it again."""

    ROUTING_KEY: ClassVar[str] = "chunk.lost"

    version: Literal[1] = 1
    job_id: JobId
    index: ChunkIndex
    audio_key: AudioKey
    reason: str = Field(max_length=500)


class EpisodeAssembled(Message):
    """assembler → coordinator: the episode is in the store and was verified to be complete."""

    ROUTING_KEY: ClassVar[str] = "episode.assembled"

    version: Literal[1] = 1
    job_id: JobId
    files: dict[Name, ObjectKey] = Field(
        max_length=32, description="format (also `vtt`, `chapters`, `timing`, `zip`) → key in the store"
    )
    audio_seconds: Seconds = Field(gt=0)
    loudness_lufs: float = Field(strict=False, description="integrated loudness of the decoded result")
    true_peak_dbtp: float = Field(strict=False, description="true peak of the decoded result")
    seconds: Seconds = Field(description="how long assembly took")

    @model_validator(mode="after")
    def _files_are_its_own(self) -> Self:
        _check_owner(self.job_id, self.files)
        return self


class JobCancelRequested(Message):
    """client → coordinator: stop this job."""

    ROUTING_KEY: ClassVar[str] = "job.cancel"

    version: Literal[1] = 1
    job_id: JobId
    reason: str = Field("cancelled by the client", max_length=500)


class JobResumeRequested(Message):
    """client → coordinator: reopen a failed job, with a fresh deadline, and request what is not finished.

    Published by `podcast retry`, and by a replay after the dead letter has been sent back to its queue. Nothing else
    reopens a job. It has no effect on a job that is running or completed.
    """

    ROUTING_KEY: ClassVar[str] = "job.resume"

    version: Literal[1] = 1
    job_id: JobId
    reason: str = Field("resumed by the client", max_length=500)
    sent_back_to: str = Field(
        "",
        max_length=100,
        description="the work queue that a dead letter of the job was just sent back to: what it asks for needs no"
        " second message, and a cancelled job stays cancelled; empty: nothing was sent back",
    )
    index: ChunkIndex | None = Field(None, description="the piece that the letter was about, if it was about one")
    object_key: ObjectKey | None = Field(
        None,
        description="the object that the letter asks for, if it says so: if the piece was corrected since the letter"
        " died, the job waits for another one",
    )


class ReconcileRequested(Message):
    """coordinator → the active coordinator: look for stalled jobs.

    Every coordinator process publishes one when it starts and then at an interval. The broker delivers it to the only
    active consumer, so no process has to know whether it is the active one.
    """

    ROUTING_KEY: ClassVar[str] = "job.reconcile"

    version: Literal[1] = 1
    starting: bool = Field(description="the sender has just started: look at every job")


# ---------------------------------------------------------------- for watchers

JobState = Literal["queued", "chunking", "synthesizing", "assembling", "completed", "failed", "cancelled"]
TERMINAL_STATES: frozenset[JobState] = frozenset({"completed", "failed", "cancelled"})


class ChunkCounts(Frozen):
    """How many chunks a job has, and how many are done or failed."""

    total: int = Field(0, ge=0)
    done: int = Field(0, ge=0)
    failed: int = Field(0, ge=0)


class StateChange(Frozen):
    """A job has come into a state."""

    number: int = Field(ge=1, description="1, 2, 3, … over the job's whole life")
    state: JobState
    at: float = Field(strict=False, description="seconds since the epoch")


HISTORY_LIMIT: Final = 64
"""How many changes of a job's state its status keeps. A job makes five, and three more each time it is resumed."""


class JobStatus(Frozen):
    """`jobs/<job_id>/status.json`: written by the coordinator alone, for readers."""

    version: Literal[1] = 1
    job_id: JobId
    state: JobState
    title: Cut = ""
    author: Cut = Field("", description="as far as it is known; statuses of early versions have none")
    chunks: ChunkCounts = ChunkCounts()
    audio_seconds: float = Field(
        0.0, strict=False, description="seconds of speech done so far; the episode's at the end"
    )
    stages: dict[Name, float] = Field(default_factory=dict, max_length=32, description="stage → seconds it took")
    files: dict[Name, ObjectKey] = Field(default_factory=dict, description="format → key, once completed")
    loudness_lufs: float | None = Field(None, strict=False)
    true_peak_dbtp: float | None = Field(None, strict=False)
    error: Cut | None = None
    failures: tuple[ChunkFailure, ...] = Field((), description="the first pieces of work that cannot be made, and why")
    warnings: tuple[Cut, ...] = Field(
        (), description="what is not as it should be, such as a voice of another language, and what to do about it"
    )
    lost: dict[ObjectKey, int] = Field(
        default_factory=dict, description="object key → how often the assembler did not find it; bounded"
    )
    finished: dict[Name, str] = Field(
        default_factory=dict,
        description="kind of piece → a bitmap of what is finished, for a coordinator that restarts; a hint: the truth"
        " is the object in the store",
    )
    submitted_at: float = Field(strict=False, description="seconds since the epoch")
    resumed_at: float | None = Field(
        None, strict=False, description="when it was last opened again; its deadline counts from here"
    )
    updated_at: float = Field(strict=False, description="seconds since the epoch")
    history: tuple[StateChange, ...] = Field(
        (),
        description=f"the latest {HISTORY_LIMIT} changes of its state, oldest first; empty: an older version wrote it",
    )
    traced: bool = Field(
        False, description="a client whose word counts has asked for it to be traced (`PODCAST_TRACES_TRUST_CLIENTS`)"
    )

    @field_validator("state", mode="before")
    @classmethod
    def _state_of_an_old_status(cls, value: object) -> object:
        """Status files from 2026 call the state `speaking`."""
        return "synthesizing" if value == "speaking" else value


class ChunkFailure(Frozen):
    """One chunk that could not be spoken, or another piece of work that could not be made."""

    kind: Name = Field("chunk", description="what kind of piece it is")
    index: ChunkIndex
    text: Cut
    reason: Cut
    attempts: int | None = Field(None, ge=1, description="how often it was tried; None: not known")


EventName = Literal["started", "progressed", "completed", "failed", "cancelled"]


class JobEvent(Frozen):
    """For watchers, on exchange `podcast.events` with routing key `<name>.<job_id>`; transient, may be lost."""

    version: Literal[1] = 1
    name: EventName
    status: JobStatus

    @model_validator(mode="after")
    def _name_fits_state(self) -> Self:
        if self.name in TERMINAL_STATES and self.name != self.status.state:
            raise ValueError(f"{self.name} with a job that is {self.status.state}")
        return self

    @property
    def is_change(self) -> bool:
        """Whether it tells of a new state, rather than of progress within one."""
        history = self.status.history
        return bool(history) and history[-1].at == self.status.updated_at


class WorkRetried(Frozen):
    """For watchers, on exchange `podcast.events` with routing key `retrying.<job_id>`; transient, may be lost.

    A service failed at a piece of a job's work and will try again by itself.
    """

    EVENT: ClassVar[str] = "retrying"

    version: Literal[1] = 1
    job_id: JobId
    service: str = Field(max_length=100, description="which one tries again")
    reason: str = Field(max_length=500, description="why, in a sentence")
    tries: int = Field(ge=1, description="how often it has tried")
    next_seconds: float = Field(ge=0, le=1_000_000, strict=False, description="when it tries again, seconds from now")


# ---------------------------------------------------------------- a job's end, for other services


class JobEnded(Message):
    """A job has ended. Durable: a service that binds its own queue to the routing key misses none.

    Published before the job leaves `active/`, so at least once; after a crash possibly twice, with the same
    `message_id`. A resumed job ends again.
    """

    version: Literal[1] = 1
    job_id: JobId
    title: Cut
    submitted_at: float = Field(strict=False, description="seconds since the epoch")
    ended_at: float = Field(strict=False, description="seconds since the epoch")


class JobCompleted(JobEnded):
    """coordinator → any subscriber: the episode is in the store and was verified to be complete."""

    ROUTING_KEY: ClassVar[str] = "job.completed"

    files: dict[Name, ObjectKey] = Field(
        description="format (also `vtt`, `chapters`, `timing`, `zip`) → key in the store"
    )
    audio_seconds: float = Field(strict=False, description="of the episode")
    warnings: tuple[Cut, ...] = Field((), description="what is not as it should be, and what to do about it")


class JobFailed(JobEnded):
    """coordinator → any subscriber: the job has failed; `job.resume` reopens it."""

    ROUTING_KEY: ClassVar[str] = "job.failed"

    error: Cut = Field(description="why")


class JobCancelled(JobEnded):
    """coordinator → any subscriber: the job was cancelled; `job.resume` reopens it."""

    ROUTING_KEY: ClassVar[str] = "job.cancelled"

    reason: Cut = Field(description="what the client gave as its reason")


# ---------------------------------------------------------------- webhooks

WEBHOOK_PAYLOAD_LIMIT_CHARACTERS: Final = 200_000
"""More than the payload of any job's end takes."""


class WebhookRequested(Message):
    """webhooks, gateway → webhooks: send this to this endpoint, with one HTTP POST.

    It has neither the address nor a secret: both are read from the store each time it is tried.
    """

    ROUTING_KEY: ClassVar[str] = "webhook.requested"

    version: Literal[1] = 1
    webhook_id: str = Field(
        pattern=r"^msg_[0-9a-f]{32}$",
        description="the header `webhook-id`: the same however often it is sent, so that a receiver can tell",
    )
    endpoint_id: str | None = Field(
        pattern=r"^we_[0-9a-f]{32}$", description="the endpoint; None: the address in the request of the job itself"
    )
    job_id: JobId | None = Field(description="the job that it tells of; None: it is a test")
    payload: str = Field(
        min_length=2, max_length=WEBHOOK_PAYLOAD_LIMIT_CHARACTERS, description="the body, as it is sent: JSON"
    )

    @model_validator(mode="after")
    def _has_a_receiver(self) -> Self:
        if self.endpoint_id is None and self.job_id is None:
            raise ValueError("neither an endpoint nor a job is named")
        return self


# ---------------------------------------------------------------- feeds

FEED_ID: Final = re.compile(r"fd_[0-9a-f]{32}")
FeedId = Annotated[str, Field(pattern=rf"^{FEED_ID.pattern}$", max_length=35)]
"""Derived from the address that was given first, and the show: the same feed is added once."""


class FeedPollRequested(Message):
    """feeds (its schedule), gateway, operator → feeds: fetch this feed once, and make jobs of its new items.

    What a poll finds is decided by objects in the store, so a poll that is asked for twice makes nothing twice.
    """

    ROUTING_KEY: ClassVar[str] = "feed.poll"

    version: Literal[1] = 1
    feed_id: FeedId
    due_at: float = Field(ge=0, strict=False, description="when it should have been polled, in seconds since the epoch")
    requested_at: float = Field(
        ge=0, strict=False, description="seconds since the epoch; a feed that was polled since is not polled again"
    )
    by_hand: bool = Field(False, description="somebody asked for it: the feed is polled however lately it was")


ENDINGS: dict[JobState, type[JobEnded]] = {"completed": JobCompleted, "failed": JobFailed, "cancelled": JobCancelled}


JobStatus.model_rebuild()
