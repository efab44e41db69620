"""An address on this machine at which players hear a job while it is spoken."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from shared.errors import PodcastError
from shared.runtime import http_server

_HOST: Final = "127.0.0.1"
_MEDIA_TYPE: Final = "audio/mpeg"
_STOP_SECONDS: Final = 1


async def serve(
    pieces: Callable[[], AsyncGenerator[bytes, None]],
    *,
    port: int,
    ready: Callable[[str], None],
    say: Callable[[str], None],
) -> None:
    """Serve an MP3 on the loopback interface, under a path that cannot be guessed, until this is cancelled.

    Args:
        pieces: of the MP3, from its beginning, for each listener.
        port: where to listen; 0: any.
        ready: called with the address when it can be used.
        say: called with why the audio of a listener ends early.

    Raises:
        Misconfigured: the port is taken.
    """

    async def listen(request: Request) -> Response:
        if request.method == "HEAD":
            return Response(media_type=_MEDIA_TYPE)
        return StreamingResponse(heard(), media_type=_MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    async def heard() -> AsyncIterator[bytes]:
        async with contextlib.aclosing(pieces()) as stream:
            try:
                async for piece in stream:
                    yield piece
            except PodcastError as error:
                say(str(error))
                raise  # so that the connection is closed without the end of the body

    path = f"/{secrets.token_urlsafe(9)}.mp3"
    # A page may not read it under a name of its own that leads to this machine.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=[_HOST, "localhost"])
    app = Starlette(routes=[Route(path, listen, methods=["GET", "HEAD"])], middleware=[hosts])
    with contextlib.closing(http_server.listen(_HOST, port, what="stream", setting="--port")) as listener:
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=_STOP_SECONDS)
        server = http_server.Server(config)
        address = f"http://{_HOST}:{listener.getsockname()[1]}{path}"
        server.after_start = lambda: ready(address)
        await server.serve(sockets=[listener])
