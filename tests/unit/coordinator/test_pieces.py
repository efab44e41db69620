"""An additional stage: a kind of piece with its own queue and its own parallel limit, required or optional."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.coordinator import handlers, plan
from services.coordinator.pieces import Phase
from shared.errors import BadInput
from shared.protocol import topology
from shared.protocol.messages import EpisodeRequested
from shared.store import keys
from tests.unit.coordinator.harness import AT_ONCE, Harness
from tests.unit.coordinator.toy_stage import (
    PAINTER,
    QUEUES,
    STAGES,
    PictureDrawn,
    PictureRequested,
    draw,
    plan_with_pictures,
)


class Studio(Harness):
    """A coordinator whose jobs have pictures, and a painter for them."""

    def __init__(self, root: Path, plan_of: plan.Plan) -> None:
        super().__init__(root, plan_of=plan_of)
        self.stages = STAGES

    def pictures(self) -> list[PictureRequested]:
        """The pictures requested since the last call."""
        found = [message for message in self.published if isinstance(message, PictureRequested)]
        self.published = [message for message in self.published if not isinstance(message, PictureRequested)]
        return found

    async def draws(self, request: PictureRequested) -> None:
        drawn: list[PictureDrawn] = []
        await draw(request, self.store, drawn.append)
        await handlers.piece_finished(drawn[0], jobs=self.jobs, publish=self.publish)

    def episodes(self) -> int:
        return sum(isinstance(message, EpisodeRequested) for message in self.published)


def test_the_coordinator_hears_what_a_stage_announces_and_what_dies_in_its_queue() -> None:
    coordinator = QUEUES[0]
    assert PictureDrawn in coordinator.consumes
    assert PAINTER.name in coordinator.hears_deaths_of
    assert set(topology.COORDINATOR.consumes) < set(coordinator.consumes)


async def test_a_required_stage_is_asked_beside_the_chunks_within_its_own_limit_and_awaited(tmp_path: Path) -> None:
    studio = Studio(tmp_path, plan_with_pictures(required=True))
    await studio.submit("ab", max_parallel=1)
    assert studio.requests() == [0], "the chunks' own limit"
    first, second = studio.pictures()
    await studio.draws(first)
    [third] = studio.pictures()
    await studio.spoken(0, "a")
    await studio.spoken(1, "b")
    assert studio.episodes() == 0, "two pictures are missing"
    await studio.draws(second)
    await studio.draws(third)
    assert studio.episodes() == 1
    await studio.assembled()
    status = await studio.status()
    assert (status.state, status.warnings, status.chunks.total) == ("completed", (), 2)


async def test_an_optional_piece_that_dies_leaves_the_episode_complete_with_a_warning(tmp_path: Path) -> None:
    studio = Studio(tmp_path, plan_with_pictures(count=1, required=False))
    await studio.submit("a")
    [request] = studio.pictures()
    await studio.dies(request, reason="No more paint.")
    await studio.spoken(0, "a")
    assert studio.episodes() == 1
    studio.restart()
    await studio.assembled()
    status = await studio.status()
    assert status.state == "completed"
    [warning] = status.warnings
    assert "No more paint." in warning
    assert "painter.dead" in warning
    assert "podcast dlq list painter --job job" in warning
    assert studio.announced[-1].warnings == status.warnings  # type: ignore[attr-defined] # a JobCompleted


async def test_a_required_piece_that_dies_fails_the_job_when_the_rest_is_made(tmp_path: Path) -> None:
    studio = Studio(tmp_path, plan_with_pictures(required=True))
    await studio.submit("a")
    first, second = studio.pictures()
    await studio.dies(second, reason="No more paint.")
    await studio.spoken(0, "a")
    [third] = studio.pictures()
    assert (await studio.status()).state == "synthesizing", "what can be made is made: a replay needs only the rest"
    await studio.draws(first)
    await studio.draws(third)
    status = await studio.status()
    assert (status.state, status.error) == ("failed", "The picture 1 cannot be made: No more paint.")
    assert studio.episodes() == 0
    await studio.resume()
    assert [request.caption for request in studio.pictures()] == ["Figure 1"]
    await studio.draws(second)
    assert studio.episodes() == 1


async def test_a_malformed_message_of_a_stage_changes_nothing(tmp_path: Path) -> None:
    studio = Studio(tmp_path, plan_with_pictures(required=True))
    await studio.submit("a")
    await studio.dies(b'{"job_id": "job"}', queue="painter", kind="picture.requested", job_id="job")
    assert (await studio.status()).failures == ()


async def test_a_stage_after_the_episode_is_asked_when_the_episode_is_there(tmp_path: Path) -> None:
    studio = Studio(tmp_path, plan_with_pictures(count=1, required=False, phase=Phase.AFTER_THE_EPISODE))
    await studio.submit("a")
    await studio.spoken(0, "a")
    assert studio.pictures() == []
    await studio.assembled()
    [request] = studio.pictures()
    assert (await studio.status()).state == "assembling"
    await studio.draws(request)
    status = await studio.status()
    assert status.state == "completed"
    assert status.files == {"mp3": keys.episode("job", "mp3")}


async def test_a_restarted_coordinator_knows_which_pieces_of_every_kind_are_finished(tmp_path: Path) -> None:
    studio = Studio(tmp_path, plan_with_pictures(required=True))
    await studio.submit("ab")
    for request in studio.pictures():
        await studio.draws(request)
    job = studio.jobs.cached("job")
    assert job is not None
    async with studio.jobs.held("job"):
        await studio.jobs.write_now(job)
    studio.pictures()
    studio.requests()
    studio.restart()
    await studio.reconcile()
    assert [request.caption for request in studio.pictures()] == ["Figure 2"]
    assert studio.requests() == [0, 1]


async def test_a_piece_whose_message_was_lost_is_asked_for_again_when_its_stage_had_its_time(
    tmp_path: Path,
) -> None:
    studio = Studio(tmp_path, plan_with_pictures(count=1, required=False))
    await studio.submit("a")
    await studio.spoken(0, "a")
    lost = studio.pictures()
    await studio.reconcile(**AT_ONCE)
    assert studio.pictures() == [], "the painter may be at it for 30 s"
    job = studio.jobs.cached("job")
    assert job is not None
    job.last_news -= 31
    await studio.reconcile(**AT_ONCE)
    assert studio.pictures() == lost


async def test_results_of_pieces_that_are_of_no_job_are_nothing(tmp_path: Path) -> None:
    studio = Studio(tmp_path, plan_with_pictures(required=True))
    await studio.submit("a")
    studio.published.clear()
    stray = PictureDrawn(job_id="job", object_key="jobs/job/episode.timing.json")
    await handlers.piece_finished(stray, jobs=studio.jobs, publish=studio.publish)
    await studio.spoken(0, "a")
    assert studio.episodes() == 0, "and nobody can say by it that the episode is there"
    with pytest.raises(BadInput, match="no job nobody"):
        await handlers.piece_finished(
            PictureDrawn(job_id="nobody", object_key="x"), jobs=studio.jobs, publish=studio.publish
        )
