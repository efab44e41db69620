"""Consumes episode.requested, publishes episode.assembled or chunk.lost: one manifest in, one episode out.

Consumes episode.part_requested too: what has been spoken so far can already be joined. Nothing depends on it.

No state is kept between messages. The message of a killed assembler is redelivered and the same episode is made
again; a finished episode is found in the store and only announced.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from pydantic import ValidationError

from services.assembler import ahead, chapter_files, chapter_marks, cover, metrics, parts, scratch, timing
from services.assembler.captions import webvtt, words_of
from services.assembler.encoders import CONTENT_TYPES, ENCODERS
from services.assembler.episode_files import EpisodeFiles, path_of, stored
from services.assembler.failures import ChunkMissing, OtherAudio
from services.assembler.timeline import Timeline
from services.assembler.timing import EpisodeFile, Timing
from shared.deadlines import deadline, in_thread
from shared.errors import BadInput, NotFound, PodcastError
from shared.protocol.manifest import Manifest
from shared.protocol.messages import ChunkLost, EpisodeAssembled, EpisodePartRequested, EpisodeRequested
from shared.protocol.reading import read
from shared.settings import Settings
from shared.store import job_manifest, keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

Publish = Callable[[EpisodeAssembled | ChunkLost], Awaitable[None]]

SPARE_BYTES = 50_000_000
"""For tags and the like, on top of the audio."""
AHEAD_SECONDS = 60.0
"""Reading a part of 5 MB takes less than a second; if it takes much longer, it is better left for the episode."""


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
        OtherAudio: chunks are spoken again all the time.
    """
    started = time.monotonic()
    manifest, sample_rate, fingerprint = await _manifest(request.job_id, store, settings)
    finished = await timing.finished(request.job_id, fingerprint, store)
    source = "made" if finished is None else "found"
    if finished is None:
        try:
            try:
                finished = await _make(manifest, fingerprint, store, sample_rate)
            except OtherAudio as error:
                log.info("made anew", job=manifest.job_id, reason=error.message)
                finished = await _make(manifest, fingerprint, store, sample_rate, anew=True)
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
    try:
        for name in manifest.request.formats if parts.may_exist(manifest) else ():
            await parts.remove(store, manifest.job_id, name)
    except PodcastError as error:  # at the latest, they are removed with their job
        log.warning("parts not removed", job=manifest.job_id, reason=str(error))


async def join_ahead(request: EpisodePartRequested, *, store: Store, settings: Settings) -> None:
    """Join the beginning of an episode while the rest is spoken; whatever goes wrong is left for the episode.

    Args:
        request: names the job, and how many of its chunks are there.
        store: has the manifest and the segments; gets the parts.
        settings: give the sample rate for a manifest that names none.
    """
    try:
        async with deadline(AHEAD_SECONDS, "joining ahead"):
            if not await store.exists(keys.active(request.job_id)):
                return  # it has ended
            manifest, sample_rate, _ = await _manifest(request.job_id, store, settings)
            picture = await cover.load(_cover_key(manifest), store)
            chunks = min(request.chunks, len(manifest.chunks))
            await ahead.join(manifest, picture, chunks, store=store, sample_rate=sample_rate)
    except PodcastError as error:
        log.warning("nothing joined ahead", job=request.job_id, reason=str(error))


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
    sample_rate = manifest.sample_rate or settings.sample_rate
    return manifest, sample_rate, timing.fingerprint(data, sample_rate)


async def _make(manifest: Manifest, fingerprint: str, store: Store, sample_rate: int, *, anew: bool = False) -> Timing:
    picture = await cover.load(_cover_key(manifest), store)
    episode = EpisodeFiles(manifest, store, sample_rate, picture, anew=anew)
    await episode.join()
    files: dict[str, EpisodeFile] = {}
    if episode.encoded_whole or manifest.request.chapter_files:
        with scratch.folder(_scratch_bytes(episode)) as folder:
            if episode.encoded_whole:
                await episode.encode(folder)
            if manifest.request.chapter_files:
                await chapter_files.make(episode, folder)
                files["zip"] = await stored(manifest.job_id, "zip", path_of(folder, "zip"), store)
    timeline = episode.timeline
    texts = await in_thread(partial(_texts, manifest, timeline))
    for name, text in texts.items():
        key = keys.episode(manifest.job_id, name)
        await store.put(key, text, content_type=CONTENT_TYPES[name])
        files[name.removesuffix(".json")] = EpisodeFile(key=key, size=len(text))
    formats = manifest.request.formats
    made = Timing(
        job_id=manifest.job_id,
        fingerprint=fingerprint,
        timeline=timeline,
        audio={str(name): episode.made[name] for name in formats},
        files={**{name: episode.files[name] for name in formats}, **files},
    )
    document = await in_thread(partial(made.model_dump_json, indent=1, exclude_none=True))
    await store.put(_timing_key(manifest.job_id), document.encode(), content_type=CONTENT_TYPES["timing.json"])
    metrics.AUDIO_SECONDS.inc(timeline.seconds(timeline.frames))
    log.info("episode made", seconds=round(timeline.seconds(timeline.frames), 1), chunks=len(timeline.chunks))
    return made


def _scratch_bytes(episode: EpisodeFiles) -> int:
    """An estimate of what is written to the local disk."""
    formats = episode.manifest.request.formats
    chapters = 2 * formats[:1] if episode.manifest.request.chapter_files else ()  # the archive, and a file for it
    bytes_a_second = sum(ENCODERS[name].bytes_a_second for name in (*episode.encoded_whole, *chapters))
    return SPARE_BYTES + int(episode.seconds * bytes_a_second)


def _cover_key(manifest: Manifest) -> str | None:
    """The picture that the job names, else the one that the chunker found in its source."""
    return manifest.request.cover or (keys.cover(manifest.job_id) if manifest.has_cover else None)


def _texts(manifest: Manifest, timeline: Timeline) -> dict[str, bytes]:
    """Captions and chapters, from the one timing manifest."""
    chapters = chapter_marks.podcast_namespace_json(timeline, title=manifest.title, author=manifest.author)
    return {"vtt": "".join(webvtt(timeline, words_of(manifest))).encode(), "chapters.json": chapters}


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
