"""The port of what joins segments into a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from shared.audio.joining.pictures import TagPicture
from shared.audio.joining.placement import Placed, Placement

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

    fields: dict[str, str] = field(default_factory=dict)
    language: str = "und"
    cover: TagPicture | None = None
    chapters: Sequence[EpisodeChapter] = ()


def track_numbers(value: str) -> tuple[int, int] | None:
    """The number and the total of a tag `track` such as `3/12`; None if it is another, or too large for a container."""
    found = _TRACK.fullmatch(value)
    if found is None:
        return None
    number, total = int(found[1]), int(found[2])
    return (number, total) if max(number, total) <= _TRACK_LIMIT else None


@dataclass(frozen=True, slots=True)
class Whole:
    """What is known of a file when its last segment has come.

    Attributes:
        placement: of all its segments.
        labels: for formats with tags of their own.
        id3: a whole ID3 tag, for formats that have one.
        output_gain_db: what the file tells players to add to everything.
    """

    placement: Placement
    labels: Labels = field(default_factory=Labels)
    id3: bytes = b""
    output_gain_db: float = 0.0


State: TypeAlias = dict[str, Any]
"""As JSON has it."""


class Joiner(Protocol):
    """Makes one file, its beginning last, in constant memory; one object a file.

    What a file begins with depends on all that follows. So `add` is called for each chunk in order, then `end`, then
    `head`. The file is what `head` returned, then what `add` returned, then what `end` returned.
    """

    def add(self, placed: Placed, payload: bytes | memoryview) -> bytes:
        """The silence before a segment, and its frames, which were checked against their SHA-256.

        Raises:
            BadAudio: the frames are not as their head says.
        """

    def end(self, whole: Whole) -> bytes:
        """The silence after the last segment, and what closes the file."""

    def head(self, whole: Whole) -> bytes:
        """Everything before the first frame of the episode.

        Raises:
            BadAudio, TooLarge: what it should say cannot be said in this format.
        """

    def size(self, whole: Whole) -> int | None:
        """How many bytes the whole file must have, as a check; None if that does not follow from the plan."""

    def state(self) -> State | None:
        """What another joiner needs to go on after the segments so far; None if none could.

        Of what grows with the file, it has only what was added since the call before.
        """

    def resume(self, state: State) -> None:
        """Go on where another was: call it on a new joiner for each state that the other has given, in order."""
