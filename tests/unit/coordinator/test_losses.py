"""A chunk may be lost from the store only a few times before its job fails; the count outlives the process."""

from __future__ import annotations

from shared.protocol.messages import EpisodeRequested
from tests.audio_keys import audio_key_of
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
    assert (await harness.status()).lost == {audio_key_of("b"): 1}


async def test_a_second_loss_has_every_chunk_looked_for(harness: Harness) -> None:
    """One object may be lost by chance; a store that has lost two may have lost a whole book."""
    await harness.submit("abcd", max_parallel=4)
    for index, text in enumerate("abcd"):
        await harness.spoken(index, text)
    harness.requests()
    await harness.lost(1, "b")
    assert harness.requests() == [1]
    await harness.spoken(1, "b")
    await harness.lost(2, "c")
    assert harness.requests() == [0, 1, 2, 3]


async def test_the_seconds_of_speech_are_not_counted_twice_when_all_is_asked_for_again(harness: Harness) -> None:
    await harness.submit("abcd", max_parallel=4)
    for _ in range(3):
        for index, text in enumerate("abcd"):
            await harness.spoken(index, text)
        await harness.lost(3, "d")
    for index, text in enumerate("abcd"):
        await harness.spoken(index, text)
    assert (await harness.status()).audio_seconds == 4.0


async def test_a_job_that_loses_one_chunk_after_the_other_fails_too(harness: Harness) -> None:
    texts = [f"{number}" for number in range(40)]
    await harness.submit(texts, max_parallel=40)
    losses = 0
    while (await harness.status()).state != "failed":
        for index, text in enumerate(texts):
            await harness.spoken(index, text)
        await harness.lost(losses % len(texts), texts[losses % len(texts)])
        losses += 1
        assert losses <= 101
    assert "lost 101 times" in ((await harness.status()).error or "")
