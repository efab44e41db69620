"""Metrics of assembly. Its time is in `podcast_handler_seconds{queue="assembler"}`."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

EPISODES: Final = Counter(
    "podcast_episodes", "Episodes that are in the store, by source: made (now), or found (stored before).", ["source"]
)
AUDIO_SECONDS: Final = Counter("podcast_episode_audio_seconds", "Seconds of audio of the episodes that were made.")
REPAIRED: Final = Counter(
    "podcast_episodes_repaired",
    "Files that were mastered and encoded again as a whole, since their joined segments missed the target, by format.",
    ["format"],
)
SEGMENTS_MADE: Final = Counter(
    "podcast_segments_made_at_assembly",
    "Mastered segments that were missing when the episode was assembled, by format.",
    ["format"],
)
CHUNKS_LOST: Final = Counter("podcast_chunks_lost", "Finished chunks whose audio was not in the store any more.")
