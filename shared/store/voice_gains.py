"""`gains/<digest>.json`: the usual gain of a voice, learnt once and never changed.

It is part of the keys of mastered segments, so a change would have every segment of the voice made anew. Whoever
creates it first has chosen it. Nobody waits for it: a chunk that is too short to learn from, of a voice that nobody has
heard yet, gets its segments when the episode is assembled (`services/assembler/segments.py`).

A gain that was learnt from an untypical chunk costs time, not quality: episodes off target are encoded as a whole. An
operator deletes the object; within `KNOWN_SECONDS` no process remembers it, and it is learnt anew (docs/operations.md).
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from shared.audio.segments.mastering import MASTERING_VERSION
from shared.errors import BadInput, Conflict, NotFound
from shared.protocol.messages import ChunkRequested, Frozen, LoudnessProfile
from shared.protocol.reading import read
from shared.store import keys
from shared.store.port import Store

KNOWN_SECONDS: Final = 300.0
"""How long a process remembers a gain."""
_KNOWN_LIMIT: Final = 1_000
"""Voices remembered by one process."""


class VoiceGain(Frozen):
    """The document."""

    version: Literal[1] = 1
    gain_db: Annotated[float, Field(ge=-60, le=60, strict=False)] = Field(description="to one digit")
    engine: str = Field("", description="this and what follows is for people: whose gain it is")
    model: str = ""
    voice: str = ""
    loudness: LoudnessProfile | None = None


class VoiceGains:
    """The gains of voices, with a memory.

    Args:
        store: where they are.
        known_seconds: how long a gain is remembered.
    """

    def __init__(self, store: Store, *, known_seconds: float = KNOWN_SECONDS) -> None:
        self._store = store
        self._known_seconds = known_seconds
        self._known: dict[str, tuple[float, float]] = {}
        """Gains, and until when they are remembered."""

    async def find(self, request: ChunkRequested, profile: LoudnessProfile) -> float | None:
        """The gain of the voice that `request` names, in dB; None if nobody has learnt it.

        Raises:
            BadInput: what is stored is no gain.
        """
        digest = _digest(request, profile)
        known = self._known.get(digest)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        try:
            data = await self._store.get(keys.voice_gain(digest))
        except NotFound:
            return None
        try:
            found = read(VoiceGain, data, strict=False)
        except ValidationError as error:
            raise BadInput(
                f"The gain of a voice cannot be read ({keys.voice_gain(digest)}).",
                hint="Delete the object; the voice is then measured anew.",
            ) from error
        return self._remember(digest, found.gain_db)

    async def learn(self, request: ChunkRequested, profile: LoudnessProfile, gain_db: float) -> float:
        """Store a gain, if there is none; returns the one that counts: the first."""
        digest = _digest(request, profile)
        engine, model, voice = voice_of(request)
        learnt = VoiceGain(gain_db=round(gain_db, 1), engine=engine, model=model, voice=voice, loudness=profile)
        try:
            await self._store.create(
                keys.voice_gain(digest), learnt.model_dump_json().encode(), content_type="application/json"
            )
        except Conflict:
            found = await self.find(request, profile)
            return learnt.gain_db if found is None else found
        return self._remember(digest, learnt.gain_db)

    def _remember(self, digest: str, gain_db: float) -> float:
        if len(self._known) >= _KNOWN_LIMIT:
            self._known.clear()
        self._known[digest] = (gain_db, time.monotonic() + self._known_seconds)
        return gain_db


def voice_of(request: ChunkRequested) -> tuple[str, str, str]:
    """What has a gain of its own."""
    return request.engine, request.model, request.voice


def _digest(request: ChunkRequested, profile: LoudnessProfile) -> str:
    identity = [*voice_of(request), profile, MASTERING_VERSION]
    return hashlib.sha256(json.dumps(identity, ensure_ascii=False).encode()).hexdigest()[:32]
