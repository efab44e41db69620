"""How much loudness the limiter will cost, estimated on a sample of the episode before anything is encoded.

The loudness of the chunks determines the gain only where the limiter stays idle. Synthetic voices have peaks 19-22 dB
above their loudness, so -19 LUFS under -3 dBTP costs about 1 LU; finding that by encoding takes two or three passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from services.assembler.chunks import Mastering, samples_of
from services.assembler.timeline import ChunkMeasurement, TimedChunk, Timeline
from shared.audio.loudness import Samples
from shared.deadlines import in_thread
from shared.protocol.manifest import Manifest
from shared.store.port import Store

SAMPLE_SECONDS = 60.0
"""About a second of work, and 6 MB."""
ROUNDS = 5
CLOSE_LU = 0.05
FIRST_STEP = 1.3
"""More than 1 dB of gain for 1 LU: the limiter also reduces part of the correction."""
MOST_EXTRA_DB = 10.0
NO_CEILING_DBTP = 200.0


def needed(measurements: Sequence[ChunkMeasurement], gain_db: float, ceiling_dbtp: float) -> bool:
    """Whether the limiter will act on any chunk."""
    return max(measurement.true_peak_dbtp for measurement in measurements) + gain_db > ceiling_dbtp


async def extra_gain_db(
    timeline: Timeline, manifest: Manifest, store: Store, *, gain_db: float, ceiling_dbtp: float
) -> float:
    """How much more gain compensates for the limiter, in dB.

    Args:
        timeline: the plan.
        manifest: names the chunks' objects.
        store: where they are.
        gain_db: the gain that the loudness of the chunks requires.
        ceiling_dbtp: the limiter's ceiling.

    Raises:
        ChunkMissing: a chunk was removed since it was measured.
        OtherAudio: a chunk was spoken again since then.
    """
    pieces = [
        await samples_of(timed, manifest.chunks[timed.index].audio_key, store)
        for timed in chosen(timeline.chunks, round(SAMPLE_SECONDS * timeline.sample_rate))
    ]
    return await in_thread(partial(_solve, pieces, timeline.sample_rate, gain_db, ceiling_dbtp))


def chosen(chunks: Sequence[TimedChunk], most_frames: int) -> list[TimedChunk]:
    """Chunks spread evenly over the episode, about `most_frames` in all, at least one."""
    total = sum(chunk.frames for chunk in chunks)
    stride = max(1, -(-total // most_frames))
    return list(chunks[stride // 2 :: stride]) or list(chunks[:1])


def _solve(pieces: Sequence[Samples], rate: int, gain_db: float, ceiling_dbtp: float) -> float:
    """The extra gain that makes the limited audio as loud as the unlimited audio without extra gain."""

    def loudness(extra_db: float, ceiling_dbtp: float = ceiling_dbtp) -> float:
        mastering = Mastering(rate, gain_db=gain_db + extra_db, ceiling_dbtp=ceiling_dbtp)
        for piece in pieces:
            mastering.push(piece)
        mastering.finish()
        return mastering.meter.integrated()

    wanted = loudness(0.0, NO_CEILING_DBTP)
    extra, found = 0.0, loudness(0.0)
    step = FIRST_STEP
    for _ in range(ROUNDS):
        if not abs(wanted - found) > CLOSE_LU:  # also if there is nothing audible
            break
        following = min(MOST_EXTRA_DB, max(0.0, extra + (wanted - found) * step))
        if following == extra:
            break
        louder = loudness(following)
        step = min(4.0, max(1.0, (following - extra) / max(louder - found, 1e-3)))
        extra, found = following, louder
    return extra
