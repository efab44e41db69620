"""Consumes episode.requested, publishes episode.assembled or chunk.lost: one manifest in, one episode out.

No state is kept between messages. The message of a killed assembler is redelivered and the same episode is made
again; a finished episode is found in the store and only announced.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import structlog
from pydantic import ValidationError

from services.assembler import chapter_files, chapter_marks, cover, episode_files, metrics, scratch, tags, timing
from services.assembler.captions import webvtt, words_of
from services.assembler.encoders import CONTENT_TYPES, ENCODERS
from services.assembler.failures import ChunkMissing
from services.assembler.segments import Segments
from services.assembler.timeline import Timeline
from services.assembler.timing import EpisodeFile, Timing
from shared.deadlines import in_thread
from shared.errors import BadInput, NotFound
from shared.protocol.manifest import Chunk, Manifest
from shared.protocol.messages import ChunkLost, EpisodeAssembled, EpisodePartRequested, EpisodeRequested
from shared.protocol.reading import read
from shared.settings import Settings
from shared.store import job_manifest, keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

Publish = Callable[[EpisodeAssembled | ChunkLost], Awaitable[None]]

SPARE_BYTES = 50_000_000
"""For captions, chapters and tags, on top of the audio."""


async def assemble_episode(request: EpisodeRequested, *, store: Store, settings: Settings, publish: Publish) -> None:
    """Make the episode of a job whose chunks are all in the store, verify that it is complete, store it, announce it.

    Args:
        request: names the job.
        store: has the manifest and the chunks; gets the episode.
        settings: give the sample rate for a manifest that names none.
        publish: announces the episode.

    Raises:
        BadInput: there is no manifest, or the cover is not a picture.
        DiskFull, EncoderFailed, EpisodeIncomplete: it could not be made this time.
        OffTarget: it cannot be brought to its loudness.
    """
    started = time.monotonic()
    manifest, sample_rate, fingerprint = await _manifest(request.job_id, store, settings)
    finished = await timing.finished(request.job_id, fingerprint, store)
    source = "made" if finished is None else "found"
    if finished is None:
        try:
            finished = await _make(manifest, fingerprint, store, sample_rate)
        except ChunkMissing as lost:
            # A chunk's object is the only record that it is finished: without it, the coordinator requests it again.
            metrics.CHUNKS_LOST.inc()
            log.warning("chunk lost", reason=str(lost))
            await store.delete(lost.key)
            await publish(
                ChunkLost(job_id=manifest.job_id, index=lost.index, audio_key=lost.key, reason=lost.message[:500])
            )
            return
    metrics.EPISODES.labels(source).inc()
    await publish(_announcement(finished, time.monotonic() - started))


async def _manifest(job_id: str, store: Store, settings: Settings) -> tuple[Manifest, int, str]:
    """The manifest of a job, its sample rate, and its fingerprint; the document itself is not kept."""
    try:
        data = await job_manifest.read_bytes(store, job_id)
        manifest = await in_thread(partial(read, Manifest, data, strict=False))
    except NotFound:
        raise BadInput(f"Job {job_id} has no manifest in the store.") from None
    except ValidationError as error:
        raise BadInput(f"The manifest of job {job_id} cannot be read: {error.errors()[0]['msg']}.") from error
    if manifest.job_id != job_id:
        raise BadInput(f"The manifest of job {job_id} is of job {manifest.job_id}.")
    _share_names(manifest)
    sample_rate = manifest.sample_rate or settings.sample_rate
    return manifest, sample_rate, timing.fingerprint(data, sample_rate)


def _share_names(manifest: Manifest) -> None:
    """Let all chunks share one set of field names: pydantic gives each chunk its own, 6 MB for 30 hours."""
    names = set(Chunk.model_fields)
    for chunk in manifest.chunks:
        object.__setattr__(chunk, "__pydantic_fields_set__", names)


async def _make(manifest: Manifest, fingerprint: str, store: Store, sample_rate: int) -> Timing:
    with Segments(manifest, store, sample_rate) as segments:
        return await _make_of(segments, manifest, fingerprint, store, sample_rate)


async def _make_of(segments: Segments, manifest: Manifest, fingerprint: str, store: Store, sample_rate: int) -> Timing:
    picture = await cover.load(_cover_key(manifest), store)
    planned = await episode_files.plan_episode(manifest, segments, store, sample_rate)
    timeline = planned.timeline
    formats = manifest.request.formats
    chapters = 2 * formats[:1] if manifest.request.chapter_files else ()  # the archive, and a file that goes into it
    bytes_a_second = sum(ENCODERS[name].bytes_a_second for name in (*formats, *chapters))
    with scratch.folder(SPARE_BYTES + int(timeline.seconds(timeline.frames) * bytes_a_second)) as folder:
        labels = tags.of(manifest, picture, timeline)
        audio = await episode_files.make_audio(planned, labels, folder)
        await in_thread(partial(_write_texts, manifest, timeline, folder))
        names = [*manifest.request.formats, "vtt", "chapters.json"]
        if manifest.request.chapter_files:
            await chapter_files.make(planned, audio, labels, folder)
            names.append("zip")
        files = {}
        for name in names:
            path = episode_files.path_of(folder, name)
            files[name.removesuffix(".json")] = await _store(manifest.job_id, name, path, store)
    made = Timing(
        job_id=manifest.job_id,
        fingerprint=fingerprint,
        timeline=timeline,
        audio={str(name): encoded for name, encoded in audio.items()},
        files=files,
    )
    document = await in_thread(partial(made.model_dump_json, indent=1, exclude_none=True))
    await store.put(_timing_key(manifest.job_id), document.encode(), content_type=CONTENT_TYPES["timing.json"])
    metrics.AUDIO_SECONDS.inc(timeline.seconds(timeline.frames))
    log.info("episode made", seconds=round(timeline.seconds(timeline.frames), 1), chunks=len(timeline.chunks))
    return made


def _cover_key(manifest: Manifest) -> str | None:
    """The picture that the job names, else the one that the chunker found in its source."""
    return manifest.request.cover or (keys.cover(manifest.job_id) if manifest.has_cover else None)


def _write_texts(manifest: Manifest, timeline: Timeline, folder: Path) -> None:
    """Captions and chapters, from the one timing manifest."""
    with episode_files.path_of(folder, "vtt").open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(webvtt(timeline, words_of(manifest)))
    document = chapter_marks.podcast_namespace_json(timeline, title=manifest.title, author=manifest.author)
    episode_files.path_of(folder, "chapters.json").write_bytes(document)


async def _store(job_id: str, name: str, path: Path, store: Store) -> EpisodeFile:
    key = keys.episode(job_id, name)
    await store.put_file(key, path, content_type=CONTENT_TYPES[name])
    return EpisodeFile(key=key, size=await in_thread(lambda: path.stat().st_size))


def _timing_key(job_id: str) -> str:
    return keys.episode(job_id, "timing.json")


def _announcement(finished: Timing, seconds: float) -> EpisodeAssembled:
    first = next(iter(finished.audio.values()))
    timeline: Timeline = finished.timeline
    return EpisodeAssembled(
        job_id=finished.job_id,
        files={name: file.key for name, file in finished.files.items()} | {"timing": _timing_key(finished.job_id)},
        audio_seconds=timeline.seconds(timeline.frames),
        loudness_lufs=first.loudness_lufs,
        true_peak_dbtp=first.true_peak_dbtp,
        seconds=round(seconds, 3),
    )


async def join_ahead(request: EpisodePartRequested, *, store: Store, settings: Settings) -> None:
    """Join the first chunks of a job ahead, while the others are spoken.

    Args:
        request: names the job, and says how many of its chunks are in the store.
        store: has the manifest and the chunks.
        settings: give the sample rate for a manifest that names none.
    """
    del store, settings
    log.debug("not joined ahead", job=request.job_id, chunks=request.chunks)
