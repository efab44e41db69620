"""Loads what reading a document needs into a worker process, before the first job needs it."""

from __future__ import annotations

import contextlib
import importlib
from typing import Final

from shared.errors import Transient
from shared.workers.documents import in_worker

WARM_UP_SECONDS: Final = 60.0
"""Loading takes a second on an idle machine."""


async def warm_up() -> None:
    """Start one worker before the first job needs it; a job that arrives meanwhile starts its own."""
    with contextlib.suppress(Transient):
        await in_worker("Starting a worker", WARM_UP_SECONDS, _load)


def _load() -> None:
    for module in ("services.chunker.documents.reading", "services.chunker.preview_documents"):
        importlib.import_module(module)
    importlib.import_module("services.chunker.narration.guessing").load()
