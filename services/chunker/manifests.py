"""Turns a document into the manifest of a job. Pure; runs in a worker process."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import HttpUrl

from services.chunker import chapter_choice, first_chunk, framing, splitting
from services.chunker.casting import Casting
from services.chunker.documents.document import Document, Heading, Paragraph
from services.chunker.documents.reading import Packed
from services.chunker.listed_voices import VOICES_PAUSE_SECONDS, VoicesUnknown
from services.chunker.narrating import Wording
from services.chunker.narration import dialogue
from services.chunker.narration.passages import in_languages
from services.chunker.speakable import SPEAKABLE, normalise
from shared.addresses import without_login
from shared.protocol.manifest import Chunk, Manifest, audio_key
from shared.protocol.messages import (
    JobRequest,
    PreviewRequested,
    UrlSource,
)
from shared.protocol.reading import read
from shared.protocol.voices import VoiceList
from shared.settings import Settings

TITLE_LIMIT_CHARACTERS = 300
"""A longer title is a paragraph that was marked up as one."""

_FIRST_WORDS_CHARACTERS = 60
"""How much of the text becomes the title if there is neither a title nor a name."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What of a manifest does not depend on the audio.

    Attributes:
        title: of the episode.
        author: of the episode; may be empty.
        language: BCP 47 tag.
        casting: who speaks which chunk.
        split: chapters, chunks, omissions.
        repairs: what was wrong with the document, and how it was read after all.
        warnings: what will not be spoken as it should be.
        album: the site that the document is from; "" if it names none.
    """

    title: str
    author: str
    language: str
    casting: Casting
    split: splitting.Split
    repairs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    album: str = ""


def outline(
    asked: JobRequest | PreviewRequested,
    packed: Packed,
    settings: Settings,
    *,
    name: str,
    voices: VoiceList | None = None,
) -> Outline:
    """What would be spoken of a document; the same for a job and for its preview.

    Args:
        asked: its title, author and language win over the document's own.
        packed: the source.
        settings: limits.
        name: of the file or address; becomes the title if there is no better one.
        voices: that the speech servers list; None: not known yet.

    Raises:
        BadSource: there is nothing to speak, or no chapter of the number that was asked for.
        TooLarge: too many chunks.
    """
    known = in_languages(packed.document(), asked.language)
    document, language = known.document, known.language
    if not document.is_exact:
        document = dialogue.with_speakers(document, asked.narration.speakers)
    casting = Casting(asked.narration, settings, voices, language, asked.voice or document.voice, asked.model)
    casting.give_voices(dialogue.speakers(document), narrator_speaks=dialogue.narrator_speaks(document))
    document = dialogue.with_names(document, casting.has_own_voice)
    title = _title(asked, document, name)
    wording = Wording.of(asked.narration, settings)
    author = asked.author or _line(document.author)

    def split_up(text: Document) -> splitting.Split:
        return splitting.split(
            text,
            limit_characters=settings.chunk_limit_characters,
            target_characters=settings.chunk_target_characters,
            language=language,
            title=title,
            chunks_limit=settings.chunks_limit,
            saying=wording,
        )

    def frame(text: str | None) -> str | None:
        return text and text.replace("{title}", title).replace("{author}", author)

    split = chapter_choice.chosen(split_up(document), asked.narration.chapters)
    if not document.is_exact:  # a plan has all that is spoken
        split = framing.framed(
            split,
            intro=frame(asked.narration.intro),
            outro=frame(asked.narration.outro),
            chunks_of=lambda text: split_up(_paragraphs(text)).chunks,
            chunks_limit=settings.chunks_limit,
        )
        split = first_chunk.shortened(split, language=language, saying=wording, chunks_limit=settings.chunks_limit)
    for chunk in split.chunks:
        casting.of(chunk.language, chunk.speaker)  # its warnings
    return Outline(
        title,
        author,
        language,
        casting,
        split,
        document.repairs,
        (*known.warnings, *casting.warnings, *wording.warnings),
        _line(document.site),
    )


def build(
    job: JobRequest,
    packed: Packed,
    settings: Settings,
    *,
    name: str,
    voices: VoiceList | None = None,
    waits: bool = False,
    has_cover: bool = False,
    warnings: tuple[str, ...] = (),
) -> tuple[bytes, int]:
    """The manifest as JSON, and how many chunks it lists.

    Args:
        job: the request; its fields win over the document's own.
        packed: the source.
        settings: limits and defaults.
        name: of the file or address; becomes the title if there is no better one.
        voices: that the speech servers list; None: not known yet.
        waits: the job can wait until they are known.
        has_cover: one was found in the source, and is stored as the job's.
        warnings: of what is not part of the text.

    Raises:
        BadSource: there is nothing to speak.
        TooLarge: too many chunks.
        VoicesUnknown: it waits, since a voice has to be chosen.
    """
    found = outline(job, packed, settings, name=name, voices=voices)
    if waits and found.casting.is_unsure:
        raise VoicesUnknown(
            "No speech server has listed its voices yet, and the text needs another one than the default.",
            hint="Look whether a synthesizer and the speech servers are up, or name the voice.",
            retry_after_seconds=VOICES_PAUSE_SECONDS,
        )
    split, main = found.split, found.casting.of_main
    chunks = tuple(_chunk(index, chunk, found, job, settings) for index, chunk in enumerate(split.chunks))
    manifest = Manifest(
        job_id=job.job_id,
        request=_without_secrets(job),
        title=found.title,
        author=found.author,
        album=found.album,
        has_cover=has_cover,
        language=found.language,
        voice=main.voice,
        model=main.model,
        engine=settings.engine_identity,
        sample_rate=settings.sample_rate,
        pauses=job.pauses or settings.pauses,
        chapters=split.chapters,
        chunks=chunks,
        omissions=split.omissions,
        repairs=found.repairs,
        warnings=(*found.warnings, *warnings),
    )
    return manifest.model_dump_json().encode(), len(chunks)


def _paragraphs(text: str) -> Document:
    return Document(blocks=tuple(Paragraph(part) for part in re.split(r"\n\s*\n", text) if part.strip()))


def _chunk(index: int, chunk: splitting.SplitChunk, found: Outline, job: JobRequest, settings: Settings) -> Chunk:
    main, cast = found.casting.of_main, found.casting.of(chunk.language, chunk.speaker)
    language = chunk.language or found.language
    return Chunk(
        index=index,
        text=chunk.text,
        written=chunk.written,
        language=language if language != found.language else None,
        voice=cast.voice if cast != main else None,
        model=cast.model if cast.model != main.model else None,
        speaker=chunk.speaker,
        chapter=chunk.chapter,
        pause_after=chunk.pause_after,
        ends_turn=chunk.ends_turn,
        audio_key=key_of(chunk, found, job.speed, settings),
    )


def key_of(chunk: splitting.SplitChunk, found: Outline, speed: float, settings: Settings) -> str:
    """Where the audio of a chunk is or would be; the same for a job and for its preview."""
    cast = found.casting.of(chunk.language, chunk.speaker)
    return audio_key(
        text=chunk.text,
        language=chunk.language or found.language,
        voice=cast.voice,
        model=cast.model,
        speed=speed,
        engine=settings.engine_identity,
        sample_rate=settings.sample_rate,
    )


def _without_secrets(job: JobRequest) -> JobRequest:
    """The request without the login of its address and without its webhook: readers of a manifest do not need them."""
    job = job.model_copy(update={"webhook": None})
    source = job.source
    if not isinstance(source, UrlSource) or not (source.url.username or source.url.password):
        return job
    bare = HttpUrl(without_login(str(source.url)))
    return job.model_copy(update={"source": source.model_copy(update={"url": bare})})


def chunks_in(manifest: bytes) -> int:
    """How many chunks a stored manifest lists."""
    return len(read(Manifest, manifest, strict=False).chunks)


def _title(asked: JobRequest | PreviewRequested, document: Document, name: str) -> str:
    stem = re.sub(r"\.[A-Za-z0-9]{1,8}$", "", name)
    named = " ".join(re.sub(r"[-_+]+", " ", stem).split()) if SPEAKABLE.search(stem) else ""
    for title in (asked.title, document.title, named):
        if line := _line(title):
            return line
    return _first_words(document)


def _line(text: str | None) -> str:
    return normalise((text or "")[: 10 * TITLE_LIMIT_CHARACTERS])[:TITLE_LIMIT_CHARACTERS].strip()


def _first_words(document: Document) -> str:
    for block in document.blocks:
        text = normalise(block.text) if isinstance(block, (Heading, Paragraph)) else ""
        if SPEAKABLE.search(text):
            if len(text) <= _FIRST_WORDS_CHARACTERS:
                return text
            return (text[:_FIRST_WORDS_CHARACTERS].rpartition(" ")[0] or text[:_FIRST_WORDS_CHARACTERS]) + "\u2026"
    return "Untitled"
