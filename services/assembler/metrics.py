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
    "Files whose joined segments missed the target, by format and by what was done: gain (the level of the whole was "
    "moved, without an encode), encoding (it was mastered and encoded again as a whole).",
    ["format", "by"],
)
SEGMENTS_MADE: Final = Counter(
    "podcast_segments_made_at_assembly",
    "Mastered segments that were missing when the episode was assembled, by format.",
    ["format"],
)
PARTS: Final = Counter(
    "podcast_episode_parts",
    "Parts of episodes that were joined while the rest was still being spoken, by format.",
    ["format"],
)
CHUNKS_LOST: Final = Counter("podcast_chunks_lost", "Finished chunks whose audio was not in the store any more.")
