"""Turns a document into a preview: the outline of a manifest, with an estimate of how long it is. Pure."""

from __future__ import annotations

import time

from services.chunker import manifests, pace
from services.chunker.documents.reading import Packed
from services.chunker.manifests import Outline
from services.chunker.splitting import SplitChunk
from shared.protocol.messages import PauseLengths, PreviewRequested
from shared.protocol.preview import Preview, PreviewChapter, PreviewChunk
from shared.protocol.voices import VoiceList
from shared.settings import Settings


def build(
    asked: PreviewRequested,
    packed: Packed,
    settings: Settings,
    *,
    name: str,
    voices: VoiceList | None = None,
    warnings: tuple[str, ...] = (),
) -> bytes:
    """The preview as JSON; `warnings` are of what is not part of the text.

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
            estimated_seconds=round(sum(_seconds(chunk, outline, asked.speed, pauses) for chunk in chunks), 1),
            chunks=tuple(_chunk(chunk, outline, asked.speed, settings) for chunk in chunks),
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
        warnings=(*outline.warnings, *warnings),
        repairs=outline.repairs,
    )
    return preview.model_dump_json().encode()


def _chunk(chunk: SplitChunk, outline: Outline, speed: float, settings: Settings) -> PreviewChunk:
    cast = outline.casting.of(chunk.language, chunk.speaker)
    return PreviewChunk(
        text=chunk.text,
        written=chunk.written,
        pause_after=chunk.pause_after,
        language=chunk.language,
        voice=cast.voice if cast != outline.casting.of_main else None,
        speaker=chunk.speaker,
        audio_key=manifests.key_of(chunk, outline, speed, settings),
    )


def _seconds(chunk: SplitChunk, outline: Outline, speed: float, pauses: PauseLengths) -> float:
    pause_ms = 0 if chunk.pause_after == "none" else int(getattr(pauses, chunk.pause_after))
    if chunk.ends_turn:
        pause_ms = pauses.turn
    model = outline.casting.of(chunk.language, chunk.speaker).model
    spoken = pace.seconds(chunk.text, language=chunk.language or outline.language, model=model, speed=speed)
    return spoken + pause_ms / 1_000
