"""The usual gain of each voice of an episode: looked up, and learnt here where no synthesizer has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import numpy as np

from shared.audio.loudness import Samples
from shared.audio.segments import mastering
from shared.deadlines import in_thread
from shared.protocol.manifest import Manifest
from shared.protocol.messages import LoudnessProfile
from shared.store import chunk_segments
from shared.store.port import Store
from shared.store.voice_gains import VoiceGains

LEARNING_CHUNKS: Final = 12
"""A voice that nobody has heard in a long chunk is learnt from this many of its chunks, spread over the episode."""

Voice = tuple[str, str, str]
Fetch = Callable[[int], Awaitable[Samples]]
"""The samples of a stored chunk."""


async def gains(
    manifest: Manifest, store: Store, fetch: Fetch, rate: int, *, first_chunks: int | None = None
) -> dict[Voice, float]:
    """The usual gain of each voice in dB; empty in a short episode, whose segments do not depend on it.

    Args:
        manifest: of the job.
        store: keeps what was learnt.
        fetch: gives chunks to learn from.
        rate: of the chunks, Hz.
        first_chunks: how many chunks are spoken, if not all of them. A voice that they have too little of is left out.

    Raises:
        ChunkMissing: a chunk to learn from is gone or damaged.
    """
    if not chunk_segments.needs_voice_gain(manifest.chunk_request(0)):
        return {}
    known, profile = VoiceGains(store), manifest.request.loudness
    found: dict[Voice, float] = {}
    for voice, indexes in (await in_thread(partial(_voices, manifest, first_chunks))).items():
        request = manifest.chunk_request(indexes[0])
        stored = await known.find(request, profile)
        if stored is not None:
            gain = stored
        else:
            # A word or an ornament has a loudness by chance, and what is stored counts for all later episodes.
            chosen = _to_learn_from(indexes) if chunk_segments.is_speech(request.text) else ()
            heard = [await fetch(index) for index in chosen]
            gain, seconds = await in_thread(partial(_usual_gain, heard, rate, profile))
            if seconds >= mastering.LEARNING_SECONDS:
                gain = await known.learn(request, profile, gain)
            elif first_chunks is not None:
                continue  # it may say more later, and then its gain is another one
        found[voice] = gain
    return found


def _voices(manifest: Manifest, first_chunks: int | None) -> dict[Voice, list[int]]:
    """The chunks of each voice; those that have something to say, if there are any."""
    spoken: dict[Voice, list[int]] = {}
    others: dict[Voice, list[int]] = {}
    for chunk in manifest.chunks[:first_chunks]:
        into = spoken if chunk_segments.is_speech(chunk.text) else others
        into.setdefault(manifest.voice_of(chunk.index), []).append(chunk.index)
    return {**others, **spoken}


def _to_learn_from(indexes: Sequence[int]) -> Sequence[int]:
    return indexes[:: -(-len(indexes) // LEARNING_CHUNKS)]


def _usual_gain(heard: Sequence[Samples], rate: int, profile: LoudnessProfile) -> tuple[float, float]:
    """The gain that some chunks need, and how many seconds they are."""
    if not heard:
        return 0.0, 0.0
    samples: Samples = np.concatenate(heard)
    return chunk_segments.usual_gain_db(samples, rate, profile), len(samples) / rate
