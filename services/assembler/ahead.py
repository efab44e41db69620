"""Joins the beginning of an episode while the rest of it is still being spoken.

Nobody waits for it. What is joined ahead is used if it still fits when the episode is made; without it the episode has
the same bytes and takes longer. Missing segments are made here, as they would be then: those of a voice that speaks
only in short chunks, whose gain no synthesizer could learn. Whatever cannot be done here is left for the episode.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial

import structlog

from services.assembler import joining, metrics, tags
from services.assembler.cover import Cover
from services.assembler.head_last import part_bytes
from services.assembler.parts import PartStore
from services.assembler.segments import Segments
from shared.deadlines import in_thread
from shared.protocol.manifest import Manifest
from shared.store import keys
from shared.store.port import Store
from shared.tracing import spans

log = structlog.get_logger(__name__)


async def join(manifest: Manifest, picture: Cover | None, chunks: int, *, store: Store, sample_rate: int) -> None:
    """Join the first chunks of a job in each of its formats, as far as they fill whole parts, until the job ends.

    Args:
        manifest: of the job.
        picture: its cover.
        chunks: how many of them are spoken.
        store: has the segments; gets the parts.
        sample_rate: of the chunks, Hz.

    Raises:
        ChunkMissing: a chunk is gone, or its audio cannot be used; what was joined before it stays.
    """
    segments = Segments(manifest, store, sample_rate)
    await segments.learn(chunks)
    for codec in joining.codecs_of(manifest.request.formats):
        start = joining.start_of(codec.format, partial(tags.labels_beforehand, manifest, picture, sample_rate))
        if start.is_resumable:
            with spans.span("join ahead"):
                kept = PartStore(manifest, segments, codec, start, store)
                if not await _join(segments, kept, chunks, partial(store.exists, keys.active(manifest.job_id))):
                    return


async def _join(segments: Segments, kept: PartStore, chunks: int, goes_on: Callable[[], Awaitable[bool]]) -> bool:
    """Join the first chunks in one format; False if the job has ended meanwhile."""
    parts = await kept.load()
    pieces: list[bytes] = []
    size_bytes = 0
    known = await in_thread(partial(segments.known, range(parts.chunks, chunks)))
    async with aclosing(segments.of(kept.codec, known)) as groups:
        async for some in groups:
            added = await in_thread(partial(parts.body.add, some))
            pieces += added
            size_bytes += sum(map(len, added))
            if size_bytes >= part_bytes(len(parts.records) + 1):
                state = parts.body.state()
                assert state is not None  # noqa: S101 - the format is resumable
                await kept.add(parts, b"".join(pieces), state)
                metrics.PARTS.labels(kept.codec.format).inc()
                log.debug("part joined ahead", format=kept.codec.format, chunks=parts.chunks)
                pieces, size_bytes = [], 0
                if not await goes_on():  # it may have been deleted, and nobody would remove what was stored since
                    await kept.remove()
                    return False
    return True
