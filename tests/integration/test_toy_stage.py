"""An additional stage with the real broker: its queue, its messages, and what happens to a dead-lettered piece."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from services.coordinator.app import build
from shared.errors import Permanent
from shared.protocol import topology
from shared.protocol.messages import (
    ChunkRequested,
    ChunkSynthesized,
    EpisodeAssembled,
    EpisodeRequested,
    JobChunked,
    JobStatus,
)
from shared.runtime.broker import connected
from shared.runtime.service import Service
from shared.settings import Settings
from shared.store import keys
from tests.integration.running import running
from tests.manifests import manifest
from tests.unit.coordinator.toy_stage import PAINTER, QUEUES, STAGES, PictureRequested, draw, plan_with_pictures
from tests.waiting import until


@pytest.fixture
def settings(amqp_url: str, file_store_url: str) -> Settings:
    return Settings(amqp_url=amqp_url, store_url=file_store_url, grace_seconds=0.1)


def painter(settings: Settings, *, has_paint: bool) -> Service:
    app = Service(settings, PAINTER, slots=2, deadline_seconds=5)

    @app.on(PictureRequested)
    async def picture_requested(message: PictureRequested) -> None:
        if not has_paint:
            raise Permanent("There is no paint.")
        await draw(message, app.store, app.publish)

    return app


def synthesizer(settings: Settings) -> Service:
    app = Service(settings, topology.SYNTHESIZER, slots=2, deadline_seconds=5)

    @app.on(ChunkRequested)
    async def chunk_requested(message: ChunkRequested) -> None:
        await app.store.put(message.audio_key, b"sound")
        await app.publish(
            ChunkSynthesized(
                job_id=message.job_id,
                index=message.index,
                audio_key=message.audio_key,
                audio_seconds=1.0,
                reused=False,
                seconds=0.1,
            )
        )

    return app


def assembler(settings: Settings) -> Service:
    app = Service(settings, topology.ASSEMBLER, slots=1, deadline_seconds=5)

    @app.on(EpisodeRequested)
    async def episode_requested(message: EpisodeRequested) -> None:
        await app.publish(
            EpisodeAssembled(
                job_id=message.job_id,
                files={"mp3": keys.episode(message.job_id, "mp3")},
                audio_seconds=3.0,
                loudness_lufs=-19.0,
                true_peak_dbtp=-1.5,
                seconds=0.1,
            )
        )

    return app


@contextlib.asynccontextmanager
async def studio(settings: Settings, *, required: bool, has_paint: bool) -> AsyncIterator[Service]:
    """All services of a system with an additional stage; the coordinator is the real one."""
    async with connected(settings) as connection:
        await topology.declare(connection, QUEUES)
    coordinator = build(settings, stages=STAGES, plan_of=plan_with_pictures(required=required))
    async with (
        running(coordinator) as app,
        running(painter(settings, has_paint=has_paint)),
        running(synthesizer(settings)),
        running(assembler(settings)),
    ):
        yield app


@pytest.mark.parametrize(
    ("required", "has_paint", "state", "warnings"),
    [(True, True, "completed", 0), (True, False, "failed", 0), (False, False, "completed", 1)],
)
async def test_a_stage_beside_the_line(
    settings: Settings, required: bool, has_paint: bool, state: str, warnings: int
) -> None:
    async with studio(settings, required=required, has_paint=has_paint) as app:
        made = manifest("abc", max_parallel=2)
        await app.store.put(keys.manifest("job"), made.model_dump_json().encode())
        await app.publish(JobChunked(job_id="job", chunks=3, seconds=0.1))
        found: list[JobStatus] = []

        async def ended() -> bool:
            if not await app.store.exists(keys.status("job")):
                return False
            found[:] = [JobStatus.model_validate_json(await app.store.get(keys.status("job")))]
            return found[0].state in {"completed", "failed"}

        await until(ended, "the job ends", seconds=30)
        status = found[0]
        assert (status.state, len(status.warnings)) == (state, warnings)
        assert all("There is no paint." in warning and "painter.dead" in warning for warning in status.warnings)
        assert ("There is no paint." in (status.error or "")) == (state == "failed")
        if has_paint:
            pictures = [key async for key in app.store.list("jobs/job/episode.picture-")]
            assert len(pictures) == 3
