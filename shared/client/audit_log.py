"""The audit log: who did what to the system over HTTP, when, and what became of it. Append-only, in the store.

An action has two objects, each created once and never replaced: the intent, written before the action begins, and the
outcome, written before the action is answered. One record with the outcome would be lost if the process died after the
action; so nothing is done of which there is no trace, and a record without an outcome says that nobody knows.
"""

from __future__ import annotations

import re
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

import uuid_utils
from pydantic import Field, JsonValue, ValidationError

from shared.client.deleting import delete_all
from shared.concurrency import gathered
from shared.errors import NotFound
from shared.protocol import reading
from shared.protocol.messages import Frozen, Line
from shared.store import keys
from shared.store.port import PAGE, Store

RECORD_ID: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$"
_READS_AT_A_TIME: Final = 16
_OUTCOME: Final = ".outcome.json"
_ID: Final = re.compile(RECORD_ID)
_LAST_MOMENT_MS: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp() * 1_000)

RecordId = Annotated[str, Field(pattern=RECORD_ID)]
Outcome = Literal["done", "refused", "failed", "unknown"]
"""`refused`: it made no sense or was not possible, and nothing was changed; `failed`: a part may have been done;
`unknown`: under way, or the process that did it was lost."""


class AuditIntent(Frozen):
    """An action that is about to be carried out: `audit/<day>/<id>.json`."""

    version: Literal[1] = 1
    record_id: RecordId
    at: float = Field(strict=False, description="seconds since the epoch")
    key_id: str = Field(max_length=64, description="of the key that was used; `stack` and `anonymous` are none")
    key_name: Line = Field(description="what people call the key")
    action: str = Field(pattern=r"^[a-z][a-z._-]{0,63}$", description="what is done, such as `job.cancel`")
    target: Line = Field(description="to what: a job's id, a key's id, a queue")
    request_id: str = Field(max_length=64, description="the request's `X-Request-ID`, which is in the logs too")
    details: dict[str, JsonValue] = Field({}, max_length=32, description="how: what the request asked for")


class AuditOutcome(Frozen):
    """What became of an action: `audit/<day>/<id>.outcome.json`."""

    version: Literal[1] = 1
    record_id: RecordId
    at: float = Field(strict=False, description="seconds since the epoch")
    outcome: Outcome
    reason: str = Field("", max_length=2_000, description="why it was refused or has failed")
    results: dict[str, JsonValue] = Field({}, max_length=32, description="what was done, such as a count")


@dataclass(frozen=True)
class AuditRecord:
    """An action, with its outcome if that is known."""

    intent: AuditIntent
    outcome: AuditOutcome | None


@dataclass(frozen=True)
class AuditPage:
    """Actions, newest first.

    Attributes:
        records: the actions.
        next: what to pass as `before` for the next page; None at the end.
    """

    records: list[AuditRecord]
    next: str | None


def new_record_id() -> str:
    """An id; ids sort by time."""
    return str(uuid_utils.uuid7())


async def begin(store: Store, intent: AuditIntent) -> None:
    """Write down what is about to be done.

    Raises:
        StoreDown: it could not be written down, so it must not be done.
    """
    key = keys.audit_intent(_day(intent.record_id), intent.record_id)
    await store.create(key, intent.model_dump_json().encode(), content_type="application/json")


async def end(store: Store, outcome: AuditOutcome) -> None:
    """Write down what became of it.

    Raises:
        StoreDown: it could not be written down; the record then has no outcome.
        Conflict: it has an outcome already.
    """
    key = keys.audit_outcome(_day(outcome.record_id), outcome.record_id)
    await store.create(key, outcome.model_dump_json().encode(), content_type="application/json")


async def page(
    store: Store, *, limit: int, before: str = "", since: float | None = None, until: float | None = None
) -> AuditPage:
    """The newest actions.

    Args:
        store: where they are.
        limit: at most this many.
        before: only actions that come after this one in the list; empty: all.
        since: not before this time, in seconds since the epoch.
        until: before this time, in seconds since the epoch.

    Raises:
        StoreDown: the store does not answer.
    """
    first = "" if since is None else _lowest_id(since)
    last = min((bound for bound in (before, "" if until is None else _lowest_id(until)) if bound), default="")
    found: list[tuple[str, bool]] = []
    for day in reversed(await _days(store)):
        if (last and day > _day(last)) or (first and day < _day(first)):
            continue
        newest: deque[tuple[str, bool]] = deque(maxlen=limit + 1)
        async for name in store.list(f"{keys.AUDIT}{day}/"):
            record_id = name.rsplit("/", 1)[-1].split(".", 1)[0]
            if not _ID.fullmatch(record_id) or (last and record_id >= last) or record_id < first:
                continue
            if not name.endswith(_OUTCOME):
                newest.append((record_id, False))
            elif newest and newest[-1][0] == record_id:  # an outcome is listed directly after its intent
                newest[-1] = (record_id, True)
        found += reversed(newest)
        if len(found) > limit:
            break

    async def read(one: tuple[str, bool]) -> AuditRecord | None:
        return await _record(store, one[0], has_outcome=one[1])

    records = await gathered(read, found[:limit], at_a_time=_READS_AT_A_TIME)
    return AuditPage([record for record in records if record], found[limit - 1][0] if len(found) > limit else None)


async def prune(store: Store, *, older_than_seconds: float) -> int:
    """Remove the days that ended longer ago than this.

    Returns:
        How many objects were removed.

    Raises:
        StoreDown: the store does not answer.
    """
    oldest_kept = datetime.fromtimestamp(time.time() - older_than_seconds, UTC).date().isoformat()
    removed = 0
    for day in await _days(store):
        if day < oldest_kept:
            while names := await store.page(f"{keys.AUDIT}{day}/", limit=PAGE):
                await delete_all(store, names)
                removed += len(names)
    return removed


async def _days(store: Store) -> list[str]:
    days: list[str] = []
    while names := await store.folders(keys.AUDIT, after=days[-1] if days else "", limit=PAGE):
        days += names
        if len(names) < PAGE:
            break
    return days


async def _record(store: Store, record_id: str, *, has_outcome: bool) -> AuditRecord | None:
    day = _day(record_id)
    try:
        intent = reading.read(AuditIntent, await store.get(keys.audit_intent(day, record_id)), strict=False)
        outcome = None
        if has_outcome:
            data = await store.get(keys.audit_outcome(day, record_id))
            outcome = reading.read(AuditOutcome, data, strict=False)
    except (NotFound, ValidationError):  # just pruned, or not ours
        return None
    return AuditRecord(intent, outcome)


def _day(record_id: str) -> str:
    """The day that an id was made on: a UUIDv7 begins with its time in milliseconds, 48 bits."""
    milliseconds = int(record_id[:8] + record_id[9:13], 16)
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)).date().isoformat()


def _lowest_id(moment: float) -> str:
    """What every id made from this time on is not below."""
    digits = f"{min(max(int(moment * 1_000), 0), _LAST_MOMENT_MS):012x}"
    return f"{digits[:8]}-{digits[8:]}"
