"""gateway: the HTTP API. Publishes job.submitted, job.cancel, job.resume; answers from the store; does no work itself.

    python -m services.gateway.app

prints its port as the only line on stdout (`PODCAST_GATEWAY_PORT=0` takes a free one; with JSON logs a port that
was given is not printed). It keeps no state: any number may run, and a client may go on at another one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import Final

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from services.gateway import (
    audit_routes,
    chunk_routes,
    dead_letter_export,
    dead_letter_routes,
    document_routes,
    episode_routes,
    event_routes,
    event_token_routes,
    feed_routes,
    health_routes,
    hls_routes,
    job_control_routes,
    job_list_routes,
    job_routes,
    key_routes,
    older_webhook,
    page_routes,
    preview_routes,
    problems,
    public_page_routes,
    queue_routes,
    session_routes,
    show_episode_routes,
    show_feed_routes,
    show_routes,
    speech_routes,
    stream_routes,
    submit_routes,
    timeline_routes,
    voice_routes,
    webhook_routes,
)
from services.gateway.access import Guard, origins
from services.gateway.backend import Backend
from services.gateway.deadlines import RequestDeadlines
from services.gateway.metrics import Measured
from services.gateway.middleware import HEALTH, BodyLimit, InTurn, ResponseHeaders, Room
from services.gateway.openapi import describe, operation_id
from services.gateway.operators import Operators
from services.gateway.rate_windows import RateWindows
from services.gateway.serving import serve
from services.gateway.speech_slots import StreamSlots
from services.gateway.voice_catalogue import VoiceCatalogue
from shared.client.covers import COVER_LIMIT_BYTES
from shared.client.hls_stream import HlsStreams
from shared.client.show_renderings import Renderings
from shared.errors import Misconfigured, PodcastError
from shared.runtime import heap, logs, trace_export, unlocked_log
from shared.runtime.http_traces import TRACERESPONSE, HttpTraces
from shared.settings import Settings, load
from shared.tracing import spans

_FORM_MARGIN_BYTES: Final = COVER_LIMIT_BYTES + 3_000_000
"""What a request may have beside the document: a cover, and the options."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

ROUTERS: Final = (
    health_routes.router,
    document_routes.router,
    page_routes.router,
    session_routes.router,
    submit_routes.router,
    job_list_routes.router,
    job_routes.router,
    chunk_routes.router,
    timeline_routes.router,
    job_control_routes.router,
    older_webhook.router,
    event_routes.router,
    event_token_routes.router,
    episode_routes.router,
    preview_routes.router,
    speech_routes.router,
    stream_routes.router,
    hls_routes.router,
    voice_routes.router,
    webhook_routes.router,
    feed_routes.router,
    show_routes.router,
    show_episode_routes.router,
    show_feed_routes.router,
    show_feed_routes.lists,
    dead_letter_routes.router,
    dead_letter_export.router,
    key_routes.router,
    queue_routes.router,
    public_page_routes.router,
    audit_routes.router,
)
SAMPLES_AT_A_TIME: Final = 4
"""Samples of voices that are spoken at a time."""


def build(settings: Settings) -> tuple[FastAPI, Backend]:
    """Wire the application.

    Raises:
        Misconfigured: it would be open to strangers, or a setting is wrong.
    """
    allowed_origins = sorted(origins(settings))
    if settings.gateway_anonymous and settings.gateway_host not in _LOOPBACK:
        raise Misconfigured(
            "PODCAST_GATEWAY_ANONYMOUS would give access to everybody on the network.",
            hint="Bind the gateway to 127.0.0.1 with PODCAST_GATEWAY_HOST, or use keys.",
        )
    if settings.gateway_anonymous and "*" in allowed_origins:
        raise Misconfigured(
            "PODCAST_GATEWAY_ANONYMOUS with PODCAST_GATEWAY_CORS_ORIGINS=* would give access to every web page.",
            hint="List the origins of your pages, or use keys.",
        )
    # Named now if it cannot be read, not at the first request that needs it.
    _ = settings.webhook_allowed, settings.gateway_proxy_networks, settings.public_url
    backend = Backend(settings)
    app = FastAPI(
        title="Podcast Engine",
        openapi_url=None,  # `document_routes` has it
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # the address of a redirect would come from the Host header
        separate_input_output_schemas=False,
        generate_unique_id_function=operation_id,
        # Its own spans would believe a stranger's `traceparent` (docs/adr/0020-traces.md).
        telemetry={"auto_configure": False, "tracing": False, "metrics": False, "logs": False},
    )
    app.state.backend, app.state.guard = backend, Guard(settings, backend.store)
    share = settings.gateway_key_share
    app.state.voices = VoiceCatalogue(settings)
    app.state.speech_slots = StreamSlots(settings.gateway_speech_streams, share=share, what="streams")
    app.state.sample_slots = StreamSlots(SAMPLES_AT_A_TIME, share=share, what="samples")
    app.state.operators = Operators()
    app.state.hls = HlsStreams(backend.store, default_rate=settings.sample_rate, turns=backend.manifests)
    app.state.renderings, app.state.chapters, app.state.feed_rates = Renderings(backend.store), {}, RateWindows()
    app.state.queue_counter = queue_routes.QueueCounter(backend.link, backend.store, settings)
    page_routes.files()
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    describe(app)
    document_routes.prepare(app)
    app.add_middleware(RequestDeadlines, settings=settings)
    app.add_middleware(BodyLimit, limit_bytes=settings.source_limit_bytes + _FORM_MARGIN_BYTES)
    if allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=allowed_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=[
                *("Location", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-ID", "ETag", "Link"),
                *("X-Podcast-Job", TRACERESPONSE),
            ],
        )
    app.add_middleware(Room)
    app.add_middleware(ResponseHeaders)
    app.add_middleware(InTurn)
    app.add_middleware(Measured)
    if spans.recorder() is not None:
        app.add_middleware(HttpTraces, untraced=HEALTH)
    return app, backend


def main() -> None:
    """Run until SIGTERM or Ctrl-C, and end the process without waiting for any thread."""
    try:
        settings = load()
    except Misconfigured as error:
        unlocked_log.refuse("gateway", error)
        sys.exit(1)
    logs.configure("gateway", level=settings.log_level, as_json=settings.log_json)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it logs every start, and every bad request
    heap.configure()

    async def run() -> None:
        try:
            trace_export.start("gateway", settings)
            app, backend = build(settings)
            code = await serve(app, backend)
            backend.uploads.remove()
        except PodcastError as error:
            unlocked_log.refuse("gateway", error)
            code = 2
        await trace_export.finish()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # leaving the loop would join threads

    asyncio.run(run())


if __name__ == "__main__":
    main()
