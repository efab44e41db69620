"""How the audio files of an episode are made: joined from mastered segments, or encoded as a whole.

Joined are the formats that have a segment codec. Their frames go straight into the store, and loudness and peak are
known when the last segment has been read. If these miss the target, the level of the whole is changed where the format
has a field for that (`repairs.py`); otherwise the episode, like those of formats without a codec, is mastered and
encoded as a whole from the chunks' FLACs (`mastering.py`).

A chunk whose audio is lost is spoken again, and an engine may say it differently. So files are compared by the MD5 that
segments and FLACs have of their audio. If two were not made of the same, none is published, and all are made anew, of
the audio that is stored now.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from services.assembler import chunks, joining, mastering, metrics, parts, repairs, tags, voice_levels
from services.assembler.body import Body
from services.assembler.cover import Cover
from services.assembler.encoders import CONTENT_TYPES
from services.assembler.failures import OtherAudio
from services.assembler.head_last import HeadLast
from services.assembler.joining import Joined, Start
from services.assembler.parts import PartStore
from services.assembler.segment_levels import ChunkSounds
from services.assembler.segments import Segments
from services.assembler.timeline import ChunkMeasurement, Timeline, gain_db, plan, whole_energies
from services.assembler.timing import Encoded, EpisodeFile
from shared.audio.joining.joiner import Labels
from shared.audio.joining.ogg import OtherHead
from shared.audio.segments.codecs import Codec
from shared.deadlines import in_thread
from shared.errors import BadAudio, Conflict, NotFound
from shared.protocol.manifest import Manifest
from shared.protocol.messages import AudioFormat
from shared.store import keys
from shared.store.port import Store
from shared.tracing import spans

log = structlog.get_logger(__name__)


CHARACTERS_A_SECOND: Final = 8.0
"""The slowest speech that room is kept for on the disk."""


class EpisodeFiles:
    """The audio files of one episode. First `join` them, then `encode` the others.

    Args:
        manifest: of the job.
        store: has the chunks; gets the files.
        sample_rate: of the chunks, Hz.
        picture: the cover.
        anew: use the audio that is stored now: nothing that was joined ahead, and no segments of other audio.

    Attributes:
        segments: of the episode.
        joined: what was joined, by format.
        measurements: of the chunks' FLACs, where other formats need them; else empty.
        made: how each file was made.
        files: what is in the store.
    """

    def __init__(
        self, manifest: Manifest, store: Store, sample_rate: int, picture: Cover | None, *, anew: bool = False
    ) -> None:
        self.manifest = manifest
        self.store = store
        self.segments = Segments(manifest, store, sample_rate)
        self.joined: dict[AudioFormat, Joined] = {}
        self.measurements: Sequence[ChunkMeasurement] = ()
        self.made: dict[AudioFormat, Encoded] = {}
        self.files: dict[AudioFormat, EpisodeFile] = {}
        self._rate = sample_rate
        self._picture = picture
        self._timeline: Timeline | None = None
        self._anew = anew
        self._sounds: ChunkSounds | None = None

    @property
    def timeline(self) -> Timeline:
        """Nominal; each format places chunks at most some tens of milliseconds away from it."""
        assert self._timeline is not None  # noqa: S101 - known when the first file is made
        return self._timeline

    @property
    def seconds(self) -> float:
        """How long it is, about: before anything is measured, by the length of its text."""
        if self._timeline is not None:
            return self._timeline.seconds(self._timeline.frames)
        return sum(len(chunk.text) for chunk in self.manifest.chunks) / CHARACTERS_A_SECOND

    @property
    def labels(self) -> tags.Tags:
        """What is written into the files."""
        return tags.of(self.manifest, self._picture, self.timeline)

    @property
    def encoded_whole(self) -> list[AudioFormat]:
        """The formats that are not joined."""
        return [name for name in self.manifest.request.formats if name not in self.joined]

    async def join(self) -> None:
        """Make the files that are joined.

        Raises:
            ChunkMissing: a chunk's audio is gone, cannot be used, or cannot be encoded.
            EpisodeIncomplete: the result is not what was planned.
            OtherAudio: a chunk was spoken again meanwhile.
        """
        if self._anew:
            self.segments.restrict([measured.md5 for measured in await self._measure()])
        await self.segments.learn()
        for codec in joining.codecs_of(self.manifest.request.formats):
            with spans.span("join"):
                joined = await self._join(codec)
            if joined is not None:
                self.joined[codec.format] = joined
                self.made[codec.format] = joined.measured

    async def encode(self, folder: Path) -> None:
        """Make the files that are encoded as a whole.

        Args:
            folder: for the files until they are in the store.

        Raises:
            ChunkMissing: a chunk was removed meanwhile.
            EncoderFailed, DiskFull: ffmpeg could not do it.
            EpisodeIncomplete: the result is not what was planned.
            OffTarget: it missed its loudness or peak three times.
            OtherAudio: a chunk was spoken again meanwhile.
        """
        self.measurements = voice_levels.levelled(self.manifest, await self._measure())
        lengths = [measurement.frames for measurement in self.measurements]
        gains = [measurement.gain_db for measurement in self.measurements]
        self._timeline = await in_thread(partial(plan, self.manifest, lengths, self._rate, gains_db=gains))
        gain = gain_db(whole_energies(self.timeline, self.measurements), self.manifest.request.loudness)
        episode = mastering.Episode(
            self.manifest, self.timeline, self.measurements, self.labels, folder, formats=self.encoded_whole
        )
        with spans.span("master"):
            self.made |= await mastering.master(episode, self.store, gain)
        for name in self.encoded_whole:
            self.files[name] = await stored(self.manifest.job_id, name, path_of(folder, name), self.store)

    def check(self, sounds: ChunkSounds, *, first: int = 0) -> None:
        """Compare what some chunks of a file were made of with that of the files before it.

        Args:
            sounds: of these chunks.
            first: the index of the first one.

        Raises:
            OtherAudio: it is not the same.
        """
        if self._sounds is None:
            self._sounds = sounds
        elif sounds != self._sounds.of(first, len(sounds.lengths)):
            raise OtherAudio(
                "Files of this episode were made of different audio of the same chunk.",
                hint="It was spoken again meanwhile; the episode is made anew.",
            )

    async def _measure(self) -> list[ChunkMeasurement]:
        """The measurements of the chunks' FLACs, whose audio is that of all files."""
        measured = await chunks.measure(self.manifest, self.store, self._rate)
        lengths = array("L", [each.frames for each in measured])
        self.check(ChunkSounds(lengths, b"".join(bytes.fromhex(each.md5) for each in measured)))
        return measured

    async def _join(self, codec: Codec) -> Joined | None:
        """Join a file; None if it has to be encoded as a whole."""
        start = joining.start_of(codec.format, self._labels_beforehand)
        before = self._timeline, self._sounds
        kept = None
        if start.is_resumable and not self._anew and parts.may_exist(self.manifest):
            kept = PartStore(self.manifest, self.segments, codec, start, self.store)
        try:
            return await self._write(codec, start, kept)
        except (OtherHead, NotFound, Conflict) as error:
            # What was joined ahead cannot be used after all, or the head is longer: its times are beyond 100 hours.
            log.info("joined anew", format=codec.format, reason=str(error))
        start = joining.start_of(codec.format, self._labels_beforehand)
        self._timeline, self._sounds = before
        return await self._write(codec, start, None)

    def _labels_beforehand(self) -> Labels:
        """The labels, with the times of chapters if they are known."""
        if self._timeline is None:
            return tags.labels_beforehand(self.manifest, self._picture, self._rate)
        return tags.labels_of(self.labels)

    async def _write(
        self, codec: Codec, start: Start, kept: PartStore | None, repaired: Joined | None = None
    ) -> Joined | None:
        """Write a file into the store.

        Args:
            codec: of its format.
            start: how it is begun.
            kept: has what was joined ahead; None: everything is joined now.
            repaired: its level, where every segment is changed to be on target.
        """
        file = HeadLast(
            self.store, keys.episode(self.manifest.job_id, codec.format), content_type=CONTENT_TYPES[codec.format]
        )
        async with file:
            body = await self._copy(codec, start, kept, file, repaired)
            joined = None if body is None else await self._measured(codec, body, repaired)
            if body is None or joined is None:
                metrics.REPAIRED.labels(codec.format, "encoding").inc()
                return None
            if repaired is not None or joined.change is None:
                await self._finish(joined, body, file)
                return joined
        return await self._write(codec, start, None, joined)

    async def _copy(
        self, codec: Codec, start: Start, kept: PartStore | None, file: HeadLast, repaired: Joined | None
    ) -> Body | None:
        """Copy the frames; None if they cannot be changed as they should."""
        body, done = Body(self.manifest, start.joiner, change=repaired.change if repaired else None), 0
        if kept is not None:
            ahead = await kept.load()
            await kept.begin(file, ahead)
            body, done = ahead.body, ahead.chunks
        try:
            rest = range(done, len(self.manifest.chunks))
            await joining.copy(body, codec, self.segments, rest, file.write)
        except BadAudio:
            if repaired is None:
                raise
            return None
        self.check(body.levels.sounds)
        if self._timeline is None:
            self._timeline = await in_thread(partial(plan, self.manifest, body.levels.samples, self._rate))
        return body

    async def _measured(self, codec: Codec, body: Body, repaired: Joined | None) -> Joined | None:
        """The file, with another level if need be; None if it is not on target with any."""
        profile = self.manifest.request.loudness
        if repaired is not None:
            return replace(repaired, placement=body.placement(), gain_db=body.levels.gain_db)
        found = await in_thread(partial(joining.measured, codec, body, profile))
        if found.is_on_target(profile):
            return found
        moved = repairs.moved(found, profile)
        log.info(
            "episode off target",
            format=codec.format,
            loudness=round(found.loudness_lufs, 2),
            peak=found.true_peak_dbtp,
            repaired_by="encoding" if moved is None else "gain",
        )
        return moved

    async def _finish(self, joined: Joined, body: Body, file: HeadLast) -> None:
        name = joined.codec.format
        whole = await in_thread(partial(joining.whole, joined, self.labels))
        end, head = await in_thread(partial(body.close, whole))
        await file.write(end)
        joining.check_size(body.joiner, whole, len(head) + file.size_bytes, name)
        size = await file.finish(head)
        if joined.is_moved:
            metrics.REPAIRED.labels(name, "gain").inc()
        self.files[name] = EpisodeFile(key=keys.episode(self.manifest.job_id, name), size=size)


async def stored(job_id: str, name: str, path: Path, store: Store) -> EpisodeFile:
    """Put a file of the episode into the store."""
    key = keys.episode(job_id, name)
    await store.put_file(key, path, content_type=CONTENT_TYPES[name])
    return EpisodeFile(key=key, size=await in_thread(lambda: path.stat().st_size))


def path_of(folder: Path, name: str) -> Path:
    """Where a file of the episode is made that is not joined."""
    return folder / f"episode.{name}"
