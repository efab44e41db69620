"""What `/v1/dead-letters` reads and answers: groups, single dead letters, selections."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal, Self, TypeAlias

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from services.gateway.json_types import JsonInteger
from shared.dead_letters.grouping import LetterGroup
from shared.dead_letters.letter import ID_CHARACTERS, DeadLetter
from shared.dead_letters.selection import Selection, queue_named
from shared.protocol.messages import JOB_ID, JobId
from shared.protocol.topology import WORK_QUEUES

LETTER_ID = rf"^[0-9a-f]{{{ID_CHARACTERS}}}(-[0-9]{{1,6}})?$"
QUEUE = rf"^({'|'.join(queue.name for queue in WORK_QUEUES)})$"
IDS_MOST = 1_000

LetterId = Annotated[str, Field(pattern=LETTER_ID)]
QueueName = Annotated[str, Field(pattern=QUEUE)]
Reason = Annotated[str, Field(min_length=1, max_length=4_000)]
QueueAsked = Annotated[str | None, Query(pattern=QUEUE, description="only those of this work queue")]
JobAsked = Annotated[str | None, Query(pattern=f"^{JOB_ID.pattern}$", description="only those of this job")]
ReasonAsked = Annotated[
    str | None, Query(min_length=1, max_length=4_000, description="only those with this reason, as groups have it")
]


class DeadLetterGroup(BaseModel):
    """Dead letters of one queue and one job with the same reason."""

    id: str = Field(description="of the oldest one", examples=["3f1c0d52a9be"])
    letters: int = Field(description="how many")
    queue: str = Field(description="their work queue", examples=["synthesizer"])
    job_id: str | None = Field(description="the job they belong to; null: unknown")
    title: str = Field(description="of the job; empty: unknown")
    reason: str = Field(description="why, in one sentence")
    error: str = Field(description="the class of the oldest one's exception; empty: the broker gave it up")
    oldest_at: str | None = Field(description="when the first became a dead letter, ISO 8601; null: unknown")
    newest_at: str | None = Field(description="when the last became a dead letter, ISO 8601; null: unknown")


class DeadLetterGroups(BaseModel):
    """A page of groups."""

    groups: list[DeadLetterGroup] = Field(description="in the order in which the first of each died")
    letters: int = Field(description="how many dead letters there are in all groups, also those of other pages")
    next: str | None = Field(description="the `cursor` of the next page; null: this is the last")


class FailedTry(BaseModel):
    """A try to handle a message."""

    attempt: int = Field(description="1 is the first")
    at: str = Field(description="when it failed, ISO 8601")
    error: str = Field(description="why")


class DeadLetterDocument(BaseModel):
    """A message that could not be handled."""

    id: str = Field(description="derived from its content: the same at every look", examples=["3f1c0d52a9be"])
    queue: str = Field(description="its work queue")
    job_id: str | None = Field(description="the job it belongs to; null: unknown")
    chunk: int | None = Field(description="the chunk it is about; null: none, or unknown")
    reason: str = Field(description="why it became a dead letter")
    error: str = Field(description="the class of the exception; empty: the broker gave it up")
    attempts: list[FailedTry] = Field(description="the failed tries, oldest first; at most the last 20")
    time: str | None = Field(description="when it became a dead letter, ISO 8601; null: unknown")
    text: str | None = Field(description="what was to be spoken, or else the body; null: it is no text")
    type: str = Field(description="the kind of message", examples=["chunk.requested"])
    size_bytes: int = Field(description="of its body")
    replays: int = Field(description="how often it has been replayed before")
    stacktrace: str = Field(description="where it failed; may be empty")
    message_id: str | None = Field(description="not unique: one message can become several dead letters")


class WholeDeadLetter(DeadLetterDocument):
    """A dead letter with its message, which can be corrected and replayed."""

    payload: JsonValue = Field(description="the message itself; null: it is no JSON")


class DeadLetterPage(BaseModel):
    """A page of dead letters."""

    letters: list[DeadLetterDocument] = Field(description="oldest first within their queue")
    next: str | None = Field(description="the `cursor` of the next page; null: this is the last")


class ByIds(BaseModel):
    """These dead letters."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"ids": ["3f1c0d52a9be"]}]})

    ids: list[LetterId] = Field(min_length=1, max_length=IDS_MOST, description="their ids")

    def selection(self) -> Selection:
        """As the dead letters understand it."""
        return Selection(ids=frozenset(self.ids))


class ById(ByIds):
    """This dead letter."""

    ids: list[LetterId] = Field(min_length=1, max_length=1, description="its id")


class ByKind(BaseModel):
    """Dead letters that have all this in common; at least one field is given."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"minProperties": 1, "examples": [{"job_id": "0193f0a2-7b6e-7c7e-9d0e-2f4f7a1f6a11"}]},
    )

    queue: QueueName = Field("", validate_default=False, description="their work queue")
    job_id: JobId = Field("", validate_default=False, description="the job they belong to")
    reason: Reason = Field("", validate_default=False, description="why, as `reason` of a group")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("say which: `ids`; or any of `queue`, `job_id` and `reason`; or `all`")
        return self

    def selection(self) -> Selection:
        """As the dead letters understand it."""
        return selection_of(self.queue or None, self.job_id or None, self.reason or None)


class Everything(BaseModel):
    """Every dead letter in every queue."""

    model_config = ConfigDict(extra="forbid", strict=True)

    all: Literal[True] = Field(description="true: all of them")

    def selection(self) -> Selection:
        """As the dead letters understand it."""
        return Selection()


LetterSelection: TypeAlias = ByIds | ByKind | Everything
"""Which dead letters; there is no default, so that nothing is removed by mistake."""


class LettersWanted(BaseModel):
    """Dead letters to replay or to discard."""

    model_config = ConfigDict(extra="forbid", strict=True)

    selection: LetterSelection = Field(description="which")
    dry_run: bool = Field(False, description="only count them")
    limit: JsonInteger = Field(1_000, ge=1, le=1_000, description="at most this many in this request")


class CorrectionWanted(LettersWanted):
    """A dead letter to replay with a corrected message."""

    selection: ById = Field(description="which one")
    payload: dict[str, JsonValue] = Field(description="the corrected message, to be sent in place of its own")


class LettersDone(BaseModel):
    """What was done, or would be."""

    count: int = Field(description="how many dead letters")
    ids: list[str] = Field(description="which")
    missing: list[str] = Field(description="ids that were asked for and are not there (any more)")
    more: bool = Field(description="whether `limit` has left some of the selected ones; ask again for the rest")
    dry_run: bool = Field(description="whether it was only counted")


def selection_of(queue: str | None, job_id: str | None, reason: str | None, ids: list[str] | None = None) -> Selection:
    """The selection with these conditions."""
    return Selection(
        queues=(queue_named(queue),) if queue else WORK_QUEUES,
        job_id=job_id,
        reason=reason,
        ids=frozenset(ids) if ids is not None else None,
    )


def group_document(group: LetterGroup, title: str) -> DeadLetterGroup:
    """A group, as it is answered."""
    oldest = group.oldest
    return DeadLetterGroup(
        id=oldest.id,
        letters=group.letters,
        queue=oldest.queue,
        job_id=oldest.job_id,
        title=title,
        reason=group.reason,
        error=oldest.error,
        oldest_at=oldest.time,
        newest_at=group.newest.time,
    )


def letter_document(letter: DeadLetter) -> dict[str, Any]:
    """The fields of a dead letter."""
    return asdict(letter)
