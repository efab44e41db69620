"""Runs uvicorn beside the backend, and stops in order: streams first, then requests, then the connections.

The grace period is shorter than uvicorn's time-out, which is shorter than the supervisor's: nobody waits for a stream,
and nothing waits for a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import resource
import signal
import socket
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI

from services.gateway import problems
from services.gateway.backend import Backend
from services.gateway.connection import Connection
from shared.runtime import health, metrics
from shared.runtime.http_guard import HEADERS_LIMIT_BYTES, ConnectionGuard
from shared.runtime.http_server import BACKLOG, Server, listen, print_port
from shared.runtime.watchdog import Watchdog

log = structlog.get_logger(__name__)

_UVICORN_MARGIN_SECONDS: Final = 1
_KEEP_ALIVE_SECONDS: Final = 30
_OLDEST_GENERATION: Final = 100
"""How many looks at younger garbage there are to one at all of it."""
_ACCEPTED_AT_A_TIME: Final = 4
"""Connections accepted in one turn of the event loop. A thousand at once would stop all else for as long as they take.
"""
_OTHER_FILES: Final = 512
"""Descriptors for the store, the broker and uploads."""


async def serve(app: FastAPI, backend: Backend) -> int:
    """Serve until SIGTERM or SIGINT.

    Returns:
        The exit code: 0 after a signal, 1 when the backend has failed.

    Raises:
        Misconfigured: the port is not available.
    """
    settings = backend.settings
    listener = listen(settings.gateway_host, settings.gateway_port, what="gateway", setting="PODCAST_GATEWAY_PORT")
    stranger_stall_seconds = min(settings.gateway_stranger_stall_seconds, settings.gateway_stall_seconds)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Inherited by every connection, until its client is known. uvicorn closes a connection only when the client has
        # taken what was written, which one that never reads would put off for ever; so the kernel ends it.
        milliseconds = math.ceil(stranger_stall_seconds * 1_000)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    host, port = listener.getsockname()[:2]
    _allow_files(settings.gateway_connections)
    guard = ConnectionGuard(
        connections=settings.gateway_connections,
        header_seconds=settings.gateway_header_seconds,
        stall_seconds=settings.gateway_stall_seconds,
        stranger_stall_seconds=stranger_stall_seconds,
        per_address=settings.gateway_connections_per_address or None,
        shared_addresses=settings.gateway_proxy_networks,
        bad_request=problems.not_http(),
        bad_request_type=problems.MEDIA_TYPE,
    )
    server = Server(
        uvicorn.Config(
            app,
            http=guard.protocol(Connection),
            ws="none",
            proxy_headers=False,  # nothing here depends on a client's address
            h11_max_incomplete_event_size=HEADERS_LIMIT_BYTES,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=math.ceil(settings.grace_seconds) + _UVICORN_MARGIN_SECONDS,
            backlog=_ACCEPTED_AT_A_TIME,
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
    if settings.health_port:
        # From a thread of its own, so that a probe gets its answer whatever the loop is busy with.
        health.serve(
            watchdog,
            host=settings.health_host,
            port=settings.health_port,
            unready=backend.readiness.reasons,
            service="gateway",
        )
    metrics.show(backend.readiness)
    loop.add_signal_handler(signal.SIGUSR1, watchdog.dump)
    # Looking through all that a thousand streams have takes a tenth of a second, in which nothing else happens: so what
    # was imported is left out, and it is done a tenth as often as usual.
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], _OLDEST_GENERATION)
    working = asyncio.create_task(backend.run())
    working.add_done_callback(lambda _: stop())
    print_port(port, asked=settings.gateway_port)
    log.info("listening", url=f"http://{host}:{port}")
    server.after_start = lambda: listener.listen(BACKLOG)  # uvicorn has set both to the lower number
    await server.serve(sockets=[listener])
    watchdog.stop()
    if working.done() and not working.cancelled() and (error := working.exception()) is not None:
        log.error("the backend failed", exc_info=error)
        return 1
    working.cancel()
    await asyncio.wait({working}, timeout=settings.grace_seconds)
    log.info("stopped")
    return 0


def _allow_files(connections: int) -> None:
    """Raise the limit of open files, as far as it may be, to what the connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        needed = min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < needed:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
