"""What a job consists of: one function, one line per kind of piece. Pure."""

from __future__ import annotations

from collections.abc import Callable

from services.coordinator.pieces import Kind, Phase
from shared.protocol import topology
from shared.protocol.manifest import Manifest
from shared.protocol.messages import EpisodeRequested
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
    return Kind(
        name=CHUNK,
        queue=topology.SYNTHESIZER,
        phase=Phase.BEFORE_THE_EPISODE,
        object_keys=[chunk.audio_key for chunk in manifest.chunks],
        request=manifest.chunk_request,
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
