"""What can go wrong with an episode, in addition to what `shared.errors` names for every service."""

from __future__ import annotations

from shared.errors import Permanent, Transient


class ChunkMissing(Transient):
    """A chunk's audio is not in the store, or is not usable; the coordinator can have it spoken again.

    Attributes:
        index: the chunk's place in the manifest.
        key: the store key where its audio should be.
    """

    def __init__(self, index: int, key: str, *, because: str) -> None:
        super().__init__(
            f"The audio of chunk {index} {because} ({key}).",
            hint="It is spoken again.",
        )
        self.index = index
        self.key = key


class EpisodeIncomplete(Transient):
    """The decoded episode is not what was planned: its length differs, or a chunk is not where it should be."""


class OtherAudio(Transient):
    """Two files of an episode were made of different audio of a chunk: it was lost and spoken again in between."""


class OffTarget(Permanent):
    """Loudness or true peak missed the profile even after correction."""
