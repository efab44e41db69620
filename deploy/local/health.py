"""Asks a server on the loopback whether it is well.

By hand, in a dozen lines: `httpx` takes as long to import (it brings its own command line) as a service takes to start.
"""

from __future__ import annotations

import asyncio

from deploy.local.ports import LOOPBACK

CALL_SECONDS = 2.0
_ANSWER_LIMIT_BYTES = 65_536


async def health(port: int, path: str = "/healthz") -> tuple[int, str]:
    """GET `path`: the status and the body's beginning; (0, reason) if there is no answer within 2 s."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                # 1.0: the server closes the connection after its answer, so the answer ends there.
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}:{port}\r\n\r\n".encode())
                answer = b""
                while len(answer) < _ANSWER_LIMIT_BYTES and (part := await reader.read(_ANSWER_LIMIT_BYTES)):
                    answer += part
            finally:
                writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(maxsplit=2)[1]), body.decode(errors="replace").strip()
    except (OSError, TimeoutError, ValueError, IndexError) as error:
        return 0, str(error) or "it does not answer"
