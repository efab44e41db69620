"""`previews/<id>/preview.json`: what a job would speak, or why its source cannot be read.

Written by the chunker; read by the gateway, which sends it as it is. Removed after a day.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from shared.protocol.manifest import Omission, PauseClass
from shared.protocol.messages import (
    CHUNK_TEXT_LIMIT_CHARACTERS,
    CHUNKS_LIMIT,
    AudioKey,
    Cut,
    Frozen,
    PreviewId,
)
from shared.protocol.narration import LANGUAGE_LIMIT_CHARACTERS, LanguageTag, Name, SpeakerName

REFUSAL_LIMIT_BYTES: Final = 32_768
"""A refusal is never larger, so a larger object is a preview and need not be parsed to be sent."""


class PreviewChunk(Frozen):
    """A text that would be spoken in one call."""

    text: str = Field(min_length=1, max_length=CHUNK_TEXT_LIMIT_CHARACTERS, description="as it would be spoken")
    written: str = Field(
        "", max_length=CHUNK_TEXT_LIMIT_CHARACTERS, description="as it stands in the document; empty: the same"
    )
    pause_after: PauseClass = Field(description="the boundary after it")
    language: LanguageTag | None = Field(None, description="its own; null: the document's")
    voice: Name | None = Field(None, description="its own; null: the document's")
    speaker: SpeakerName | None = Field(None, description="who says it in a dialogue; null: the narrator")
    audio_key: AudioKey | None = Field(
        None, description="where a job would store its audio; equal keys are spoken once; null: of an earlier version"
    )


class PreviewChapter(Frozen):
    """A chapter as it would be spoken."""

    number: int = Field(1, ge=1, description="in the whole document, from 1; `narration.chapters` chooses by it")
    title: Cut
    level: int = Field(ge=1, description="1 is the highest")
    characters: int = Field(ge=0, description="of all its chunks")
    estimated_seconds: float = Field(ge=0, strict=False, description="of speech and pauses, at the speed asked for")
    chunks: tuple[PreviewChunk, ...] = Field(max_length=CHUNKS_LIMIT)


class Preview(Frozen):
    """What would be spoken: the chunks are those of a job with the same source and options."""

    version: Literal[1] = 1
    outcome: Literal["readable"] = "readable"
    preview_id: PreviewId
    made_at: float = Field(strict=False, description="seconds since the epoch")
    title: Cut
    author: Cut
    language: str = Field(max_length=LANGUAGE_LIMIT_CHARACTERS, description="BCP 47 tag")
    voice: str = Field("", max_length=100, description="that speaks what names no other; empty: not known")
    characters: int = Field(ge=0, description="of everything that would be spoken")
    chunk_count: int = Field(ge=1, description="how many calls to a speech server that takes")
    estimated_seconds: float = Field(ge=0, strict=False, description="of the episode; a voice may differ by a quarter")
    chapters: tuple[PreviewChapter, ...] = Field(max_length=CHUNKS_LIMIT)
    omissions: tuple[Omission, ...] = Field((), description="what would not be spoken, and why")
    warnings: tuple[Cut, ...] = Field((), description="what would not be spoken as it should be")
    repairs: tuple[Cut, ...] = Field((), description="what was wrong with the document, and how it was read after all")


RefusalKind = Literal["BadInput", "BadSource", "ForbiddenAddress", "TooLarge", "DeadlineExceeded", "Transient", "Busy"]
"""The class of the error in `shared.errors`, or `Busy`: nobody came to read it in time."""


class PreviewRefused(Frozen):
    """Why a source cannot be read; what a job with it would fail with."""

    version: Literal[1] = 1
    outcome: Literal["refused"] = "refused"
    preview_id: PreviewId
    made_at: float = Field(strict=False, description="seconds since the epoch")
    kind: RefusalKind
    message: Cut
    hint: Cut = ""

    @property
    def is_temporary(self) -> bool:
        """Whether another try may succeed."""
        return self.kind in {"DeadlineExceeded", "Transient", "Busy"}


Outcome = Annotated[Preview | PreviewRefused, Field(discriminator="outcome")]
_OUTCOME: Final[TypeAdapter[Preview | PreviewRefused]] = TypeAdapter(Outcome)


def read_outcome(data: bytes) -> Preview | PreviewRefused:
    """Read what the chunker stored, ignoring fields that a newer version added.

    Raises:
        ValidationError: it is neither.
    """
    return _OUTCOME.validate_json(data, extra="ignore")
