"""How far a job's chunks are: pure bookkeeping over a manifest, no I/O.

Chunks with the same audio key are one piece of work: it is requested once and finishes all of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.protocol.manifest import Chunk, Manifest
from shared.protocol.messages import ChunkCounts, ChunkFailure

FAILURES_SHOWN = 200
"""Failures kept in the status; their dead letters are all kept."""
_TEXT_SHOWN_CHARACTERS = 200


class Progress:
    """Which chunks are done, failed, in flight, or still to be requested.

    Args:
        manifest: the job's chunks.
        done: audio keys that are in the store.
        failed: reasons by chunk index, from an earlier life of this job.
    """

    def __init__(self, manifest: Manifest, *, done: Iterable[str] = (), failed: Iterable[ChunkFailure] = ()) -> None:
        self.manifest = manifest
        self.max_parallel = manifest.request.max_parallel
        self._first: dict[str, Chunk] = {}
        self._uses: dict[str, int] = {}
        for chunk in manifest.chunks:
            self._first.setdefault(chunk.audio_key, chunk)
            self._uses[chunk.audio_key] = self._uses.get(chunk.audio_key, 0) + 1
        self.done = {key for key in done if key in self._first}
        self.failed: dict[str, str] = {}
        for failure in failed:
            key = manifest.chunks[failure.index].audio_key
            if key not in self.done:
                self.failed[key] = failure.reason
        self.in_flight: set[str] = set()
        self._waiting = [key for key in self._first if key not in self.done and key not in self.failed]
        self._waiting.reverse()  # so that the next one is popped from the end
        self._spoke = bool(self.done)

    def finish(self, audio_key: str) -> bool:
        """Note that this audio is in the store; False if that was known, or it is not of this job."""
        if audio_key not in self._first or audio_key in self.done:
            return False
        self._spoke = True
        self.done.add(audio_key)
        self.in_flight.discard(audio_key)
        self.failed.pop(audio_key, None)
        return True

    def fail(self, audio_key: str, reason: str) -> bool:
        """Note that this audio cannot be made; False if it was made after all, or it is not of this job."""
        if audio_key not in self._first or audio_key in self.done:
            return False
        self.in_flight.discard(audio_key)
        self.failed[audio_key] = reason
        return True

    def take(self) -> list[Chunk]:
        """The chunks to request now, in order; they count as in flight from here on."""
        taken: list[Chunk] = []
        while self._waiting and len(self.in_flight) < self.max_parallel and not self.hopeless:
            key = self._waiting.pop()
            if key in self.done or key in self.failed:
                continue
            self.in_flight.add(key)
            taken.append(self._first[key])
        return taken

    @property
    def hopeless(self) -> bool:
        """Nothing was ever spoken and as many chunks failed as are tried at a time: the rest would fail alike."""
        return not self._spoke and len(self.failed) >= self.max_parallel

    @property
    def complete(self) -> bool:
        """Every chunk's audio is in the store."""
        return len(self.done) == len(self._first)

    @property
    def settled(self) -> bool:
        """Nothing more will come of this job's chunks by itself."""
        return not self.in_flight and (self.hopeless or len(self.done) + len(self.failed) == len(self._first))

    @property
    def counts(self) -> ChunkCounts:
        """Counts in chunks of the manifest."""
        return ChunkCounts(
            total=len(self.manifest.chunks),
            done=sum(self._uses[key] for key in self.done),
            failed=sum(self._uses[key] for key in self.failed),
        )

    @property
    def failures(self) -> tuple[ChunkFailure, ...]:
        """The first failures, in order of the text."""
        chunks = sorted((self._first[key] for key in self.failed), key=lambda chunk: chunk.index)
        return tuple(
            ChunkFailure(
                index=chunk.index, text=chunk.text[:_TEXT_SHOWN_CHARACTERS], reason=self.failed[chunk.audio_key]
            )
            for chunk in chunks[:FAILURES_SHOWN]
        )
