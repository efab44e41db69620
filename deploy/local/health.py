"""Asks a server on the loopback interface whether it is healthy.

Without `httpx`, which takes as long to import (it brings its own command line) as a service takes to start.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from http import HTTPStatus

from deploy.local.ports import LOOPBACK

CALL_SECONDS = 2.0
_ANSWER_LIMIT_BYTES = 65_536
_EPMD_NAMES = b"\x00\x01n"
"""The request for the nodes that the port mapper knows: a length of one, and `n`."""


async def health(port: int, path: str = "/healthz", *, seconds: float = CALL_SECONDS) -> tuple[int, str]:
    """GET `path`: the status and the body's beginning; (0, reason) if there is no answer within `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            # HTTP/1.0: the server closes the connection after its answer, which marks the answer's end.
            answer = await _exchange(port, f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}:{port}\r\n\r\n".encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(maxsplit=2)[1]), body.decode(errors="replace").strip()
    except TimeoutError:
        return 0, f"no answer within {seconds:g} s"
    except (OSError, ValueError, IndexError) as error:
        return 0, str(error) or "it does not answer"


async def _exchange(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(request)
        answer = b""
        while len(answer) < _ANSWER_LIMIT_BYTES and (part := await reader.read(_ANSWER_LIMIT_BYTES)):
            answer += part
        return answer
    finally:
        writer.close()


async def readiness(port: int, *, seconds: float = CALL_SECONDS) -> tuple[bool, str]:
    """Whether a service or our speech server works: `/readyz`, or `/healthz` if there is none (404).

    Returns:
        Whether it works; and if not, why.
    """
    status, body = await health(port, "/readyz", seconds=seconds)
    if status == HTTPStatus.NOT_FOUND:
        status, body = await health(port, seconds=seconds)
    return status == HTTPStatus.OK, "" if status == HTTPStatus.OK else _reason(body)


def _reason(body: str) -> str:
    """The reasons given by `/readyz`, the failure of our speech server, or the body unchanged."""
    with suppress(ValueError, AttributeError):
        told = json.loads(body)
        reasons = told.get("reasons") or [told.get("failure") or told.get("status") or ""]
        if any(reasons):
            return "; ".join(str(reason).removesuffix(".") for reason in reasons)
    return body


async def silence(port: int, path: str, seconds: float) -> str:
    """Why a server seems dead; "" if it answers over HTTP at all, whatever the answer.

    One that answers that it is not healthy is alive: ending it would not bring back the server that it waits for. A
    blocked event loop is ended by the watchdog in its own process, which logs where it was blocked.
    """
    status, reason = await health(port, path, seconds=seconds)
    return "" if status else reason


async def port_mapper_silence(port: int, seconds: float) -> str:
    """The same for Erlang's port mapper. Connecting alone proves nothing: the kernel accepts for a stopped process."""
    try:
        async with asyncio.timeout(seconds):
            answer = await _exchange(port, _EPMD_NAMES)
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except OSError as error:
        return str(error)
    return "" if answer else "it closed the connection without an answer"
