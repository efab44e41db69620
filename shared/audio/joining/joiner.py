"""The port of what joins segments into a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from shared.audio.joining.pictures import TagPicture
from shared.audio.joining.placement import Placed

_TRACK: Final = re.compile(r"(\d{1,6})/(\d{1,6})", re.ASCII)
_TRACK_LIMIT: Final = 0xFFFF
"""An MP4 file has two bytes for each number."""


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


def track_numbers(value: str) -> tuple[int, int] | None:
    """The number and the total of a tag `track` such as `3/12`; None if it is another, or too large for a container."""
    found = _TRACK.fullmatch(value)
    if found is None:
        return None
    number, total = int(found[1]), int(found[2])
    return (number, total) if max(number, total) <= _TRACK_LIMIT else None


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
