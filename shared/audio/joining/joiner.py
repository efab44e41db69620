"""The port of what joins segments into a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.audio.joining.pictures import TagPicture
from shared.audio.joining.placement import Placed


@dataclass(frozen=True, slots=True)
class EpisodeChapter:
    """A chapter, from its first moment to the first moment of the next."""

    title: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class Labels:
    """What is written into a file besides its audio.

    Attributes:
        fields: tags, named as ffmpeg names them: title, artist, album_artist, …
        language: three letters (ISO 639-2).
        cover: the picture, or None.
        chapters: in order.
    """

    fields: dict[str, str]
    language: str
    cover: TagPicture | None
    chapters: Sequence[EpisodeChapter]


class Joiner(Protocol):
    """Makes one file, from its first byte to its last, in constant memory; one object a file.

    `head` is called once, then `add` for each of the placement's chunks in order, then `end`; what they return is the
    file. `sealed_head` comes last: a head of the same length that replaces the first one, or None.
    """

    @property
    def size(self) -> int | None:
        """Bytes of the whole file, if they are known beforehand."""

    def head(self) -> bytes:
        """Everything before the first frame of the episode."""

    def add(self, placed: Placed, payload: bytes) -> bytes:
        """The silence before a segment, and its frames, which were checked against their SHA-256.

        Raises:
            BadAudio: the frames are not as their head says.
        """

    def end(self) -> bytes:
        """The silence after the last segment, and what closes the file."""

    def sealed_head(self) -> bytes | None:
        """What the file begins with after all, now that everything has been seen."""
