"""What two editions of a text have in common, chunk by chunk: what would be spoken anew. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.errors import PodcastError
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobStatus
from shared.protocol.preview import Preview

_ASSUMED_CHARACTERS_A_SECOND: Final = 14.5
"""Of piper's default voice in English, if none of both is known better."""


@dataclass(frozen=True)
class SpokenText:
    """A chunk of an edition.

    Attributes:
        key: of its audio; equal keys are spoken once.
        text: as it is spoken.
        chapter: the number of its chapter, from 1.
        title: of the chapter.
    """

    key: str
    text: str
    chapter: int
    title: str


@dataclass(frozen=True)
class Edition:
    """A job, or a document that is not submitted yet.

    Attributes:
        title: of the episode.
        chunks: in order.
        sound: what decides how all of it sounds, as far as it is known: name → value.
        seconds: how long the episode is, with its pauses; None: not known.
    """

    title: str
    chunks: tuple[SpokenText, ...]
    sound: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None

    @property
    def seconds_a_character(self) -> float | None:
        """How long a character takes; None: not known."""
        characters = sum(len(chunk.text) for chunk in self.chunks)
        return self.seconds / characters if self.seconds else None


@dataclass(frozen=True)
class Texts:
    """Some chunks, each once."""

    chunks: tuple[SpokenText, ...]

    @property
    def characters(self) -> int:
        """Of all of them."""
        return sum(len(chunk.text) for chunk in self.chunks)


@dataclass(frozen=True)
class Comparison:
    """A second edition beside a first one.

    Attributes:
        second: the second one.
        anew: what is not in the first one; chunks with the same audio count once.
        gone: what is in the first one only.
        changed: what decides how all of it sounds and is another: name → (first, second).
        seconds_a_character: for estimates.
    """

    second: Edition
    anew: Texts
    gone: Texts
    changed: Mapping[str, tuple[str, str]]
    seconds_a_character: float

    @property
    def seconds(self) -> float:
        """About how long what is spoken anew is."""
        return self.anew.characters * self.seconds_a_character


def of_job(manifest: Manifest, status: JobStatus) -> Edition:
    """The edition that a job speaks."""
    chapters = manifest.chapters
    return Edition(
        manifest.title,
        tuple(
            SpokenText(chunk.audio_key, chunk.text, chunk.chapter + 1, chapters[chunk.chapter].title)
            for chunk in manifest.chunks
        ),
        {
            "language": manifest.language,
            "voice": manifest.voice,
            "model": manifest.model,
            "engine": manifest.engine,
            "speed": f"{manifest.request.speed:g}",
            "sample rate": f"{manifest.sample_rate or ''}",
        },
        status.audio_seconds if status.state == "completed" else None,
    )


def of_preview(preview: Preview) -> Edition:
    """The edition that a job of a previewed document would speak.

    Raises:
        PodcastError: a chunker of an earlier version has made it, which does not say where the audio would be.
    """
    chunks: list[SpokenText] = []
    for chapter in preview.chapters:
        for chunk in chapter.chunks:
            if chunk.audio_key is None:
                raise PodcastError(
                    "The chunker is of an earlier version, which cannot tell what would be spoken anew.",
                    hint="Update the services.",
                )
            chunks.append(SpokenText(chunk.audio_key, chunk.text, chapter.number, chapter.title))
    sound = {"language": preview.language, "voice": preview.voice}
    return Edition(preview.title, tuple(chunks), sound, preview.estimated_seconds)


def compare(first: Edition, second: Edition) -> Comparison:
    """What of the second edition is not in the first one, and the other way round."""
    rate = second.seconds_a_character or first.seconds_a_character or 1 / _ASSUMED_CHARACTERS_A_SECOND
    return Comparison(
        second,
        _only_in(second.chunks, first.chunks),
        _only_in(first.chunks, second.chunks),
        {
            name: (value, second.sound[name])
            for name, value in first.sound.items()
            if value and second.sound.get(name) and second.sound[name] != value
        },
        rate,
    )


def _only_in(chunks: Iterable[SpokenText], others: Iterable[SpokenText]) -> Texts:
    known = {chunk.key for chunk in others}
    found = {chunk.key: chunk for chunk in reversed(tuple(chunks)) if chunk.key not in known}
    return Texts(tuple(reversed(found.values())))
