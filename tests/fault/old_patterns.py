"""How the five systems of DESIGN §1 were built; run against the same faults as ours, to show what fails.

    python -m tests.fault.old_patterns FOLDER

is their web process: `POST /jobs` starts a task in that process, `POST /episodes` does audio work inside the request,
`GET /events` streams news and shuts its thread pool down when the client goes away.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

EPISODE_SECONDS = 20
"""How long the audio work takes."""
NEWS_SECONDS = 0.1


async def gathered(url: str, texts: list[str]) -> list[bytes]:
    """All chunks of a job at once, as the old podcast engine did: no deadline, so one that hangs stops them all."""
    async with httpx.AsyncClient(timeout=None) as client:  # noqa: S113 - that is the old pattern

        async def speak(text: str) -> bytes:
            asked = {"input": text, "response_format": "wav"}
            return (await client.post(f"{url}/v1/audio/speech", json=asked)).content

        return list(await asyncio.gather(*map(speak, texts)))


def upload_inside_a_coroutine(url: str, data: bytes, *, timeout_seconds: float) -> None:
    """A blocking client, called on the event loop that others need."""
    with httpx.Client(timeout=timeout_seconds) as client:
        client.put(url, content=data)


def joined_with_a_time_out(url: str, text: str, *, seconds: float) -> threading.Thread:
    """A call with a read timeout, in a thread that is given up after `seconds`; returns that thread."""

    def call() -> None:
        asked = {"input": text, "response_format": "wav"}
        with suppress(httpx.HTTPError):  # and it is never logged
            httpx.post(f"{url}/v1/audio/speech", json=asked, timeout=seconds)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(timeout=seconds)
    return thread


def polled_by_threads(urls: list[str], *, threads: int) -> threading.Thread:
    """A round of polls as the news backend made it: it waits for its threads, and so for the slowest feed."""

    def round_of_polls() -> None:
        workers = ThreadPoolExecutor(threads)
        for url in urls:
            workers.submit(httpx.get, url, timeout=None)
        workers.shutdown(wait=True)

    thread = threading.Thread(target=round_of_polls, daemon=True)
    thread.start()
    return thread


def disconnected(workers: ThreadPoolExecutor) -> None:
    """What the event stream did when a client disconnected."""
    workers.shutdown(wait=True)


class Web:
    """Jobs as tasks of a web process, and audio work inside a request."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs: dict[str, str] = {}

    async def submit(self, request: Request) -> Response:
        asked = await request.json()
        job_id = uuid.uuid4().hex
        self._jobs[job_id] = "running"

        async def work() -> None:
            await gathered(asked["speech_url"], asked["texts"])
            self._jobs[job_id] = "completed"

        return JSONResponse({"job_id": job_id}, background=BackgroundTask(work))

    async def status(self, request: Request) -> Response:
        state = self._jobs.get(request.path_params["job_id"])
        return JSONResponse({"state": state}, status_code=200 if state else 404)

    async def assemble(self, _request: Request) -> Response:
        path = self._folder / f"{uuid.uuid4().hex}.wav"
        tone = ("-re", "-f", "lavfi", "-i", f"sine=duration={EPISODE_SECONDS}", "-flush_packets", "1")
        ffmpeg = await asyncio.create_subprocess_exec("ffmpeg", "-nostdin", "-v", "error", *tone, str(path))
        await ffmpeg.wait()
        return JSONResponse({"file": path.name})

    async def events(self, _request: Request) -> Response:
        workers, stuck = ThreadPoolExecutor(2), threading.Event()
        for _ in range(2):
            workers.submit(stuck.wait, EPISODE_SECONDS)

        async def news() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"data: news\n\n"
                    await asyncio.sleep(NEWS_SECONDS)
            finally:
                disconnected(workers)

        return StreamingResponse(news(), media_type="text/event-stream")

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/events", self.events),
                Route("/healthz", lambda _: Response(), methods=["GET"]),
                Route("/jobs", self.submit, methods=["POST"]),
                Route("/jobs/{job_id}", self.status),
                Route("/episodes", self.assemble, methods=["POST"]),
            ]
        )


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - how the starter learns the port
    config = uvicorn.Config(Web(Path(sys.argv[1])).app(), log_config=None, access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
