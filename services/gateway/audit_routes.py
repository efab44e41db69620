"""`/v1/audit`: who did what over HTTP, when, and what became of it. Answers from the store."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, JsonValue

from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.pages import PageLimit, link_next
from services.gateway.problems import documented
from shared.client import audit_log
from shared.client.audit_log import RECORD_ID, AuditRecord, Outcome

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=GuardedRoute)

Moment = Annotated[float, Query(ge=0, le=100_000_000_000, description="seconds since the epoch", examples=[1.8e9])]


class AuditEntry(BaseModel):
    """An operating action."""

    id: str = Field(description="ids sort by time")
    at: float = Field(description="when it was asked for, in seconds since the epoch")
    ended_at: float | None = Field(description="when its outcome was known; null: it is not")
    key_id: str = Field(description="of the key that was used; `stack` and `anonymous` are none", examples=["stack"])
    key_name: str = Field(description="what people call the key")
    action: str = Field(description="what was done", examples=["dead-letters.replay"])
    target: str = Field(description="to what")
    details: dict[str, JsonValue] = Field(description="how: what the request asked for")
    request_id: str = Field(description="the request's `X-Request-ID`, which is in the logs too")
    outcome: Outcome = Field(
        description="`done`; `refused`: nothing was changed; `failed`: a part may have been done; `unknown`: it is"
        " under way, or the process that did it was lost"
    )
    reason: str = Field(description="why it was refused or has failed; empty otherwise")
    results: dict[str, JsonValue] = Field(description="what was done, such as a count")


class AuditEntries(BaseModel):
    """A page of the audit log."""

    records: list[AuditEntry] = Field(description="newest first")
    next: str | None = Field(description="the `cursor` of the next page; null: this is the last")


@router.get("", responses=documented())
@needs("operate")
async def show_audit_log(
    request: Request,
    backend: TheBackend,
    response: Response,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: PageLimit = 50,
    cursor: Annotated[str | None, Query(pattern=RECORD_ID, description="`next` of the previous page")] = None,
) -> AuditEntries:
    """Operating actions over HTTP, newest first. Needs the scope `operate`."""
    found = await audit_log.page(backend.store, limit=limit, before=cursor or "", since=since, until=until)
    link_next(request, response, found.next)
    return AuditEntries(records=[_entry(record) for record in found.records], next=found.next)


def _entry(record: AuditRecord) -> AuditEntry:
    intent, outcome = record.intent, record.outcome
    return AuditEntry(
        id=intent.record_id,
        at=intent.at,
        ended_at=outcome.at if outcome else None,
        key_id=intent.key_id,
        key_name=intent.key_name,
        action=intent.action,
        target=intent.target,
        details=intent.details,
        request_id=intent.request_id,
        outcome=outcome.outcome if outcome else "unknown",
        reason=outcome.reason if outcome else "",
        results=outcome.results if outcome else {},
    )
