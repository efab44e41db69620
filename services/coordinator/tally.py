"""How far the pieces of one kind have got: pure bookkeeping, no I/O.

Pieces with the same object key are one piece of work: it is requested once and finishes all of them.
"""

from __future__ import annotations

import base64
import binascii
import heapq
import zlib
from array import array

from services.coordinator.pieces import Kind

_CHECKPOINT_LIMIT_BYTES = 1_000_000
"""Eight million pieces; a longer bitmap was not written by us."""


class Tally:
    """Which pieces of a kind are finished, failed, in flight, or still to be requested.

    A book has 20,000 pieces, so for each only a dictionary entry and a few bytes are kept.

    Attributes:
        kind: what is counted here.
        failed: object key → why it cannot be made.
        attempts: object key of a failed piece → how often it was tried, where that is known.
        in_flight: object keys that have been requested and have not come back.
        finished_count: distinct objects that are in the store.
        done: finished pieces, counting equal ones separately.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._places: dict[str, int] = {}
        self._first = array("l")
        self._uses = array("l")
        for index, key in enumerate(kind.object_keys):
            place = self._places.setdefault(key, len(self._first))
            if place == len(self._first):
                self._first.append(index)
                self._uses.append(0)
            self._uses[place] += 1
        self._bits = bytearray((len(self._first) + 7) // 8)
        self._waiting = list(range(len(self._first)))  # a heap: what is lost is requested again in order
        self.failed: dict[str, str] = {}
        self.attempts: dict[str, int] = {}
        self.in_flight: set[str] = set()
        self.finished_count = 0
        self.done = 0
        self._reached = 0

    def index_of(self, key: str) -> int | None:
        """The first piece that this object finishes; None if it belongs to none of them."""
        place = self._places.get(key)
        return None if place is None else self._first[place]

    def is_finished(self, key: str) -> bool:
        """Whether this object is believed to be in the store."""
        place = self._places.get(key)
        return place is not None and self._bit(place)

    def finished(self) -> list[str]:
        """The objects that are believed to be in the store, in order."""
        return [key for key, place in self._places.items() if self._bit(place)]

    def _bit(self, place: int) -> bool:
        return bool(self._bits[place >> 3] >> (place & 7) & 1)

    def finish(self, key: str) -> bool:
        """Note that this object is in the store; False if that was known, or it belongs to none of these pieces."""
        place = self._places.get(key)
        if place is None or self._bit(place):
            return False
        self._bits[place >> 3] |= 1 << (place & 7)
        self.finished_count += 1
        self.done += self._uses[place]
        self.in_flight.discard(key)
        self.failed.pop(key, None)
        self.attempts.pop(key, None)
        return True

    def fail(self, key: str, reason: str, attempts: int | None = None) -> bool:
        """Note that this object cannot be made; False if it was made after all, or belongs to none of these pieces."""
        if key not in self._places or self.is_finished(key):
            return False
        self.in_flight.discard(key)
        self.failed[key] = reason
        if attempts is not None:
            self.attempts[key] = attempts
        return True

    def lose(self, key: str) -> bool:
        """Note that this object is gone and must be requested again; False if it was not believed to exist."""
        if not self.is_finished(key):
            return False
        place = self._places[key]
        self._bits[place >> 3] &= ~(1 << (place & 7))
        self.finished_count -= 1
        self.done -= self._uses[place]
        self._reached = min(self._reached, self._first[place])
        heapq.heappush(self._waiting, place)
        return True

    def sent_back(self, key: str) -> None:
        """Note that somebody else has requested this object, so it may be made after all."""
        if key in self._places and not self.is_finished(key):
            self.failed.pop(key, None)
            self.attempts.pop(key, None)
            self.in_flight.add(key)

    def ask_again(self) -> None:
        """Forget what was requested: the messages are lost, or were answered in some other way."""
        for key in self.in_flight:
            heapq.heappush(self._waiting, self._places[key])
        self.in_flight.clear()

    def take(self) -> list[int]:
        """The indexes of the pieces to request now, in order; they count as in flight from now on."""
        taken: list[int] = []
        while self._waiting and len(self.in_flight) < self.kind.parallel and not self.hopeless:
            place = heapq.heappop(self._waiting)
            key = self.kind.object_keys[self._first[place]]
            if self._bit(place) or key in self.failed or key in self.in_flight:
                continue
            self.in_flight.add(key)
            taken.append(self._first[place])
        return taken

    @property
    def hopeless(self) -> bool:
        """Nothing was ever made, and as many failed as are tried at a time: the rest would fail likewise."""
        return not self.finished_count and len(self.failed) >= self.kind.parallel

    @property
    def counts(self) -> dict[str, int]:
        """How many distinct objects there are in each status."""
        requested, failed = len(self.in_flight), len(self.failed)
        return {
            "unrequested": len(self._first) - self.finished_count - requested - failed,
            "requested": requested,
            "finished": self.finished_count,
            "failed": failed,
        }

    @property
    def frontier(self) -> int:
        """How many pieces from the first one on are finished without a gap, counting equal ones separately.

        Each piece is looked at once, and after a loss once more from there on.
        """
        keys = self.kind.object_keys
        while self._reached < len(keys) and self.is_finished(keys[self._reached]):
            self._reached += 1
        return self._reached

    @property
    def complete(self) -> bool:
        """Every object is in the store."""
        return self.finished_count == len(self._first)

    @property
    def settled(self) -> bool:
        """Nothing is in flight, and nothing more will be requested."""
        return not self.in_flight and (self.hopeless or self.finished_count + len(self.failed) == len(self._first))

    @property
    def failures(self) -> list[tuple[int, str]]:
        """Index and reason of the pieces that cannot be made, in order."""
        return sorted((self._first[self._places[key]], reason) for key, reason in self.failed.items())

    def attempts_at(self, index: int) -> int | None:
        """How often this failed piece was tried; None if that is not known."""
        return self.attempts.get(self.kind.object_keys[index])

    @property
    def failed_count(self) -> int:
        """Failed pieces, counting equal ones separately."""
        return sum(self._uses[self._places[key]] for key in self.failed)

    def checkpoint(self) -> str:
        """Which objects are finished, as text: a bitmap in the order of their first use; 20,000 take at most 3.4 KB."""
        return base64.b64encode(zlib.compress(bytes(self._bits), level=1)).decode()

    def restore(self, checkpoint: str) -> None:
        """Take over a checkpoint. It is only a hint: one that is unreadable or fits other pieces is ignored."""
        try:
            bits = zlib.decompressobj().decompress(base64.b64decode(checkpoint, validate=True), _CHECKPOINT_LIMIT_BYTES)
        except (binascii.Error, ValueError, zlib.error):
            return
        if len(bits) != len(self._bits):
            return
        for key, place in self._places.items():
            if bits[place >> 3] >> (place & 7) & 1:
                self.finish(key)
