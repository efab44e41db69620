"""A part of an episode that cannot be joined ahead, with a real broker: no job and none of its watchers hears of it."""

from __future__ import annotations

import pytest

from services.cli.dead_letter_display import page
from shared.dead_letters.browser import DeadLetters
from shared.dead_letters.selection import Selection
from shared.errors import BadAudio
from shared.protocol import envelope, topology
from shared.protocol.messages import EpisodePartRequested, EpisodeRequested, JobResumeRequested
from shared.runtime.broker import connected
from shared.runtime.service import Service
from shared.settings import Settings
from tests.integration.running import letters, ready_messages, running
from tests.waiting import until

PART = EpisodePartRequested(job_id="job", chunks=64)
ASSEMBLERS = Selection(queues=(topology.ASSEMBLER,))


@pytest.fixture
def settings(amqp_url: str, file_store_url: str) -> Settings:
    return Settings(amqp_url=amqp_url, store_url=file_store_url, attempts_limit=2, grace_seconds=0.1)


def of_the_version_before(settings: Settings) -> Service:
    """An assembler that knows only whole episodes."""
    app = Service(settings, topology.ASSEMBLER, slots=1, deadline_seconds=5)

    @app.on(EpisodeRequested)
    async def receive(message: EpisodeRequested) -> None:
        raise AssertionError(message)

    return app


def failing(settings: Settings) -> Service:
    """An assembler that can join nothing."""
    app = Service(settings, topology.ASSEMBLER, slots=1, deadline_seconds=5)

    @app.on(EpisodePartRequested)
    async def receive(_: EpisodePartRequested) -> None:
        raise BadAudio("It cannot be read.")

    return app


async def test_an_assembler_of_the_version_before_makes_it_a_dead_letter_that_says_what_it_is(
    settings: Settings,
) -> None:
    async with running(of_the_version_before(settings)) as app:
        await app.publish(PART)
        await until(lambda: _dead(settings), "it is a dead letter")
    async with connected(settings) as connection:
        (letter,) = await DeadLetters(connection, call_seconds=10).find(ASSEMBLERS)
    assert (letter.type, letter.job_id, letter.chunk) == ("episode.part_requested", "job", None)
    assert letter.reason == "This queue knows no message of that type."
    shown = page(letter)
    assert "type:      episode.part_requested" in shown
    assert '"chunks":64' in shown


async def test_no_watcher_hears_of_its_retry_and_no_replay_of_it_resumes_the_job(settings: Settings) -> None:
    async with running(failing(settings)) as app, connected(settings) as connection:
        channel = await connection.channel()
        watching = await channel.declare_queue(exclusive=True)
        await watching.bind(topology.EVENTS_EXCHANGE, "#")
        await app.publish(PART)
        await until(lambda: _dead(settings), "it is a dead letter")
        assert await watching.get(fail=False) is None
    assert await _resumes_of_a_replay(settings) == []
    (replayed,) = await letters(settings, topology.ASSEMBLER.name, 1)
    assert EpisodePartRequested.model_validate_json(replayed.body) == PART
    assert envelope.kind(replayed) == "episode.part_requested"


async def test_a_replay_of_the_whole_episode_still_resumes_its_job(settings: Settings) -> None:
    async with connected(settings) as connection:
        await topology.declare(connection)
        channel = await connection.channel()
        dead = envelope.outgoing(EpisodeRequested(job_id="job"), job_id="job")
        exchange = await channel.get_exchange(topology.DEAD_EXCHANGE, ensure=False)
        await exchange.publish(dead, topology.ASSEMBLER.name)
    assert await _resumes_of_a_replay(settings) == ["job"]


async def _resumes_of_a_replay(settings: Settings) -> list[str]:
    """Replay the assembler's dead letters; the jobs that this asks to be resumed."""
    async with connected(settings) as connection:
        channel = await connection.channel()
        resumes = await channel.declare_queue(exclusive=True)
        await resumes.bind(topology.EXCHANGE, JobResumeRequested.ROUTING_KEY)
        await DeadLetters(connection, call_seconds=10).replay(ASSEMBLERS)
        found = []
        while (message := await resumes.get(fail=False, no_ack=True)) is not None:
            found.append(JobResumeRequested.model_validate_json(message.body).job_id)
        return found


async def _dead(settings: Settings) -> bool:
    return await ready_messages(settings, topology.ASSEMBLER.dead) == 1
