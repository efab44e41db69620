"""Turns a document into a preview: the outline of a manifest, with an estimate of how long it is. Pure."""

from __future__ import annotations

import re
import time
from typing import Final

from services.chunker import manifests
from services.chunker.documents.reading import Packed
from services.chunker.manifests import Outline
from services.chunker.splitting import SplitChunk
from shared.protocol.messages import PauseLengths, PreviewRequested
from shared.protocol.preview import Preview, PreviewChapter, PreviewChunk
from shared.protocol.voices import VoiceList
from shared.settings import Settings

_CHARACTERS_A_SECOND: Final = 14.5
"""Measured with piper's default voice: 13.5 to 17.9 a paragraph of English, 14.6 over all."""
_IDEOGRAPH: Final = re.compile("[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_IDEOGRAPH_CHARACTERS: Final = 3
"""An ideograph or kana takes as long as this many letters: Chinese and Japanese are read at 4 to 6 a second."""


def build(
    asked: PreviewRequested, packed: Packed, settings: Settings, *, name: str, voices: VoiceList | None = None
) -> bytes:
    """The preview as JSON.

    Raises:
        BadSource: there is nothing to speak.
        TooLarge: too many chunks.
    """
    outline = manifests.outline(asked, packed, settings, name=name, voices=voices)
    pauses = asked.pauses or settings.pauses
    grouped: list[list[SplitChunk]] = [[] for _ in outline.split.chapters]
    for chunk in outline.split.chunks:
        grouped[chunk.chapter].append(chunk)
    numbers = outline.split.numbers or range(1, len(grouped) + 1)
    chapters = tuple(
        PreviewChapter(
            number=number,
            title=chapter.title,
            level=chapter.level,
            characters=sum(len(chunk.text) for chunk in chunks),
            estimated_seconds=round(sum(_seconds(chunk, asked.speed, pauses) for chunk in chunks), 1),
            chunks=tuple(_chunk(chunk, outline) for chunk in chunks),
        )
        for number, chapter, chunks in zip(numbers, outline.split.chapters, grouped, strict=True)
    )
    preview = Preview(
        preview_id=asked.preview_id,
        made_at=time.time(),
        title=outline.title,
        author=outline.author,
        language=outline.language,
        voice=outline.casting.of_main.voice,
        characters=sum(chapter.characters for chapter in chapters),
        chunk_count=len(outline.split.chunks),
        estimated_seconds=round(sum(chapter.estimated_seconds for chapter in chapters), 1),
        chapters=chapters,
        omissions=outline.split.omissions,
        warnings=outline.warnings,
        repairs=outline.repairs,
    )
    return preview.model_dump_json().encode()


def _chunk(chunk: SplitChunk, outline: Outline) -> PreviewChunk:
    cast = outline.casting.of(chunk.language, chunk.speaker)
    return PreviewChunk(
        text=chunk.text,
        written=chunk.written,
        pause_after=chunk.pause_after,
        language=chunk.language,
        voice=cast.voice if cast != outline.casting.of_main else None,
        speaker=chunk.speaker,
    )


def _seconds(chunk: SplitChunk, speed: float, pauses: PauseLengths) -> float:
    letters = len(chunk.text) + (_IDEOGRAPH_CHARACTERS - 1) * len(_IDEOGRAPH.findall(chunk.text))
    pause_ms = 0 if chunk.pause_after == "none" else int(getattr(pauses, chunk.pause_after))
    if chunk.ends_turn:
        pause_ms = pauses.turn
    return letters / (_CHARACTERS_A_SECOND * speed) + pause_ms / 1_000
