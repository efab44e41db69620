"""How far the pieces of one kind are: pure bookkeeping, no I/O.

Pieces with the same object key are one piece of work: it is asked for once and finishes all of them.
"""

from __future__ import annotations

import base64
import binascii
import heapq
import zlib

from services.coordinator.pieces import Kind

_CHECKPOINT_LIMIT_BYTES = 1_000_000
"""Eight million pieces; a longer bitmap was not written by us."""


class Tally:
    """Which pieces of a kind are finished, failed, asked for, or still to be asked for.

    Attributes:
        kind: what is counted here.
        first: the index of the first piece with each object key, in order.
        finished, failed, in_flight: by object key; `failed` with the reason.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.first: dict[str, int] = {}
        self._uses: dict[str, int] = {}
        for index, key in enumerate(kind.object_keys):
            self.first.setdefault(key, index)
            self._uses[key] = self._uses.get(key, 0) + 1
        self._keys = list(self.first)
        self._places = {key: place for place, key in enumerate(self._keys)}
        self._bits = bytearray((len(self._keys) + 7) // 8)
        self.finished: set[str] = set()
        self.failed: dict[str, str] = {}
        self.in_flight: set[str] = set()
        self._waiting = list(range(len(self._keys)))  # a heap of places: what is lost is asked for again in its order
        self.done = 0
        """Finished pieces, equal ones counted each."""

    def finish(self, key: str) -> bool:
        """Note that this object is in the store; False if that was known, or it is none of these."""
        place = self._places.get(key)
        if place is None or key in self.finished:
            return False
        self.finished.add(key)
        self._bits[place >> 3] |= 1 << (place & 7)
        self.done += self._uses[key]
        self.in_flight.discard(key)
        self.failed.pop(key, None)
        return True

    def fail(self, key: str, reason: str) -> bool:
        """Note that this object cannot be made; False if it was made after all, or it is none of these."""
        if key not in self._places or key in self.finished:
            return False
        self.in_flight.discard(key)
        self.failed[key] = reason
        return True

    def lose(self, key: str) -> bool:
        """Note that this object is gone and is to be asked for again; False if it was not believed to be there."""
        if key not in self.finished:
            return False
        place = self._places[key]
        self.finished.remove(key)
        self._bits[place >> 3] &= ~(1 << (place & 7))
        self.done -= self._uses[key]
        heapq.heappush(self._waiting, place)
        return True

    def asked(self, key: str) -> None:
        """Note that somebody else has asked for this object already."""
        if key in self._places and key not in self.finished and key not in self.failed:
            self.in_flight.add(key)

    def ask_again(self) -> None:
        """Believe of nothing that it was asked for: the messages are lost, or were answered otherwise."""
        for key in self.in_flight:
            heapq.heappush(self._waiting, self._places[key])
        self.in_flight.clear()

    def take(self) -> list[int]:
        """The indexes of the pieces to ask for now, in order; they count as in flight from here on."""
        taken: list[int] = []
        while self._waiting and len(self.in_flight) < self.kind.parallel and not self.hopeless:
            key = self._keys[heapq.heappop(self._waiting)]
            if key in self.finished or key in self.failed or key in self.in_flight:
                continue
            self.in_flight.add(key)
            taken.append(self.first[key])
        return taken

    @property
    def hopeless(self) -> bool:
        """Nothing was ever made and as many failed as are tried at a time: the rest would fail alike."""
        return not self.finished and len(self.failed) >= self.kind.parallel

    @property
    def complete(self) -> bool:
        """Every object is in the store."""
        return len(self.finished) == len(self._keys)

    @property
    def settled(self) -> bool:
        """Nothing more will come of these pieces by itself."""
        return not self.in_flight and (self.hopeless or len(self.finished) + len(self.failed) == len(self._keys))

    @property
    def failures(self) -> list[tuple[int, str]]:
        """Index and reason of the pieces that cannot be made, in order."""
        return sorted((self.first[key], reason) for key, reason in self.failed.items())

    @property
    def failed_count(self) -> int:
        """Failed pieces, equal ones counted each."""
        return sum(self._uses[key] for key in self.failed)

    def checkpoint(self) -> str:
        """Which objects are finished, as text: a bitmap in the order of their first use; 20,000 take at most 3.4 KB."""
        return base64.b64encode(zlib.compress(bytes(self._bits), level=1)).decode()

    def restore(self, checkpoint: str) -> None:
        """Believe a checkpoint. It is a hint: one that cannot be read, or fits other pieces, is no hint at all."""
        try:
            bits = zlib.decompressobj().decompress(base64.b64decode(checkpoint, validate=True), _CHECKPOINT_LIMIT_BYTES)
        except (binascii.Error, ValueError, zlib.error):
            return
        if len(bits) != len(self._bits):
            return
        for place, key in enumerate(self._keys):
            if bits[place >> 3] >> (place & 7) & 1:
                self.finish(key)
