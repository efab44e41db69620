"""Parts of an episode that were joined ahead: their bytes, and what is needed to go on after them.

A part is two objects: its body, which has at least 5 MiB, so that the store can copy it into the file; and its record,
which is written second and says what the body holds. A record counts only if it was made of the very segments and
pauses of the manifest as it is now, and follows the part before it; everything after the first one that does not fit is
made anew. So a lost, doubled or late message changes no byte of the episode.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pydantic import ValidationError

from services.assembler.body import Body, BodyState
from services.assembler.head_last import CopiedPart
from services.assembler.joining import Start
from services.assembler.part_records import Record, body_of, document, parsed
from services.assembler.segments import Segments
from shared.audio.segments.codecs import Codec
from shared.deadlines import in_thread
from shared.errors import BadAudio
from shared.protocol.manifest import Manifest
from shared.store import keys
from shared.store.port import Store

RECORDS_A_CALL: Final = 8
CONTENT_TYPE: Final = "application/vnd.podcast-engine.part"
_DIGEST_CHARACTERS: Final = 16
_NUMBER_DIGITS: Final = 5


@dataclass(slots=True)
class Parts:
    """The parts of an episode in one format, from its beginning.

    Attributes:
        body: goes on after them.
        identity: of all of them; that of no part is what decides the bytes of all.
        records: of each part.
        chunks: how many chunks they hold.
    """

    body: Body
    identity: str
    records: list[Record] = field(default_factory=list)
    chunks: int = 0

    def add(self, record: Record) -> None:
        """Another part."""
        self.records.append(record)
        self.chunks += record.chunks
        self.identity = record.identity


class PartStore:
    """The parts of one episode in one format.

    Args:
        manifest: of the job.
        segments: of the episode.
        codec: of the format.
        start: how the file is begun.
        store: where they are.
    """

    def __init__(self, manifest: Manifest, segments: Segments, codec: Codec, start: Start, store: Store) -> None:
        self.codec = codec
        self._manifest = manifest
        self._segments = segments
        self._start = start
        self._store = store

    async def load(self, use: Callable[[CopiedPart], Awaitable[None]] | None = None) -> Parts:
        """The parts that still fit the manifest.

        Args:
            use: called with the body of each as soon as it is known that it fits.
        """
        body = Body(self._manifest, self._start.joiner)
        parts = Parts(body, hashlib.sha256(self._start.identity.encode()).hexdigest())
        count = 1  # most episodes have none
        while True:
            first = len(parts.records) + 1
            for data in await self._store.get_many([self._key(number) for number in range(first, first + count)]):
                if data is None or not await in_thread(partial(self._take, parts, data)):
                    return parts
                if use is not None:
                    await use(CopiedPart(parts.records[-1].body, parts.records[-1].size_bytes))
            count = RECORDS_A_CALL

    def _take(self, parts: Parts, data: bytes) -> bool:
        """Add a stored part, if it fits."""
        try:
            record, state = parsed(data)
        except (BadAudio, ValidationError, struct.error):
            return False
        if record.first != parts.chunks or record.first + record.chunks > len(self._manifest.chunks):
            return False
        if len(state.levels) != record.chunks or record.identity != self._identity(parts, record.chunks):
            return False
        parts.body.resume(state)
        parts.add(record)
        return True

    async def add(self, parts: Parts, body: bytes, state: BodyState) -> None:
        """Store another part.

        Args:
            parts: those before it; it is added.
            body: its bytes; at least `LEAST_PART_BYTES`.
            state: of `parts.body` after it.
        """
        number = len(parts.records) + 1
        digest = (await in_thread(partial(hashlib.sha256, body))).hexdigest()[:_DIGEST_CHARACTERS]
        key = keys.part_body(self._manifest.job_id, self.codec.format, _digits(number), digest)
        record = Record(
            identity=await in_thread(partial(self._identity, parts, len(state.levels))),
            first=parts.chunks,
            chunks=len(state.levels),
            body=key,
            size_bytes=len(body),
        )
        [replaced] = await self._store.get_many([self._key(number)])
        await self._store.put(key, body, content_type=CONTENT_TYPE)
        stored = await in_thread(partial(document, record, state))
        await self._store.put(self._key(number), stored, content_type=CONTENT_TYPE)
        if replaced is not None and (old := body_of(replaced)) is not None and old != key:
            await self._store.delete(old)
        parts.add(record)

    async def remove(self, parts: Parts) -> None:
        """Remove these parts."""
        for number, record in enumerate(parts.records, 1):
            await self._store.delete(record.body)
            await self._store.delete(self._key(number))

    def _identity(self, parts: Parts, count: int) -> str:
        """Of the part that comes next, with so many chunks."""
        indexes = range(parts.chunks, parts.chunks + count)
        pauses = [self._manifest.pause_ms(self._manifest.chunks[index]) for index in indexes]
        decides = [parts.identity, self._segments.names(self.codec, indexes), pauses]
        return hashlib.sha256(json.dumps(decides).encode()).hexdigest()

    def _key(self, number: int) -> str:
        return keys.part(self._manifest.job_id, self.codec.format, _digits(number))


async def remove(store: Store, job_id: str, audio_format: str) -> None:
    """Remove the parts of an episode that is finished."""
    number = 1
    while (data := (await store.get_many([keys.part(job_id, audio_format, _digits(number))]))[0]) is not None:
        if (body := body_of(data)) is not None:
            await store.delete(body)
        await store.delete(keys.part(job_id, audio_format, _digits(number)))
        number += 1


def _digits(number: int) -> str:
    return f"{number:0{_NUMBER_DIGITS}}"
