"""Runs uvicorn and the pool in one loop: the port is known before the first request; the exit is prompt, code 0."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress

import structlog
import uvicorn
from starlette.applications import Starlette

from services.speech.pool import Pool
from shared.errors import Misconfigured
from shared.runtime.http_server import BACKLOG, Server, listen, print_port

STARTS_BEFORE_GIVING_UP = 3
"""After this many failed starts of workers without a success the process ends instead of waiting forever."""

log = structlog.get_logger()


async def serve(
    app: Starlette, pool: Pool, *, host: str, port: int, grace_seconds: int, certificate: str = "", key: str = ""
) -> int:
    """Serve until SIGTERM or SIGINT; then finish what can be finished within `grace_seconds`.

    Args:
        app: the routes.
        pool: what speaks.
        host: the address to bind to.
        port: the port; 0: any free one.
        grace_seconds: after the signal.
        certificate: path of a PEM file, for https; empty: http.
        key: path of the certificate's private key.

    Returns:
        The exit code: 0 after a signal, 1 when the default engine does not start.

    Raises:
        Misconfigured: the port is not available, or the certificate cannot be used.
    """
    listener = listen(host, port, what="speech server", setting="PODCAST_SPEECH_PORT")
    bound_host, bound_port = listener.getsockname()[:2]
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=grace_seconds,
        backlog=BACKLOG,
        ssl_certfile=certificate or None,
        ssl_keyfile=key or None,
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        raise Misconfigured(
            f"The speech server's certificate or its key cannot be used: {error}.",
            hint="Check PODCAST_SPEECH_CERTIFICATE_PATH and PODCAST_SPEECH_KEY_PATH.",
        ) from error
    server = Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    working = asyncio.create_task(pool.run())
    working.add_done_callback(lambda _: setattr(server, "should_exit", True))
    url = f"{'https' if certificate else 'http'}://{bound_host}:{bound_port}"
    log.info("listening", url=url)
    watching = asyncio.create_task(_announce(pool, server, url))
    print_port(bound_port, asked=port)
    try:
        await server.serve(sockets=[listener])
    finally:
        watching.cancel()
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    return 1 if _hopeless(pool) else 0


def _hopeless(pool: Pool) -> bool:
    return not pool.ready.is_set() and pool.failures >= STARTS_BEFORE_GIVING_UP


async def _announce(pool: Pool, server: uvicorn.Server, url: str) -> None:
    """Log that the server is ready, or end it if it never will be."""
    began = time.monotonic()
    while not pool.ready.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(pool.ready.wait(), 0.2)
        if _hopeless(pool):
            log.error("the default engine does not start", reason=pool.failure)
            server.should_exit = True
            return
    log.info("ready", url=url, workers=pool.size, seconds=round(time.monotonic() - began, 2))
