"""A speech server that encodes text as tones, so that a finished episode can be read back word for word.

    python -m tests.servers.tone_speech [--host 127.0.0.1] [--port 0] [--delay SECONDS] [--record FILE]

prints its port as the first line. `POST /v1/audio/speech` is OpenAI's; `GET /calls` returns the calls so far,
`DELETE /calls` forgets them; `POST /mode` makes it misbehave (`tests.servers.speech_faults`), `POST /delay` makes it
slow. With `--record` the calls of all processes
with that file are returned. `speed` is recorded but not applied: the modem has one pace.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import time
from dataclasses import asdict
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.servers import speech_faults, tones
from tests.servers.speech_faults import Fault


class ToneServer:
    """The routes and their state."""

    def __init__(self, delay_seconds: float = 0.0, record: Path | None = None) -> None:
        self.delay_seconds = delay_seconds
        self.faults: list[Fault] = []
        self.record = record
        self.calls: list[dict[str, object]] = []
        self.running = 0
        self.most_running = 0

    async def speech(self, request: Request) -> Response:
        try:
            asked = json.loads(await request.body())
            text, audio_format = asked["input"], asked.get("response_format", "mp3")
        except (ValueError, KeyError, TypeError, AttributeError):
            return refuse("The request is not a JSON object with `input`.", "invalid_json")
        if not isinstance(text, str) or not text.strip():
            return refuse("`input` is empty.", "empty_input")
        if audio_format not in speech_faults.MEDIA_TYPES:
            return refuse(f"`{audio_format}` is no format of this server.", "unknown_format")
        call: dict[str, object] = {
            "text": text,
            "voice": asked.get("voice"),
            "model": asked.get("model"),
            "speed": asked.get("speed"),
            "format": audio_format,
            "time": time.time(),
            "answered": False,
        }
        self.calls.append(call)
        self._write(call)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            return await self._answer(request, call, text, audio_format)
        finally:
            self.running -= 1

    async def _answer(self, request: Request, call: dict[str, object], text: str, audio_format: str) -> Response:
        fault = next((fault for fault in self.faults if fault.takes(text)), Fault())
        call["mode"] = fault.mode
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        try:
            pcm = tones.speak(text)
        except ValueError as error:
            return refuse(str(error), "unspeakable")
        response = await speech_faults.answer(fault, request, pcm, tones.SAMPLE_RATE, audio_format)
        call["answered"] = fault.mode == "ok"
        return response

    def _write(self, call: dict[str, object]) -> None:
        """Keep a call, before it is answered, also for other processes."""
        if self.record is not None:
            with self.record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(call) + "\n")

    async def recorded(self, request: Request) -> Response:
        """Return the calls so far, or forget them."""
        if request.method == "DELETE":
            self.calls.clear()
            if self.record is not None:
                self.record.unlink(missing_ok=True)
        calls = self.calls
        if self.record is not None:
            lines = self.record.read_text(encoding="utf-8").splitlines() if self.record.exists() else []
            calls = [json.loads(line) for line in lines]
            self.most_running = self.running
        return JSONResponse(
            {
                "count": len(calls),
                "texts": [call["text"] for call in calls],
                "calls": calls,
                "running": self.running,
                "most_running": self.most_running,
            }
        )

    async def mode(self, request: Request) -> Response:
        """Set or return the faults: one, or a list of which the first that fits a text applies."""
        if request.method == "POST":
            asked = await request.json()
            faults = [Fault(**fault) for fault in (asked if isinstance(asked, list) else [asked])]
            if unknown := {fault.mode for fault in faults}.difference(speech_faults.MODES):
                return refuse(f"{unknown} is no mode; there are {', '.join(speech_faults.MODES)}.", "unknown_mode")
            self.faults = faults
        return JSONResponse([asdict(fault) for fault in self.faults])

    async def delay(self, request: Request) -> Response:
        """Set the delay before every response."""
        self.delay_seconds = float((await request.json())["seconds"])
        return JSONResponse({"seconds": self.delay_seconds})

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/audio/speech", self.speech, methods=["POST"]),
                Route("/v1/models", models),
                Route("/v1/audio/voices", voices),
                Route("/healthz", health),
                Route("/calls", self.recorded, methods=["GET", "DELETE"]),
                Route("/mode", self.mode, methods=["GET", "POST"]),
                Route("/delay", self.delay, methods=["POST"]),
            ]
        )


def refuse(message: str, code: str) -> Response:
    """A 400 in OpenAI's shape."""
    error = {"message": message, "type": "invalid_request_error", "code": code, "param": None}
    return JSONResponse({"error": error}, status_code=400)


async def health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def models(_request: Request) -> Response:
    return JSONResponse({"object": "list", "data": [{"id": "tones", "object": "model"}]})


async def voices(_request: Request) -> Response:
    return JSONResponse({"voices": [{"id": "default", "model": "tones"}]})


def serve(app: Starlette, port: int, host: str = "127.0.0.1") -> None:
    """Run until SIGTERM; prints the port first. A call that hangs does not keep the server from stopping."""
    # asyncio switches Nagle's algorithm off only for sockets that name their protocol; with it, answers wait for 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1_024)
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - how the starter learns the port
    config = uvicorn.Config(
        app, log_config=None, log_level="critical", access_log=False, timeout_graceful_shutdown=1, lifespan="off"
    )
    uvicorn.Server(config).run(sockets=[listener])


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="tone_speech")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--host", default="127.0.0.1", help="address it binds to")
    parser.add_argument("--record", type=Path, help="where the calls are kept, one JSON object a line")
    options = parser.parse_args(arguments)
    serve(ToneServer(options.delay, options.record).app(), options.port, options.host)


if __name__ == "__main__":
    main(sys.argv[1:])
