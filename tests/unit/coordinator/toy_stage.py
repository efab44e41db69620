"""An additional stage that exists only in tests: it draws pictures, and nothing in the system knows about it.

It needs what any stage needs: two message types and a queue (an entry in the topology), and an entry in the plan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from services.coordinator import plan
from services.coordinator.pieces import Kind, Phase
from shared.protocol import topology
from shared.protocol.manifest import Manifest
from shared.protocol.messages import PieceFinished, PieceRequested
from shared.protocol.topology import WorkQueue
from shared.store import keys
from shared.store.port import Store


class PictureRequested(PieceRequested):
    """coordinator → painter: draw this picture."""

    ROUTING_KEY: ClassVar[str] = "picture.requested"

    caption: str


class PictureDrawn(PieceFinished):
    """painter → coordinator: the picture is in the store."""

    ROUTING_KEY: ClassVar[str] = "picture.drawn"


PAINTER = WorkQueue("painter", (PictureRequested,), announces=(PictureDrawn,))
STAGES = (*topology.STAGES, PAINTER)
QUEUES = (topology.coordinator_of(STAGES), *STAGES)


def picture_key(job_id: str, number: int) -> str:
    return keys.episode(job_id, f"picture-{number}.svg")


def pictures(
    manifest: Manifest, *, count: int, parallel: int, required: bool, phase: Phase = Phase.BEFORE_THE_EPISODE
) -> Kind:
    """The entry in the plan."""
    object_keys = [picture_key(manifest.job_id, number) for number in range(count)]
    return Kind(
        name="picture",
        queue=PAINTER,
        phase=phase,
        object_keys=object_keys,
        request=lambda number: PictureRequested(
            job_id=manifest.job_id, object_key=object_keys[number], caption=f"Figure {number}"
        ),
        parallel=parallel,
        deadline_seconds=lambda _: 30.0,
        required=required,
    )


def plan_with_pictures(
    *, count: int = 3, parallel: int = 2, required: bool, phase: Phase = Phase.BEFORE_THE_EPISODE
) -> plan.Plan:
    return lambda manifest: (
        *plan.of(manifest),
        pictures(manifest, count=count, parallel=parallel, required=required, phase=phase),
    )


async def draw(request: PictureRequested, store: Store, publish: Callable[[PictureDrawn], object]) -> None:
    """The whole service."""
    if not await store.exists(request.object_key):
        await store.put(request.object_key, f"<svg><title>{request.caption}</title></svg>".encode())
    drawn = PictureDrawn(job_id=request.job_id, object_key=request.object_key)
    result = publish(drawn)
    if hasattr(result, "__await__"):
        await result
