"""`POST /v1/jobs/{job_id}/events/token` and `POST /v1/events/token`: addresses of event streams for a browser.

Nothing is stored: a token is checked by its signature (`event_tokens.py`).
"""

from __future__ import annotations

import math
import time
from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.gateway.access import GuardedRoute, caller, guard, needs
from services.gateway.backend import TheBackend
from services.gateway.event_tokens import ALL_JOBS, EventToken
from services.gateway.job_document import TheJobId
from services.gateway.job_routes import existing
from services.gateway.problems import documented
from shared.settings import Settings

router = APIRouter(prefix="/v1", tags=["events"], route_class=GuardedRoute)

_LONGEST_WARNING_SECONDS: Final = 30.0
_EXAMPLE: Final = f"/v1/events?token=ev_0123456789ab_1764000600_{'5' * 64}"


class EventAddress(BaseModel):
    """Where a browser can watch events for a while."""

    url: str = Field(
        description="the address for `new EventSource`, relative to that of this server; who has it can watch",
        examples=[_EXAMPLE],
    )
    expires_at: float | None = Field(
        description="until when it can be opened, in seconds since the epoch; a stream that is open ends then too."
        " null: it does not expire, since this gateway wants no key"
    )
    renew_at: float | None = Field(
        description="when to ask for another one; the stream then also sends an event `expiring`"
    )


@router.post("/jobs/{job_id}/events/token", responses=documented(404))
@needs("read")
async def job_event_token(job_id: TheJobId, request: Request, backend: TheBackend) -> EventAddress:
    """Get an address at which a browser's EventSource can watch a job for some minutes. Needs the scope `read`.

    An EventSource cannot send a key; the address has a token in its place, which opens the events of this job and
    nothing else. It ends by itself, and when the key that it was made with is revoked.
    """
    await existing(backend.store, job_id)
    return await _address(request, f"/v1/jobs/{job_id}/events", job_id, backend.settings)


@router.post("/events/token", responses=documented())
@needs("read")
async def event_token(request: Request, backend: TheBackend) -> EventAddress:
    """Get an address at which a browser's EventSource can watch all jobs for some minutes. Needs the scope `read`."""
    return await _address(request, "/v1/events", ALL_JOBS, backend.settings)


def warning_seconds(settings: Settings) -> float:
    """How long before its end a stream says that its token expires."""
    return min(_LONGEST_WARNING_SECONDS, settings.gateway_event_token_seconds / 4)


async def _address(request: Request, path: str, subject: str, settings: Settings) -> EventAddress:
    key = await guard(request).valid(caller(request).key_id)
    if key is None:  # nobody has a key here
        return EventAddress(url=path, expires_at=None, renew_at=None)
    expires_at = math.ceil(time.time() + settings.gateway_event_token_seconds)
    token = EventToken.signed(key, subject, expires_at=expires_at)
    return EventAddress(
        url=f"{path}?token={token}", expires_at=expires_at, renew_at=expires_at - warning_seconds(settings)
    )
