"""The worker processes of a synthesizer die, hang, and end with it: no chunk but the one at fault is harmed."""

from __future__ import annotations

import asyncio
import signal

import psutil
import pytest

from shared.protocol import envelope
from shared.protocol.manifest import Manifest
from shared.store import keys
from tests.fault.cluster import Cluster, job, unheard_text
from tests.fault.evidence import Evidence
from tests.fault.worker_faults import ABORTS, ENCODER, WORKER
from tests.waiting import until

CHILDREN_SECONDS = 5.0
STOP_SECONDS = 30.0


async def test_an_encoder_that_aborts_costs_its_chunk_and_no_neighbour(cluster: Cluster) -> None:
    request, neighbour = job(unheard_text(6)), job(unheard_text(6))

    async with cluster.running():
        aborting = request.source.text.split("\n\n")[2]  # type: ignore[union-attr] # it is a text
        synthesizers = [worker.process.pid for worker in cluster.services.of("synthesizer")]
        evidence = Evidence(cluster)
        cluster.arm("synthesizer", ABORTS, aborting)
        await cluster.services.submit(request, neighbour)
        status = await cluster.services.ended(request.job_id)
        assert (status.state, status.chunks.done, status.chunks.failed) == ("failed", 5, 1)
        (failure,) = status.failures
        assert (failure.index, failure.text) == (2, aborting)
        assert "The encoder crashed on this sound." in failure.reason
        store = cluster.services.store
        manifest = Manifest.model_validate_json(await store.get(keys.manifest(request.job_id)))
        assert not await store.exists(manifest.chunks[2].audio_key), "what cannot be encoded must not count as spoken"
        (letter,) = await cluster.letters("synthesizer.dead")
        assert letter.headers[envelope.CHUNK] == 2
        assert evidence.lines("worker died", "SIGABRT"), "the fault has bitten"
        assert [worker.process.pid for worker in cluster.services.of("synthesizer")] == synthesizers, "none has died"
        await cluster.proves(neighbour)


@pytest.mark.parametrize("point", [WORKER, ENCODER])
async def test_a_worker_that_is_killed_in_the_middle_costs_nothing(cluster: Cluster, point: str) -> None:
    request = job(unheard_text(6))

    async with cluster.running():
        evidence = Evidence(cluster)
        cluster.arm("synthesizer", point, "kill")
        await cluster.services.submit(request)
        await cluster.proves(request)
        assert cluster.was_hit("synthesizer", point)
        assert evidence.lines("worker died", "SIGKILL")
        status = await cluster.services.status(request.job_id)
        assert status is not None
        calls = [call for call in cluster.calls() if call["text"] in request.source.text]  # type: ignore[union-attr] # it is a text
        assert len(calls) == 6, "nothing was spoken again"


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 0)], ids=["KILL", "TERM"])
async def test_a_synthesizer_leaves_no_worker_behind_not_even_one_that_hangs(
    cluster: Cluster, number: signal.Signals, exit_code: int
) -> None:
    request = job(unheard_text(4))

    async with cluster.running():
        synthesizer = cluster.the("synthesizer")
        cluster.arm("synthesizer", WORKER, "hang")
        await cluster.services.submit(request)
        await until(lambda: cluster.was_hit("synthesizer", WORKER), "a worker hangs", seconds=60)
        children = psutil.Process(synthesizer.process.pid).children(recursive=True)
        assert children
        exits = len(cluster.services.exits)
        cluster.services.strike(synthesizer, number)
        await until(lambda: len(cluster.services.exits) > exits, "it ends", seconds=STOP_SECONDS)
        assert cluster.services.exits[-1] == ("synthesizer", exit_code)
        _, left = await asyncio.to_thread(psutil.wait_procs, children, CHILDREN_SECONDS)
        assert left == []
        await cluster.proves(request)


async def test_a_worker_that_hangs_is_ended_at_the_deadline_of_its_message(cluster: Cluster) -> None:
    request = job(unheard_text(3))

    async with cluster.running():
        synthesizer = cluster.the("synthesizer")
        cluster.arm("synthesizer", WORKER, "hang")
        before = {child.pid for child in psutil.Process(synthesizer.process.pid).children()}
        await cluster.services.submit(request)
        await until(lambda: cluster.was_hit("synthesizer", WORKER), "a worker hangs", seconds=60)
        await cluster.proves(request)
        after = {child.pid for child in psutil.Process(synthesizer.process.pid).children()}
        assert before - after, "it was killed"
