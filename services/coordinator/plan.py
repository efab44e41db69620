"""What a job consists of: one function, one line per kind of piece. Pure."""

from __future__ import annotations

from collections.abc import Callable

from services.coordinator.pieces import Kind, Phase
from shared.protocol import topology
from shared.protocol.manifest import Manifest
from shared.protocol.messages import ChunkRequested, EpisodeRequested
from shared.store import keys

CHUNK = "chunk"
EPISODE = "episode"

Plan = Callable[[Manifest], tuple[Kind, ...]]


def of(manifest: Manifest) -> tuple[Kind, ...]:
    """The kinds of pieces that a job consists of."""
    return (
        chunks(manifest),
        episode(manifest),
    )


def chunks(manifest: Manifest) -> Kind:
    """The chunks' audio."""

    def request(index: int) -> ChunkRequested:
        chunk = manifest.chunks[index]
        return ChunkRequested(
            job_id=manifest.job_id,
            index=index,
            text=chunk.text,
            language=manifest.language,
            voice=manifest.voice,
            model=manifest.model,
            speed=manifest.request.speed,
            engine=manifest.engine,
            sample_rate=manifest.sample_rate,
            audio_key=chunk.audio_key,
        )

    return Kind(
        name=CHUNK,
        queue=topology.SYNTHESIZER,
        phase=Phase.BEFORE_THE_EPISODE,
        object_keys=[chunk.audio_key for chunk in manifest.chunks],
        request=request,
        parallel=manifest.request.max_parallel,
        deadline_seconds=lambda settings: settings.synthesizer_deadline_seconds,
        text=lambda index: manifest.chunks[index].text,
    )


def episode(manifest: Manifest) -> Kind:
    """The episode; its timing document is written when all its files are in the store."""
    return Kind(
        name=EPISODE,
        queue=topology.ASSEMBLER,
        phase=Phase.THE_EPISODE,
        object_keys=[keys.episode(manifest.job_id, "timing.json")],
        request=lambda _: EpisodeRequested(job_id=manifest.job_id),
        parallel=1,
        deadline_seconds=lambda settings: settings.assembler_deadline_seconds,
    )
