"""What a user would write instead: a Celery chord, one task per chunk, ffmpeg in the callback.

The broker is RabbitMQ. Its result backend (`rpc://`) does not support chords, so results go to files, another of
Celery's backends; there a chord is joined by a task that polls once a second. The worker runs as

    celery -A benchmarks.instead.chord worker --concurrency 8      (processes, Celery's default)

and reads BENCH_BROKER, BENCH_RESULTS, BENCH_SPEECH and BENCH_FOLDER from its environment.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
from celery import Celery, chord  # type: ignore[import-untyped] # celery has no types

from benchmarks.instead.concatenation import concatenate

app = Celery("chord", broker=os.environ["BENCH_BROKER"], backend=Path(os.environ["BENCH_RESULTS"]).as_uri())
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)
_clients: list[httpx.Client] = []


@app.task  # type: ignore[untyped-decorator] # celery has no types
def speak(number: int, text: str) -> str:
    """Speak one chunk into a file."""
    if not _clients:
        _clients.append(httpx.Client(timeout=60))
    asked = {"model": "default", "input": text, "voice": "default", "response_format": "wav"}
    answer = _clients[0].post(f"{os.environ['BENCH_SPEECH']}/v1/audio/speech", json=asked)
    answer.raise_for_status()
    path = Path(os.environ["BENCH_FOLDER"]) / f"{number:05}.wav"
    path.write_bytes(answer.content)
    return str(path)


@app.task  # type: ignore[untyped-decorator] # celery has no types
def join(files: list[str]) -> dict[str, tuple[float, float]]:
    """Make the episode in each format; returns the seconds and the CPU seconds of ffmpeg."""
    joined = concatenate([Path(name) for name in files], Path(os.environ["BENCH_FOLDER"]))
    return {name: (cost.seconds, cost.cpu_seconds) for name, cost in joined.items()}


def submit(texts: list[str]) -> Any:
    """Publish the chord; returns its result."""
    return chord(speak.s(number, text) for number, text in enumerate(texts))(join.s())
