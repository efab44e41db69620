"""What speech servers do wrong, one fault per mode; real servers have done each of these."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import soundfile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

Mode = Literal[
    "ok", "hang", "trickle", "cut", "silence", "noise", "half", "alternating", "empty", "html", "lying-header", "status"
]
MODES: tuple[Mode, ...] = get_args(Mode)
MEDIA_TYPES = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "pcm": "audio/pcm",
}
TRICKLE_SECONDS = 0.05
"""The pause between two bytes: a read timeout of any useful length never fires."""

Pcm = npt.NDArray[np.int16]


@dataclass
class Fault:
    """A mode and how often it applies."""

    mode: Mode = "ok"
    count: int | None = None
    """How many calls it applies to; None: until it is changed."""
    containing: str = ""
    """Applies only to texts that contain this."""
    status: int = 500
    shape: int = 1
    """Of the error's JSON: 1 `{"error":{...}}`, 2 `{"detail":{...}}`, 3 `{"detail":"..."}`, 4 `{"error":"..."}`."""
    message: str = "The speech server was told to fail."
    retry_after: str | None = None
    calls: int = field(default=0)

    def takes(self, text: str) -> bool:
        """Whether the fault applies to this call; counts it if so."""
        if self.mode == "ok" or self.containing not in text or (self.count is not None and self.calls >= self.count):
            return False
        self.calls += 1
        return True


class Hangup(Exception):
    """The connection is cut."""


def encode(pcm: Pcm, sample_rate: int, audio_format: str) -> bytes:
    """`pcm` in one of OpenAI's formats."""
    if audio_format == "pcm":
        return pcm.tobytes()
    container, subtype = {"opus": ("OGG", "OPUS"), "mp3": ("MP3", None)}.get(
        audio_format, (audio_format.upper(), "PCM_16")
    )
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm, sample_rate, format=container, subtype=subtype)
    return buffer.getvalue()


def lie(wav: bytes) -> bytes:
    """The same WAV with the sizes that a streaming server writes: 0xFFFFFFFF."""
    data = wav.index(b"data")
    return wav[:4] + b"\xff" * 4 + wav[8 : data + 4] + b"\xff" * 4 + wav[data + 8 :]


def _error(fault: Fault) -> Response:
    details = {"message": fault.message, "type": "server_error", "code": None, "param": None}
    shapes: dict[int, dict[str, Any]] = {
        1: {"error": details},
        2: {"detail": {"error": "processing_error", **details}},
        3: {"detail": fault.message},
        4: {"error": fault.message},
    }
    headers = {"retry-after": fault.retry_after} if fault.retry_after else None
    return JSONResponse(shapes[fault.shape], status_code=fault.status, headers=headers)


async def _until_gone(request: Request) -> Response:
    """Never respond; returns when the client has given up, so that the server can stop."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response(status_code=499)


async def _break_off(body: bytes) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    raise Hangup


async def _trickle(body: bytes) -> AsyncIterator[bytes]:
    for octet in body:
        yield bytes([octet])
        await asyncio.sleep(TRICKLE_SECONDS)


def _spoil(mode: Mode, pcm: Pcm) -> Pcm:
    """Spoil the audio itself; modes that do something else leave it as it is."""
    if mode == "silence":
        return np.zeros_like(pcm)
    if mode == "alternating":  # at half the sample rate: LAME has ended processes over it
        return np.where(np.arange(pcm.size) % 2, -16_000, 16_000).astype(np.int16)
    if mode == "noise":
        return np.random.default_rng().normal(0, 3_000, pcm.size).clip(-32_768, 32_767).astype(np.int16)
    return pcm[: pcm.size // 2] if mode == "half" else pcm


async def answer(fault: Fault, request: Request, pcm: Pcm, sample_rate: int, audio_format: str) -> Response:
    """The faulty response for `fault`, made from the correct one."""
    match fault.mode:
        case "hang":
            return await _until_gone(request)
        case "status":
            return _error(fault)
        case "html":
            return HTMLResponse("<html><body><h1>Welcome to the proxy</h1></body></html>")
    body = encode(_spoil(fault.mode, pcm), sample_rate, audio_format)
    media_type = MEDIA_TYPES[audio_format]
    if fault.mode in ("cut", "trickle"):
        stream = _break_off(body) if fault.mode == "cut" else _trickle(body)
        return StreamingResponse(stream, media_type=media_type, headers={"content-length": str(len(body))})
    if fault.mode == "lying-header" and audio_format == "wav":
        body = lie(body)
    return Response(b"" if fault.mode == "empty" else body, media_type=media_type)
