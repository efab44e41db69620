"""Writes operating actions into the audit log: `async with audit.record(request, "job.cancel", job_id):`.

The intent is in the store before the action begins, and the outcome before it is answered. An action whose intent
cannot be written is not carried out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from fastapi import Request
from fastapi.exceptions import HTTPException
from pydantic import JsonValue

from services.gateway.access import caller
from services.gateway.backend import backend
from services.gateway.problem_kinds import kind_of
from shared.addresses import scrub
from shared.client import audit_log
from shared.client.audit_log import AuditIntent, AuditOutcome, Outcome
from shared.errors import PodcastError
from shared.text import one_line, shortened

log = structlog.get_logger(__name__)

_TARGET_CHARACTERS: Final = 500
_REASON_CHARACTERS: Final = 2_000
_FIRST_ERROR_OF_THE_SERVER: Final = 500


@asynccontextmanager
async def record(
    request: Request, action: str, target: str, **details: JsonValue
) -> AsyncIterator[dict[str, JsonValue]]:
    """Carry out an operating action inside this block.

    Put what was done (counts, ids) into the dictionary that it gives. Put no secrets anywhere.

    Args:
        request: the request that asks for it.
        action: what is done: `job.cancel`.
        target: to what: the id of a job, of a key, of an endpoint.
        **details: how: what the request asked for.

    Raises:
        StoreDown: the intent could not be written, and nothing was done.
    """
    who, store = caller(request), backend(request).store
    intent = AuditIntent(
        record_id=audit_log.new_record_id(),
        at=time.time(),
        key_id=who.key_id,
        key_name=who.name,
        action=action,
        target=shortened(one_line(target), _TARGET_CHARACTERS),
        request_id=request.state.request_id,
        details=details,
    )
    await audit_log.begin(store, intent)
    results: dict[str, JsonValue] = {}
    outcome: Outcome = "failed"
    reason = ""
    try:
        yield results
        outcome = "done"
    except asyncio.CancelledError:
        reason = "The gateway broke it off before it had ended."
        raise
    except (PodcastError, HTTPException) as error:
        status = error.status_code if isinstance(error, HTTPException) else kind_of(error).status
        outcome = "refused" if status < _FIRST_ERROR_OF_THE_SERVER and not results else "failed"
        reason = str(error)
        raise
    except Exception as error:
        reason = type(error).__name__
        raise
    finally:
        ended = AuditOutcome(
            record_id=intent.record_id,
            at=time.time(),
            outcome=outcome,
            reason=shortened(scrub(reason), _REASON_CHARACTERS),
            results=results,
        )
        # In a task of its own: a request that is broken off must still leave its outcome behind.
        writing = asyncio.create_task(audit_log.end(store, ended))
        writing.add_done_callback(lambda task: _note(task, intent.record_id))
        _under_way.add(writing)
        writing.add_done_callback(_under_way.discard)
        await asyncio.wait({writing})


_under_way: set[asyncio.Task[None]] = set()
"""The loop itself keeps only weak references to tasks."""


def _note(task: asyncio.Task[None], record_id: str) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("an audit record has no outcome", record=record_id, reason=str(error))
