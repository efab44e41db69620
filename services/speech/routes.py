"""The HTTP routes: OpenAI's speech route, the lists, and a health route that always answers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.speech import catalogue, metrics, speech_request
from services.speech.catalogue import Engine
from services.speech.encoding import MEDIA_TYPES
from services.speech.pool import Pool
from services.speech.speech_request import Refused, SpeechRequest
from services.speech.worker_process import Answer
from shared.runtime.http_traces import HttpTraces
from shared.tracing import spans

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that did not wait; it appears only in the log."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Routes:
    """Answers the requests."""

    pool: Pool
    engines: dict[str, Engine]
    default_engine: str

    async def speech(self, request: Request) -> Response:
        """`POST /v1/audio/speech`."""
        began = time.monotonic()
        asked = speech_request.parse(await _body(request), self.engines, self.default_engine)
        outcome = "failed"
        try:
            answer = await self._while_connected(request, asked)
            if answer is None:
                outcome = "left"
                return Response(status_code=CLIENT_CLOSED_REQUEST)
            if not answer.header["ok"]:
                raise _failed(asked, answer)
            outcome = "spoken"
        finally:
            metrics.REQUEST_SECONDS.labels(asked.engine, outcome).observe(time.monotonic() - began)
        metrics.AUDIO_SECONDS.labels(asked.engine).inc(answer.header["seconds"])
        log.info(
            "spoken",
            engine=asked.engine,
            voice=asked.voice,
            characters=len(asked.text),
            audio_seconds=round(answer.header["seconds"], 2),
            seconds=round(time.monotonic() - began, 3),
        )
        return Response(answer.audio, media_type=MEDIA_TYPES[asked.audio_format])

    async def _while_connected(self, request: Request, asked: SpeechRequest) -> Answer | None:
        """The answer, or None when the client has gone: a text whose turn has not come is then never spoken."""
        speaking = asyncio.ensure_future(self.pool.speak(asked))
        leaving = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({speaking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return await speaking if speaking.done() else None
        finally:
            speaking.cancel()
            leaving.cancel()

    async def models(self, _request: Request) -> Response:
        """`GET /v1/models`: the engines, and `default`."""
        names = ["default", *self.engines]
        return JSONResponse(
            {
                "object": "list",
                "data": [{"id": name, "object": "model", "owned_by": "podcast-engine"} for name in names],
            }
        )

    async def voices(self, _request: Request) -> Response:
        """`GET /v1/audio/voices`: every voice with its model and language; those of the default model first."""
        engines = sorted(self.engines.values(), key=lambda engine: engine.name != self.default_engine)
        listed = [
            {
                "id": voice,
                "name": voice,
                "model": engine.name,
                "language": catalogue.language(engine.name, voice),
                "default": voice == engine.default_voice,
            }
            for engine in engines
            for voice in engine.voices
        ]
        return JSONResponse({"voices": listed})

    async def health(self, _request: Request) -> Response:
        """`GET /healthz`: 200 once the default voice is loaded; 503 before that, and while no worker starts."""
        pool = self.pool
        failing = pool.failures > 0 and not pool.workers
        status = "starting" if not pool.ready.is_set() else "failing" if failing else "ok"
        body = {
            "status": status,
            "engine": self.default_engine,
            "workers": len(pool.workers),
            "busy": pool.busy,
            "waiting": pool.waiting,
            "failure": pool.failure if failing else "",
        }
        return JSONResponse(body, status_code=200 if status == "ok" else 503)

    async def metrics(self, _request: Request) -> Response:
        """`GET /metrics`: in Prometheus' text format."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    def app(self) -> Starlette:
        """The ASGI application."""
        metrics.show(self.pool)
        return Starlette(
            routes=[
                Route("/v1/audio/speech", self.speech, methods=["POST"]),
                Route("/v1/models", self.models),
                Route("/v1/audio/voices", self.voices),
                Route("/healthz", self.health),
                Route("/metrics", self.metrics),
            ],
            # Whoever calls it continues a trace; nothing begins one here.
            middleware=[Middleware(HttpTraces, is_inside=True)] if spans.recorder() is not None else [],
            exception_handlers={Refused: _refusal, HTTPException: _http_error, ClientDisconnect: _left},
        )


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > speech_request.BODY_LIMIT_BYTES:
            raise Refused(
                413, f"The body is longer than {speech_request.BODY_LIMIT_BYTES:,} bytes.", "request_too_large"
            )
    return bytes(body)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _failed(asked: SpeechRequest, answer: Answer) -> Refused:
    if answer.header.get("nothing_to_speak"):
        return Refused(400, f"{asked.engine} finds nothing to pronounce in `input`.", "nothing_to_speak", "input")
    message = f"{asked.engine} failed: {answer.header['error']}"
    return Refused(500, message, "engine_failed", kind="server_error")


async def _refusal(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    metrics.REFUSED.labels(str(error.status)).inc()
    log.info("refused", status=error.status, code=error.code, reason=error.message)
    body = {"message": error.message, "type": error.kind, "code": error.code, "param": error.param}
    headers = {"retry-after": str(error.retry_after_seconds)} if error.retry_after_seconds else None
    return JSONResponse({"error": body}, status_code=error.status, headers=headers)


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = error.detail if isinstance(error, HTTPException) else "The server failed."
    headers = error.headers if isinstance(error, HTTPException) else None
    body = {"message": message, "type": "invalid_request_error", "code": None, "param": None}
    return JSONResponse({"error": body}, status_code=status, headers=headers)


async def _left(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)
