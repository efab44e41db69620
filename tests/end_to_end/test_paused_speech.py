"""The speaking of a job is paused half-way and goes on afterwards, whatever is restarted meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.protocol import topology
from shared.protocol.messages import JobRequest, TextSource
from shared.runtime.broker import connected
from shared.runtime.queue_counts import count
from shared.store import queue_states
from tests.end_to_end.texts import sentence
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import ToneSpeech
from tests.waiting import until

CHUNKS = 12
QUEUE = topology.SYNTHESIZER


@pytest.fixture
async def pipeline(rabbitmq: RabbitServer, tone_speech: ToneSpeech, tmp_path: Path) -> AsyncIterator[Services]:
    amqp_url = rabbitmq.vhost()
    environment = {
        "PODCAST_AMQP_URL": amqp_url,
        "PODCAST_STORE_URL": (tmp_path / "store").as_uri(),
        "PODCAST_SPEECH_URL": tone_speech.url,
        "PODCAST_SPEECH_ENGINE": "tones",
        "PODCAST_NORMALISE_TEXT": "false",
        "PODCAST_CHUNK_LIMIT_CHARACTERS": "100",
        "PODCAST_SYNTHESIZER_SLOTS": "1",
    }
    with Services(environment, tmp_path / "logs") as started:
        started.start(*SERVICES)
        await started.ready()
        yield started
    rabbitmq.drop_vhost(amqp_url)


async def test_no_chunk_is_begun_while_the_queue_is_paused_and_the_job_is_completed_afterwards(
    pipeline: Services, tone_speech: ToneSpeech, tmp_path: Path
) -> None:
    tone_speech.forget()
    tone_speech.delay(0.3)
    request = JobRequest(source=TextSource(text="\n\n".join(sentence(number) for number in range(CHUNKS))))
    await pipeline.submit(request)
    await until(lambda: len(tone_speech.calls()) >= 2, "the speaking has begun")
    await queue_states.pause(pipeline.store, QUEUE.name, reason="too dear")

    async def nobody_speaks() -> bool:
        async with connected(pipeline.settings) as connection, connection.channel() as channel:
            consumers = (await count(channel, QUEUE)).consumers
        return consumers == 0 and tone_speech.recorded()["running"] == 0

    await until(nobody_speaks, "the synthesizer has stopped")
    spoken = len(tone_speech.calls())
    assert 2 <= spoken < CHUNKS, "it was paused half-way"

    for name in ("synthesizer", "coordinator"):
        (worker,) = pipeline.of(name)
        pipeline.strike(worker)
        pipeline.restart(worker)
    await pipeline.ready()

    async def the_rest_waits() -> bool:
        return await pipeline.ready_messages(QUEUE.name) > 0

    await until(the_rest_waits, "what is left to speak is in the queue")
    assert len(tone_speech.calls()) == spoken
    status = await pipeline.status(request.job_id)
    assert status is not None
    assert status.state == "synthesizing"

    await queue_states.resume(pipeline.store, QUEUE.name)
    assert (await pipeline.ended(request.job_id)).state == "completed"
    heard, wanted = await pipeline.spoken(request, tmp_path)
    assert heard == wanted
    texts = tone_speech.texts()
    assert len(texts) == len(set(texts)), "no chunk was spoken twice"
