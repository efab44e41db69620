"""Parts of an episode that were joined ahead: their bytes, and what is needed to go on after them.

The first part is an object, since the file's head comes before it; the others are in an upload of the episode that
stays open, whose id is an object, too. After the bytes of a part its record is written, which says what they hold. A
record counts only if it was made of the very segments and pauses of the manifest as it is now, and follows the part
before it as that is now: its chunks may have been spoken again. Everything after the first record that does not fit is
made anew. So a lost, doubled or late message changes no byte of the episode. A store may forget the upload: then the
episode is joined anew.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pydantic import ValidationError

from services.assembler.body import Body, BodyState
from services.assembler.encoders import CONTENT_TYPES
from services.assembler.head_last import HeadLast
from services.assembler.joining import Start
from services.assembler.part_records import Record, body_of, document, parsed
from services.assembler.segment_levels import SegmentLevels
from services.assembler.segments import Segments
from shared.audio.segments.codecs import Codec
from shared.concurrency import gathered
from shared.deadlines import in_thread
from shared.errors import BadAudio, Conflict, NotFound
from shared.protocol.manifest import Manifest
from shared.protocol.messages import PART_CHUNKS
from shared.store import keys, part_uploads
from shared.store.port import Contents, Store, UploadedPart

RECORDS_A_CALL: Final = 8
CALLS_AT_A_TIME: Final = 3
CONTENT_TYPE: Final = "application/vnd.podcast-engine.part"
_CALLS: Final = range(0, CALLS_AT_A_TIME * RECORDS_A_CALL, RECORDS_A_CALL)
_DIGEST_CHARACTERS: Final = 16
_NUMBER_DIGITS: Final = 5


@dataclass(slots=True)
class Parts:
    """The parts of an episode in one format, from its beginning.

    Attributes:
        body: goes on after them.
        identity: a digest of what decides the bytes of all of them; with no parts yet, of what the format decides.
        upload: the id of the upload that has all but the first; empty: it has not been begun.
        records: of each part.
        chunks: how many chunks they hold.
    """

    body: Body
    identity: str
    upload: str = ""
    records: list[Record] = field(default_factory=list)
    chunks: int = 0

    def add(self, record: Record) -> None:
        """Another part."""
        self.records.append(record)
        self.chunks += record.chunks
        self.identity = record.identity

    @property
    def uploaded(self) -> list[UploadedPart]:
        """The parts that are in the upload."""
        rest = enumerate(self.records[1:], 2)
        return [UploadedPart(number, record.tag, record.size_bytes) for number, record in rest]


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

    async def load(self) -> Parts:
        """The parts that still fit the manifest."""
        body = Body(self._manifest, self._start.joiner)
        parts = Parts(body, hashlib.sha256(self._start.identity.encode()).hexdigest())
        upload, *stored = await self._store.get_many([self._upload_key, self._key(1)])  # most episodes have none
        parts.upload = "" if upload is None else part_uploads.id_in(upload)
        while await in_thread(partial(self._take_all, parts, stored)):
            number = len(parts.records) + 1
            calls = [range(number + at, number + at + RECORDS_A_CALL) for at in _CALLS]
            stored = [data for some in await gathered(self._read, calls, at_a_time=CALLS_AT_A_TIME) for data in some]
        return parts

    async def _read(self, numbers: range) -> Contents:
        return await self._store.get_many([self._key(number) for number in numbers])

    def _take_all(self, parts: Parts, stored: Contents) -> bool:
        """Add stored parts, as far as they fit; False if one is missing or does not."""
        return all(data is not None and self._take(parts, data) for data in stored)

    def _take(self, parts: Parts, data: bytes) -> bool:
        """Add a stored part, if it fits."""
        try:
            record, state = parsed(data)
        except (BadAudio, ValidationError, struct.error):
            return False
        if record.first != parts.chunks or record.first + record.chunks > len(self._manifest.chunks):
            return False
        if not (record.upload == parts.upload != "" if parts.records else record.body):
            return False
        if len(state.levels) != record.chunks or record.identity != self._identity(parts, state.levels):
            return False
        parts.body.resume(state)
        parts.add(record)
        return True

    async def begin(self, file: HeadLast, parts: Parts) -> None:
        """Let a file begin with these parts.

        Raises:
            NotFound, Conflict: the first of them is gone, or has another size; or the upload is another store's.
        """
        if not parts.records:
            return
        first = await self._store.get(parts.records[0].body)
        if len(first) != parts.records[0].size_bytes:
            raise Conflict(f"{parts.records[0].body} has {len(first)} bytes and not {parts.records[0].size_bytes}.")
        uploaded = parts.uploaded
        upload = self._store.taken_up(self._episode_key, parts.upload, uploaded) if uploaded else None
        file.go_on(first, upload, uploaded)

    async def add(self, parts: Parts, body: bytes, state: BodyState) -> None:
        """Store another part.

        Args:
            parts: those before it; it is added.
            body: its bytes; at least `LEAST_PART_BYTES`.
            state: of `parts.body` after it.

        Raises:
            NotFound: the store has forgotten the upload. All parts are removed, and can be made anew.
        """
        number = len(parts.records) + 1
        record = Record(
            identity=await in_thread(partial(self._identity, parts, state.levels)),
            first=parts.chunks,
            chunks=len(state.levels),
            size_bytes=len(body),
            **await (self._put_first(body) if number == 1 else self._put(parts, number, body)),
        )
        stored = await in_thread(partial(document, record, state))
        await self._store.put(self._key(number), stored, content_type=CONTENT_TYPE)
        parts.add(record)

    async def remove(self) -> None:
        """Remove all parts."""
        await remove(self._store, self._manifest.job_id, self.codec.format)

    async def _put_first(self, body: bytes) -> dict[str, str]:
        """Store the bytes of the first part under a name of their own, and remove those that they replace."""
        digest = (await in_thread(partial(hashlib.sha256, body))).hexdigest()[:_DIGEST_CHARACTERS]
        key = keys.part_body(self._manifest.job_id, self.codec.format, _digits(1), digest)
        [replaced] = await self._store.get_many([self._key(1)])
        await self._store.put(key, body, content_type=CONTENT_TYPE)
        if replaced is not None and (old := body_of(replaced)) not in {None, "", key}:
            await self._store.delete(self._key(1))  # it names what is removed now
            await self._store.delete(old)
        return {"body": key}

    async def _put(self, parts: Parts, number: int, body: bytes) -> dict[str, str]:
        if not parts.upload:
            parts.upload = await self._opened()
        try:
            added = await self._store.taken_up(self._episode_key, parts.upload).add(number, body)
        except NotFound:
            await self.remove()
            raise
        return {"upload": parts.upload, "tag": added.tag}

    async def _opened(self) -> str:
        """The id of a new upload of the episode, or of the one that another process has just begun."""
        name = self.codec.format
        upload = await self._store.open_upload(self._episode_key, content_type=CONTENT_TYPES[name])
        try:
            await self._store.create(self._upload_key, upload.encode(), content_type=CONTENT_TYPE)
        except Conflict:
            await self._store.abandon_upload(self._episode_key, upload)
            return part_uploads.id_in(await self._store.get(self._upload_key))
        return upload

    def _identity(self, parts: Parts, levels: SegmentLevels) -> str:
        """The identity of all parts, with a next one: what the manifest has for it, and which audio its chunks have."""
        indexes = range(parts.chunks, parts.chunks + len(levels))
        pauses = [self._manifest.pause_ms(self._manifest.chunks[index]) for index in indexes]
        sounds = [list(levels.samples), levels.md5s.hex()]
        decides = [parts.identity, self._segments.names(self.codec, indexes), pauses, sounds]
        return hashlib.sha256(json.dumps(decides).encode()).hexdigest()

    def _key(self, number: int) -> str:
        return keys.part(self._manifest.job_id, self.codec.format, _digits(number))

    @property
    def _upload_key(self) -> str:
        return keys.part_upload(self._manifest.job_id, self.codec.format)

    @property
    def _episode_key(self) -> str:
        return keys.episode(self._manifest.job_id, self.codec.format)


def may_exist(manifest: Manifest) -> bool:
    """Whether anybody asks for parts of the episode: the coordinator does not if it has few chunks."""
    return len(manifest.chunks) > PART_CHUNKS


async def remove(store: Store, job_id: str, audio_format: str) -> None:
    """Remove the parts of an episode: it is finished, or its job has ended."""
    first = 1
    while True:
        some = [keys.part(job_id, audio_format, _digits(first + at)) for at in range(RECORDS_A_CALL)]
        found = [(key, data) for key, data in zip(some, await store.get_many(some), strict=True) if data is not None]
        for key, data in found:
            if body := body_of(data):
                await store.delete(body)
            await store.delete(key)
        if not found:
            break
        first += RECORDS_A_CALL
    await part_uploads.abandon(store, job_id, audio_format)


def _digits(number: int) -> str:
    return f"{number:0{_NUMBER_DIGITS}}"
