"""speech: answers OpenAI's `POST /v1/audio/speech` with local engines, in worker processes behind a bounded queue.

    python -m services.speech.app

prints its port as the only line on stdout (`PODCAST_SPEECH_PORT=0` takes a free one) and logs `ready` when the default
voice is loaded. On SIGTERM it takes no new connections, answers texts in progress within `PODCAST_GRACE_SECONDS`, exits
with 0.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sys

from services.speech import catalogue
from services.speech.pool import Pool
from services.speech.routes import Routes
from services.speech.serving import serve
from shared.errors import PodcastError
from shared.runtime import logs, trace_export, unlocked_log
from shared.settings import Settings, load


def build(settings: Settings) -> tuple[Routes, Pool]:
    """Wire the server."""
    engines = catalogue.find_engines(settings.cache_dir.expanduser())
    default = catalogue.default_engine(engines, settings.speech_default_engine)
    pool = Pool(
        size=settings.speech_workers or os.cpu_count() or 1,
        warm={"load": True, "engine": default.name, "voice_source": default.voices[default.default_voice]},
        deadline_seconds=settings.speech_text_deadline_seconds,
        waiting_limit=settings.speech_waiting_limit,
    )
    return Routes(pool, engines, default.name), pool


def main() -> int:
    """Run until SIGTERM or Ctrl-C; the exit code."""
    try:
        settings = load()
        logs.configure("speech", level=settings.log_level, as_json=settings.log_json)
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it logs every start and stop
        trace_export.start("speech", settings)
        routes, pool = build(settings)
        return asyncio.run(_run(routes, pool, settings))
    except PodcastError as error:
        unlocked_log.refuse("speech", error)
        return 2


async def _run(routes: Routes, pool: Pool, settings: Settings) -> int:
    code = await serve(
        routes.app(),
        pool,
        host=settings.speech_host,
        port=settings.speech_port,
        grace_seconds=math.ceil(settings.grace_seconds),
        certificate=settings.speech_certificate_path,
        key=settings.speech_key_path,
    )
    await trace_export.finish()
    return code


if __name__ == "__main__":
    sys.exit(main())
