"""Runs uvicorn beside the backend, and stops in order: streams first, then requests, then the connections.

The grace period is shorter than uvicorn's time-out, which is shorter than the supervisor's: nobody waits for a stream,
and nothing waits for a thread.
"""

from __future__ import annotations

import asyncio
import math
import signal
import socket
import sys
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI

from services.gateway.backend import Backend
from shared.runtime.http_server import BACKLOG, Server, listen
from shared.runtime.watchdog import Watchdog

log = structlog.get_logger(__name__)

_UVICORN_MARGIN_SECONDS: Final = 1
_KEEP_ALIVE_SECONDS: Final = 30


async def serve(app: FastAPI, backend: Backend) -> int:
    """Serve until SIGTERM or SIGINT.

    Returns:
        The exit code: 0 after a signal, 1 when the backend has failed.

    Raises:
        Misconfigured: the port is not available.
    """
    settings = backend.settings
    listener = listen(settings.gateway_host, settings.gateway_port, what="gateway", setting="PODCAST_GATEWAY_PORT")
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Inherited by every connection. uvicorn closes a connection only when the client has taken what was written,
        # which one that never reads would put off for ever; so the kernel ends it.
        milliseconds = math.ceil(settings.gateway_stall_seconds * 1_000)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    host, port = listener.getsockname()[:2]
    server = Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=math.ceil(settings.grace_seconds) + _UVICORN_MARGIN_SECONDS,
            backlog=BACKLOG,
        )
    )

    def stop() -> None:
        backend.readiness.is_stopping = True
        backend.stopping.set()
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    watchdog = Watchdog(limit_seconds=settings.watchdog_seconds, in_flight=list)
    watchdog.start()
    loop.add_signal_handler(signal.SIGUSR1, watchdog.dump)
    working = asyncio.create_task(backend.run())
    working.add_done_callback(lambda _: stop())
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    log.info("listening", url=f"http://{host}:{port}")
    await server.serve(sockets=[listener])
    watchdog.stop()
    if working.done() and not working.cancelled() and (error := working.exception()) is not None:
        log.error("the backend failed", exc_info=error)
        return 1
    working.cancel()
    await asyncio.wait({working}, timeout=settings.grace_seconds)
    log.info("stopped")
    return 0
