"""A gateway with all services and a tone server behind it, for tests that listen to what it sends."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from shared.protocol.manifest import Manifest
from shared.store import keys
from tests.integration.gateway.conftest import Gateway, environment
from tests.servers import tones
from tests.servers.services import Services
from tests.servers.speech_process import ToneSpeech

FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
STREAMS = 6
STREAMS_OF_A_KEY = 3
STALL_SECONDS = 4


@dataclass
class SpeakingGateway(Gateway):
    """A gateway with all services and the tone server behind it."""

    tone: ToneSpeech

    async def chunks(self, job_id: str) -> list[str]:
        """The texts of a job's chunks."""
        return [chunk.text for chunk in (await self.manifest(job_id)).chunks]

    async def manifest(self, job_id: str) -> Manifest:
        """What a job speaks."""
        return Manifest.model_validate_json(await self.store.get(keys.manifest(job_id)))

    def holds(self) -> tuple[int, int]:
        """Child processes and descriptors of the gateway."""
        process = psutil.Process(self.worker.process.pid)
        return len(process.children(recursive=True)), process.num_fds()

    async def streams(self) -> float:
        """How many streams it is sending, by its metrics."""
        metrics = (await self.client.get("/metrics")).text
        (line,) = [line for line in metrics.splitlines() if line.startswith('podcast_gateway_speech{kind="streams"}')]
        return float(line.split()[1])


@contextmanager
def speaking(amqp_url: str, store_url: str, folder: Path, **more: str) -> Iterator[tuple[Services, ToneSpeech]]:
    """All services and the tone server, ready to work; each sentence of `text` becomes a chunk."""
    with ToneSpeech() as tone:
        settings = {
            **environment(amqp_url, store_url),
            "PODCAST_SPEECH_URL": tone.url,
            "PODCAST_SPEECH_ENGINE": "tones",
            "PODCAST_NORMALISE_TEXT": "false",  # what is heard is compared with what is written
            "PODCAST_GATEWAY_SPEECH_STREAMS": str(STREAMS),
            "PODCAST_GATEWAY_STALL_SECONDS": str(STALL_SECONDS),
            "PODCAST_GATEWAY_SPEECH_PATIENCE_SECONDS": "60",
            "PODCAST_CHUNK_TARGET_CHARACTERS": "60",
            "PODCAST_PAUSE_SENTENCE_MS": "200",
            **more,
        }
        with Services(settings, folder / "logs") as services:
            services.start("gateway", "chunker", "coordinator", "synthesizer", "assembler")
            asyncio.run(services.ready())
            yield services, tone


def text(name: str, sentences: int) -> str:
    """Sentences of which each becomes a chunk of about four seconds."""
    return " ".join(f"Sentence {number} of {name} says that all is well tonight." for number in range(sentences))


def asked(name: str, sentences: int, **more: Any) -> dict[str, Any]:
    """The body of a request."""
    return {"model": "tts-1", "voice": "alloy", "input": text(name, sentences), **more}


async def heard(audio: bytes, name: str, folder: Path) -> list[str]:
    """The texts that a stream speaks; bare PCM first gets the header that it lacks."""
    if name == "pcm":
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(24_000)
            file.writeframes(audio)
        audio = buffer.getvalue()
    path = folder / f"heard.{name}"
    await asyncio.to_thread(path.write_bytes, audio)
    return await asyncio.to_thread(tones.hear_texts, path)
