"""A speech server that costs next to nothing, for benchmarks: it answers with a ready-made WAV as long as the text.

    python -m tests.servers.instant_speech [--port 0] [--delay SECONDS]

prints its port as the first line. No framework: one `asyncio.Protocol` that knows just enough HTTP/1.1. The audio is a
vowel-like buzz in syllables, 0.06 s per character, 24 kHz mono; all texts of the same length sound the same.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import io
import json
import struct
import sys

import numpy as np
import soundfile

SAMPLE_RATE = 24_000
SECONDS_A_CHARACTER = 0.06
"""The pace of piper's voice: about 16 characters per second."""
LONGEST_SECONDS = 300
_HEAD_LIMIT_BYTES = 64_000


@functools.cache
def voice() -> bytes:
    """16-bit PCM of the longest response; shorter ones are its beginning."""
    time = np.arange(LONGEST_SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    buzz = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * 4 * time) + 0.4, 0, 1)
    return bytes((buzz * syllables * 4_000).astype("<i2").tobytes())


@functools.lru_cache(maxsize=512)
def speech(characters: int, audio_format: str) -> bytes:
    """The whole HTTP response for a text of this length."""
    pcm = voice()[: 2 * round(SAMPLE_RATE * min(max(0.3, characters * SECONDS_A_CHARACTER), LONGEST_SECONDS))]
    if audio_format == "flac":
        buffer = io.BytesIO()
        soundfile.write(buffer, np.frombuffer(pcm, "<i2"), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        return answer("200 OK", f"audio/{audio_format}", buffer.getvalue())
    if audio_format == "pcm":
        return answer("200 OK", "audio/pcm", pcm)
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16, b"data", len(pcm)),
    )
    return answer("200 OK", "audio/wav", header + pcm)


def answer(status: str, media_type: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Connection(asyncio.Protocol):
    """One keep-alive connection that serves requests one after the other."""

    def __init__(self, delay_seconds: float) -> None:
        self._delay_seconds = delay_seconds
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _HEAD_LIMIT_BYTES and self._transport:
                self._transport.close()
            return
        head = bytes(self._buffer[:end])
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        self._respond(head.split(b" ", 2)[:2], body)

    def _respond(self, request: list[bytes], body: bytes) -> None:
        if request != [b"POST", b"/v1/audio/speech"]:
            known = request[1:] in ([b"/healthz"], [b"/v1/models"])
            self._send(answer("200 OK" if known else "404 Not Found", "application/json", b'{"data": []}'))
            return
        asked = json.loads(body)
        whole = speech(len(asked["input"]), asked.get("response_format", "wav"))
        if self._delay_seconds:
            asyncio.get_running_loop().call_later(self._delay_seconds, self._send, whole)
        else:
            self._send(whole)

    def _send(self, whole: bytes) -> None:
        if self._transport is not None:
            self._transport.write(whole)


async def serve(port: int, delay_seconds: float) -> None:
    voice()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(delay_seconds), "127.0.0.1", port, backlog=1_024)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - how the starter learns the port
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="instant_speech")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before every answer")
    options = parser.parse_args(arguments)
    asyncio.run(serve(options.port, options.delay))


if __name__ == "__main__":
    main(sys.argv[1:])
