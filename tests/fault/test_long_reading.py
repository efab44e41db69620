"""Twenty minutes from the speech route, with the gateway and a synthesizer killed on the way, heard in every format."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path

import httpx
import openai
import pytest

from tests.integration.gateway.conftest import STACK_KEY, with_key
from tests.integration.gateway.speaking import FORMATS, SpeakingGateway, asked, heard, speaking, text
from tests.waiting import until

SENTENCES = 360
"""About twenty minutes with the pauses."""
NAME = "the long book"


@pytest.mark.long
@pytest.mark.timeout(900)
def test_twenty_minutes_are_heard_word_for_word_although_processes_are_killed(
    amqp_url: str, file_store_url: str, tmp_path: Path
) -> None:
    with speaking(amqp_url, file_store_url, tmp_path) as (services, tone):
        (gateway,) = services.of("gateway")
        tone.delay(0.1)

        async def listen() -> None:
            async with with_key(gateway.health_url) as client:
                await read(SpeakingGateway(services, gateway, client, tone), tmp_path)

        asyncio.run(listen())


async def read(line: SpeakingGateway, folder: Path) -> None:
    (synthesizer,) = line.services.of("synthesizer")
    with pytest.raises(httpx.HTTPError):
        await read_until_killed(line)
    line.services.restart(line.worker)
    await until(lambda: asyncio.to_thread(line.worker.is_ready), "the gateway is back")
    await until(lambda: len(line.tone.texts()) > SENTENCES / 2, "half of it was asked for", seconds=120)
    line.services.kill(synthesizer)
    line.services.restart(synthesizer)

    async with openai.AsyncOpenAI(base_url=f"{line.url}/v1", api_key=STACK_KEY, max_retries=0) as client:
        for name in FORMATS:
            async with client.audio.speech.with_streaming_response.create(
                input=text(NAME, SENTENCES), model="tts-1", voice="alloy", response_format=name
            ) as response:
                expected = await line.chunks(response.headers["x-podcast-job"])
                audio = await response.read()
            assert len(expected) == SENTENCES
            assert await heard(audio, name, folder) == expected, name
    times = Counter(line.tone.texts())
    assert set(times) == set(expected)
    repeated = [said for said, count in times.items() if count > 1]
    assert len(repeated) <= line.settings.synthesizer_slots, "only what the killed synthesizer had in hand"


async def read_until_killed(line: SpeakingGateway) -> None:
    async with line.client.stream("POST", "/v1/audio/speech", json=asked(NAME, SENTENCES)) as response:
        received = 0
        async for piece in response.aiter_raw():
            received += len(piece)
            if received > 500_000:  # more than a minute of it
                line.services.strike(line.worker, signal.SIGKILL)
