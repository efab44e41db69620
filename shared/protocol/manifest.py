"""`jobs/<job_id>/manifest.json`: what will be said, in which order, with which pauses, and what was left out.

Written once by the chunker; read by the coordinator and the assembler.
"""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from pydantic import Field

from shared.protocol.messages import Frozen, JobId, JobRequest, PauseLengths, SampleRate

PauseClass = Literal["none", "sentence", "paragraph", "heading", "chapter"]
"""The boundary after a chunk. `none`: the cut is inside a sentence that alone was over the limit."""

PROCESSING_VERSION = 1
"""Raise it when trimming, fading or resampling changes how a stored chunk sounds."""


class Chunk(Frozen):
    """A piece of text that is spoken in one call."""

    index: int = Field(ge=0, description="0, 1, 2, … without gaps")
    text: str = Field(min_length=1, description="normalised text, as it is sent to the speech engine")
    chapter: int = Field(ge=0, description="index of the chapter it belongs to")
    pause_after: PauseClass
    audio_key: str = Field(description="where its audio is stored; equal keys are one piece of audio")


class Chapter(Frozen):
    """A chapter: a heading or an entry of the table of contents."""

    title: str = Field(min_length=1)
    level: int = Field(ge=1, description="1 is the highest")
    first_chunk: int = Field(ge=0, description="index of its first chunk")


class Omission(Frozen):
    """Something in the document that is not spoken, on purpose."""

    kind: str = Field(description="code, table, footnote, image, math, raw, …")
    reason: str
    count: int = Field(ge=1)
    sample: str = Field("", description="the beginning of the first one")


class Manifest(Frozen):
    """Everything the rest of the line needs to know of a job."""

    version: Literal[1] = 1
    job_id: JobId
    request: JobRequest = Field(description="what was asked")
    title: str
    author: str
    language: str
    voice: str
    model: str
    engine: str = Field("", description="what speaks, as far as the audio keys go")
    sample_rate: SampleRate | None = Field(
        None, description="of the chunks and the episode, Hz; None: the settings', as in manifests of early 2026"
    )
    pauses: PauseLengths
    chapters: tuple[Chapter, ...] = Field(min_length=1)
    chunks: tuple[Chunk, ...] = Field(min_length=1)
    omissions: tuple[Omission, ...] = ()

    def pause_ms(self, chunk: Chunk) -> int:
        """Silence after `chunk`, in milliseconds."""
        return 0 if chunk.pause_after == "none" else int(getattr(self.pauses, chunk.pause_after))


def audio_key(*, text: str, language: str, voice: str, model: str, speed: float, engine: str, sample_rate: int) -> str:
    """The store key of a chunk's audio: a digest of everything that decides how it sounds.

    The same paragraph in a second job, or a redelivered message, finds the audio and is not spoken again.
    """
    identity = [text, language, voice, model, round(speed, 4), engine, sample_rate, PROCESSING_VERSION]
    digest = hashlib.sha256(json.dumps(identity, ensure_ascii=False).encode()).hexdigest()
    return f"audio/{digest}.flac"
