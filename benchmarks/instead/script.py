"""What a user would write instead: one asyncio script, gather under a semaphore, ffmpeg at the end.

    python -m benchmarks.instead.script SPEECH_URL TEXTS.json FOLDER

prints its timings as JSON: of speaking, and of joining the same files into each format. No retries, checks, loudness
normalization or chapters; if it is killed, it starts over.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import httpx

from benchmarks.instead.concatenation import concatenate

AT_A_TIME = 8


async def speak_all(url: str, texts: list[str], folder: Path) -> list[Path]:
    limit = asyncio.Semaphore(AT_A_TIME)
    async with httpx.AsyncClient(timeout=60) as client:

        async def speak(number: int, text: str) -> Path:
            async with limit:
                asked = {"model": "default", "input": text, "voice": "default", "response_format": "wav"}
                answer = await client.post(f"{url}/v1/audio/speech", json=asked)
                answer.raise_for_status()
                path = folder / f"{number:05}.wav"
                path.write_bytes(answer.content)
                return path

        return await asyncio.gather(*(speak(number, text) for number, text in enumerate(texts)))


def main(url: str, texts: str, folder: str) -> None:
    began, cpu = time.monotonic(), time.process_time()
    files = asyncio.run(speak_all(url, json.loads(Path(texts).read_text()), Path(folder)))
    spoken, spoken_cpu = time.monotonic() - began, time.process_time() - cpu
    joined = concatenate(files, Path(folder))
    print(
        json.dumps(
            {
                "speaking": spoken,
                "speaking_cpu": spoken_cpu,
                "joined": {name: [cost.seconds, cost.cpu_seconds] for name, cost in joined.items()},
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
