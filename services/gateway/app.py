"""gateway: the HTTP API. Publishes job.submitted, job.cancel, job.resume; answers from the store; does no work itself.

    python -m services.gateway.app

prints its port as the only line on stdout (`PODCAST_GATEWAY_PORT=0` takes a free one). It keeps no state: any number
may run, and a client may go on at another one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import Final

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from services.gateway import event_routes, health_routes, job_routes, problems
from services.gateway.access import Guard
from services.gateway.backend import Backend
from services.gateway.middleware import BodyLimit, InTurn, ResponseHeaders
from services.gateway.openapi import describe
from services.gateway.serving import serve
from shared.errors import Misconfigured, PodcastError
from shared.runtime import heap, logs
from shared.settings import Settings, load

_FORM_MARGIN_BYTES: Final = 100_000
"""What a request may have beside the document."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

ROUTERS: Final = (health_routes.router, job_routes.router, event_routes.router)


def build(settings: Settings) -> tuple[FastAPI, Backend]:
    """Wire the application.

    Raises:
        Misconfigured: it would be open to anyone on a network.
    """
    if settings.gateway_anonymous and settings.gateway_host not in _LOOPBACK:
        raise Misconfigured(
            "PODCAST_GATEWAY_ANONYMOUS would let anyone on the network in.",
            hint="Bind the gateway to 127.0.0.1 with PODCAST_GATEWAY_HOST, or use keys.",
        )
    backend = Backend(settings)
    app = FastAPI(title="Podcast Engine", docs_url=None, redoc_url=None, separate_input_output_schemas=False)
    app.state.backend, app.state.guard = backend, Guard()
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    describe(app)
    app.add_middleware(BodyLimit, limit_bytes=settings.source_limit_bytes + _FORM_MARGIN_BYTES)
    origins = [origin.strip() for origin in settings.gateway_cors_origins.split(",") if origin.strip()]
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["Location", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-ID", "ETag", "Link"],
        )
    app.add_middleware(ResponseHeaders)
    app.add_middleware(InTurn)
    return app, backend


def main() -> None:
    """Run until SIGTERM or Ctrl-C, and end the process without waiting for any thread."""
    try:
        settings = load()
    except Misconfigured as error:
        sys.exit(f"gateway: {error}")
    logs.configure("gateway", level=settings.log_level, as_json=settings.log_json)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it logs every start and stop
    heap.share_one()

    async def run() -> None:
        try:
            app, backend = build(settings)
            code = await serve(app, backend)
        except PodcastError as error:
            sys.stderr.write(f"gateway: {error}\n")
            code = 2
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # leaving the loop would join threads

    asyncio.run(run())


if __name__ == "__main__":
    main()
