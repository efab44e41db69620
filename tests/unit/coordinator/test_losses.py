"""A chunk may be lost from the store so often, then its job fails; the count outlives the process."""

from __future__ import annotations

from shared.protocol.messages import EpisodeRequested
from tests.unit.coordinator.harness import Harness


async def test_a_chunk_that_is_lost_again_and_again_fails_its_job_with_the_reason(harness: Harness) -> None:
    """Two services with different sample rates used to speak the same chunk for ever."""
    await harness.submit("ab")
    await harness.spoken(0, "a")
    await harness.spoken(1, "b")
    for _ in range(3):
        await harness.lost(1, "b")
        assert 1 in harness.requests()
        harness.restart()  # the count is not in memory
        await harness.spoken(0, "a")
        await harness.spoken(1, "b")
        assert EpisodeRequested(job_id="job") in harness.published
    await harness.lost(1, "b")
    status = await harness.status()
    assert status.state == "failed"
    assert status.error == "Chunk 1 was spoken and then lost 4 times. The last time: is missing"
    await harness.resume()
    assert (await harness.status()).lost == {}, "a resumed job begins anew"


async def test_the_same_loss_told_twice_is_one_loss(harness: Harness) -> None:
    await harness.submit("ab")
    await harness.spoken(0, "a")
    await harness.spoken(1, "b")
    harness.requests()
    await harness.lost(1, "b")
    await harness.lost(1, "b")
    assert harness.requests() == [1]
    assert (await harness.status()).lost == {"audio/b": 1}


async def test_a_second_loss_has_every_chunk_looked_for(harness: Harness) -> None:
    """One object may go by chance; a store that has lost two may have lost a book."""
    await harness.submit("abcd", max_parallel=4)
    for index, text in enumerate("abcd"):
        await harness.spoken(index, text)
    harness.requests()
    await harness.lost(1, "b")
    assert harness.requests() == [1]
    await harness.spoken(1, "b")
    await harness.lost(2, "c")
    assert harness.requests() == [0, 1, 2, 3]
