"""An address on this machine at which players hear a job while it is spoken."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import PurePosixPath
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from shared.errors import NotFound, PodcastError
from shared.runtime import http_server

_HOST: Final = "127.0.0.1"
_MEDIA_TYPE: Final = "audio/mpeg"
_PLAYLIST: Final = "index.m3u8"
_HLS_TYPES: Final = {".m3u8": "application/vnd.apple.mpegurl", ".mp4": "audio/mp4", ".m4s": "audio/mp4"}
_STOP_SECONDS: Final = 1


async def serve(
    pieces: Callable[[], AsyncGenerator[bytes, None]],
    hls: Callable[[str, int], Awaitable[bytes]],
    *,
    port: int,
    ready: Callable[[str, str], None],
    say: Callable[[str], None],
) -> None:
    """Serve an MP3 and an HLS stream on the loopback interface, under paths that cannot be guessed, until cancelled.

    Args:
        pieces: of the MP3, from its beginning, for each listener.
        hls: a file of the HLS stream, by its name and the number of the fragment that is awaited.
        port: where to listen; 0: any.
        ready: called with the addresses of the MP3 and of the playlist when they can be used.
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

    async def part(request: Request) -> Response:
        name, awaited = request.path_params["name"], request.query_params.get("_HLS_msn", "")
        media_type = _HLS_TYPES.get(PurePosixPath(name).suffix)
        if media_type is None:
            return Response(status_code=404)
        try:
            data = await hls(name, int(awaited) if awaited.isascii() and awaited.isdigit() else 0)
        except NotFound:
            return Response(status_code=404)
        except PodcastError as error:
            say(str(error))
            return PlainTextResponse(str(error), status_code=503)
        return Response(data, media_type=media_type, headers={"Cache-Control": "no-store"})

    secret = secrets.token_urlsafe(9)
    path = f"/{secret}.mp3"
    # A page may not read it under a name of its own that leads to this machine.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=[_HOST, "localhost"])
    app = Starlette(
        routes=[Route(path, listen, methods=["GET", "HEAD"]), Route(f"/{secret}/{{name}}", part, methods=["GET"])],
        middleware=[hosts],
    )
    with contextlib.closing(http_server.listen(_HOST, port, what="stream", setting="--port")) as listener:
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=_STOP_SECONDS)
        server = http_server.Server(config)
        root = f"http://{_HOST}:{listener.getsockname()[1]}"
        server.after_start = lambda: ready(f"{root}{path}", f"{root}/{secret}/{_PLAYLIST}")
        await server.serve(sockets=[listener])
