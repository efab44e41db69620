"""`jobs/<job_id>/manifest.json`: what is spoken, in which order, with which pauses, and what was left out.

Written once by the chunker. A replay with an edited message writes a second one beside it, `corrected.json`, which then
counts (`shared.store.job_manifest` reads the one that counts).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from shared.languages import normalised
from shared.protocol.messages import (
    CHUNK_TEXT_LIMIT_CHARACTERS,
    CHUNKS_LIMIT,
    CLOSED,
    AudioKey,
    ChunkIndex,
    ChunkRequested,
    Cut,
    Frozen,
    JobId,
    JobRequest,
    PauseLengths,
    SampleRate,
    SegmentsNeeded,
)
from shared.protocol.narration import LANGUAGE_LIMIT_CHARACTERS, LanguageTag, Name, SpeakerName

PauseClass = Literal["none", "sentence", "paragraph", "heading", "chapter"]
"""The boundary after a chunk. `none`: the cut is inside a sentence that was over the limit by itself."""

SHORT_EPISODE_CHUNKS = 10
"""In an episode of at most this many chunks each is levelled by itself (`shared/audio/segments/mastering.py`)."""

PROCESSING_VERSION = 1
"""Increment it when trimming, fading or resampling changes how a stored chunk sounds."""

CUTTING_VERSION = 2
"""Increment it when a text is cut into other chunks than before, or a preview tells more of them: it is made again."""


@dataclass(frozen=True, slots=True, kw_only=True, config=CLOSED)
class Chunk:
    """A piece of text that is synthesized in one call.

    A dataclass, since a book has ten thousand of them: as a model, each would take five times the memory.
    """

    index: ChunkIndex = Field(description="0, 1, 2, … without gaps")
    text: str = Field(
        min_length=1,
        max_length=CHUNK_TEXT_LIMIT_CHARACTERS,
        description="text as it is sent to the speech engine",
    )
    written: str = Field(
        "",
        max_length=CHUNK_TEXT_LIMIT_CHARACTERS,
        description="the text as it stands in the document, for captions; empty: the same as `text`",
    )
    language: LanguageTag | None = Field(None, description="of this chunk; None: the manifest's")
    voice: Name | None = Field(None, description="of this chunk; None: the manifest's")
    model: Name | None = Field(None, description="of this chunk; None: the manifest's")
    speaker: SpeakerName | None = Field(None, description="who says it in a dialogue; None: the narrator")
    ends_turn: bool = Field(
        False, description="another speaker follows: the pause is `turn`, whatever `pause_after` is"
    )
    chapter: int = Field(ge=0, description="index of the chapter it belongs to")
    pause_after: PauseClass
    audio_key: AudioKey = Field(description="where its audio is stored; equal keys are one piece of audio")


class Chapter(Frozen):
    """A chapter: a heading or an entry of the table of contents."""

    title: Cut = Field(min_length=1)
    level: int = Field(ge=1, description="1 is the highest")
    first_chunk: ChunkIndex = Field(description="index of its first chunk")


class Omission(Frozen):
    """Something in the document that is deliberately not spoken."""

    kind: Cut = Field(description="code, table, footnote, image, math, raw, …")
    reason: Cut
    count: int = Field(ge=1)
    sample: Cut = Field("", description="the beginning of the first one")


class Correction(Frozen):
    """A chunk as an operator has corrected it; its text and `audio_key` are also those of the chunk."""

    index: ChunkIndex = Field(description="the first chunk that it is about; chunks that were equal to it are too")
    audio_key: AudioKey = Field(description="of this job alone")
    language: str = Field(max_length=LANGUAGE_LIMIT_CHARACTERS)
    voice: Name
    model: Name
    speed: float = Field(ge=0.25, le=4.0, strict=False)


class Manifest(Frozen):
    """Everything that the coordinator and the assembler need to know about a job."""

    version: Literal[1] = 1
    job_id: JobId
    request: JobRequest = Field(description="what was asked")
    title: Cut
    author: Cut
    album: Cut = Field("", description="what the episode is a part of: the site of an article; empty: its title")
    has_cover: bool = Field(
        False, description="`cover.jpg`, beside this, was found in the source; the cover that the request names wins"
    )
    language: str = Field(max_length=LANGUAGE_LIMIT_CHARACTERS)
    voice: Name
    model: Name
    engine: Cut = Field("", description="what speaks, as far as the audio keys go")
    sample_rate: SampleRate | None = Field(
        None, description="of the chunks and the episode, Hz; None: the settings', as in manifests of early 2026"
    )
    pauses: PauseLengths
    chapters: tuple[Chapter, ...] = Field(min_length=1, max_length=CHUNKS_LIMIT)
    chunks: tuple[Chunk, ...] = Field(min_length=1, max_length=CHUNKS_LIMIT)
    omissions: tuple[Omission, ...] = ()
    repairs: tuple[Cut, ...] = Field((), description="what was wrong with the document, and how it was read after all")
    warnings: tuple[Cut, ...] = Field((), description="what is not spoken as it should be, and what to do about it")
    corrections: tuple[Correction, ...] = Field((), description="what operators have corrected; not in manifest.json")

    def pause_ms(self, chunk: Chunk) -> int:
        """Silence after `chunk`, in milliseconds."""
        if chunk.ends_turn:
            return self.pauses.turn
        return 0 if chunk.pause_after == "none" else int(getattr(self.pauses, chunk.pause_after))

    def voice_of(self, index: int) -> tuple[str, str, str]:
        """What speaks a chunk: engine, model and voice, as in the message that asks for its audio."""
        chunk = self.chunks[index]
        corrected = self._correction_of(chunk)
        if corrected is not None:
            return self.engine, corrected.model, corrected.voice
        return self.engine, chunk.model or self.model, chunk.voice or self.voice

    def _correction_of(self, chunk: Chunk) -> Correction | None:
        return next((each for each in self.corrections if each.audio_key == chunk.audio_key), None)

    def chunk_request(self, index: int) -> ChunkRequested:
        """The message that asks for a chunk's audio."""
        chunk = self.chunks[index]
        corrected = self._correction_of(chunk)
        return ChunkRequested(
            job_id=self.job_id,
            index=index,
            text=chunk.text,
            language=(chunk.language or self.language) if corrected is None else corrected.language,
            voice=(chunk.voice or self.voice) if corrected is None else corrected.voice,
            model=(chunk.model or self.model) if corrected is None else corrected.model,
            speed=self.request.speed if corrected is None else corrected.speed,
            engine=self.engine,
            sample_rate=self.sample_rate,
            audio_key=chunk.audio_key,
            mastering=SegmentsNeeded(
                formats=self.request.formats,
                loudness=self.request.loudness,
                is_short=len(self.chunks) <= SHORT_EPISODE_CHUNKS,
            ),
        )

    def corrected(self, request: ChunkRequested) -> Manifest:
        """This manifest with a corrected chunk; its key is `request.audio_key`.

        Chunks that have the same audio are corrected with it: they are one piece of work.
        """
        replaced = self.chunks[request.index].audio_key
        correction = Correction(
            index=request.index,
            audio_key=request.audio_key,
            language=request.language,
            voice=request.voice,
            model=request.model,
            speed=request.speed,
        )
        changed: dict[str, Any] = {
            "text": request.text,
            "written": "",
            "language": None if request.language == self.language else normalised(request.language) or None,
            "voice": None if request.voice == self.voice else request.voice,
            "model": None if request.model == self.model else request.model,
            "audio_key": request.audio_key,
        }
        return self.model_copy(
            update={
                "chunks": tuple(
                    replace(chunk, **changed) if chunk.audio_key == replaced else chunk for chunk in self.chunks
                ),
                "corrections": (*(each for each in self.corrections if each.audio_key != replaced), correction),
            }
        )


def audio_key(*, text: str, language: str, voice: str, model: str, speed: float, engine: str, sample_rate: int) -> str:
    """The store key of a chunk's audio: a digest of everything that decides how it sounds.

    If the same paragraph occurs in a second job, or a message is redelivered, the audio is found and not made again.
    """
    identity = [text, language, voice, model, round(speed, 4), engine, sample_rate, PROCESSING_VERSION]
    digest = hashlib.sha256(json.dumps(identity, ensure_ascii=False).encode()).hexdigest()
    return f"audio/{digest}.flac"


def correction_key(request: ChunkRequested) -> str:
    """The key of a corrected chunk's audio; that of the request, which is the original's, does not count.

    It belongs to the job and the chunk: whatever an operator has spoken in place of a text, no other job gets it.
    """
    identity = [
        *("correction", request.job_id, request.index),
        *(request.text, request.language, request.voice, request.model, round(request.speed, 4)),
        *(request.engine, request.sample_rate, PROCESSING_VERSION),
    ]
    digest = hashlib.sha256(json.dumps(identity, ensure_ascii=False).encode()).hexdigest()
    return f"audio/{digest}.flac"
