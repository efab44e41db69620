"""`/v1/dead-letters`: look, replay, discard. Publishes dead letters back to their queues, and job.resume."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import JsonValue
from starlette.convertors import StringConvertor, register_url_convertor

from services.gateway import audit
from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.dead_letter_documents import (
    LETTER_ID,
    ByIds,
    CorrectionWanted,
    DeadLetterDocument,
    DeadLetterGroups,
    DeadLetterPage,
    JobAsked,
    LettersDone,
    LettersWanted,
    QueueAsked,
    ReasonAsked,
    WholeDeadLetter,
    group_document,
    letter_document,
    selection_of,
)
from services.gateway.operators import at_the_letters
from services.gateway.pages import PageLimit, link_next
from services.gateway.problems import documented
from shared.client import watching
from shared.concurrency import gathered
from shared.dead_letters.browser import DeadLetters, Verdict
from shared.dead_letters.grouping import GroupCount
from shared.dead_letters.letter import PARSE_LIMIT_BYTES, DeadLetter
from shared.dead_letters.selection import Selection
from shared.errors import PodcastError
from shared.store.port import Store
from shared.text import one_line


class LetterConvertor(StringConvertor):
    """A part of a path that is an id; anything else, such as `replay`, belongs to another route or to none."""

    regex = LETTER_ID.strip("^$")


register_url_convertor("letter", LetterConvertor())
router = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"], route_class=GuardedRoute)

_TITLES_SECONDS: Final = 3.0
"""To look up titles, which are optional: a store that is down must not hold up the list."""
_LOOKUPS_AT_A_TIME: Final = 16

Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,5}$", description="`next` of the previous page")]


@router.get("", responses=documented(409, 504))
@needs("operate")
async def list_dead_letters(
    request: Request,
    response: Response,
    backend: TheBackend,
    *,
    queue: QueueAsked = None,
    job_id: JobAsked = None,
    reason: ReasonAsked = None,
    limit: PageLimit = 50,
    cursor: Cursor = None,
) -> DeadLetterGroups:
    """The dead letters, those alike in one group: of one queue and job, with one reason.

    This changes nothing, but only one operator at a time can use the dead letters. Needs the scope `operate`.
    """
    tally = GroupCount()
    selection = selection_of(queue, job_id, reason)

    async def count(letters: DeadLetters) -> None:
        async def see(letter: DeadLetter, _: object) -> Verdict:
            if selection.has(letter):
                tally.add(letter)
            return Verdict.KEEP

        await letters.visit(selection.queues, see, doing="looking")

    await at_the_letters(request, count)
    start = int(cursor or 0)
    groups = tally.groups()
    shown = groups[start : start + limit]
    titles = await _titles(backend.store, {group.oldest.job_id for group in shown})
    return DeadLetterGroups(
        groups=[group_document(group, titles.get(group.oldest.job_id or "", "")) for group in shown],
        letters=tally.letters,
        next=_linked(request, response, start + limit if len(groups) > start + limit else None),
    )


@router.get("/each", responses=documented(409, 504))
@needs("operate")
async def list_each_dead_letter(
    request: Request,
    response: Response,
    *,
    queue: QueueAsked = None,
    job_id: JobAsked = None,
    reason: ReasonAsked = None,
    limit: PageLimit = 50,
    cursor: Cursor = None,
) -> DeadLetterPage:
    """The dead letters, each by itself. Needs the scope `operate`."""
    start = int(cursor or 0)
    selection = selection_of(queue, job_id, reason)
    found = await at_the_letters(request, lambda letters: letters.find(selection, limit=start + limit + 1))
    return DeadLetterPage(
        letters=[DeadLetterDocument(**letter_document(letter)) for letter in found[start : start + limit]],
        next=_linked(request, response, start + limit if len(found) > start + limit else None),
    )


@router.get("/{letter_id:letter}", responses=documented(404, 409, 504))
@needs("operate")
async def show_dead_letter(
    letter_id: Annotated[str, Path(pattern=LETTER_ID, description="its id", examples=["3f1c0d52a9be"])],
    request: Request,
) -> WholeDeadLetter:
    """A dead letter with its reason, attempts, stack trace and message. Needs the scope `operate`."""
    letter, body = await at_the_letters(request, lambda letters: letters.opened(letter_id))
    return WholeDeadLetter(**letter_document(letter), payload=_parsed(body))


@router.post("/replay", responses=documented(400, 409, 504))
@needs("operate")
async def replay_dead_letters(wanted: LettersWanted | CorrectionWanted, request: Request) -> LettersDone:
    """Send dead letters back to their queues; a failed job is resumed.

    Each is removed once the broker has confirmed its copy, so nothing is lost if this is interrupted. `payload` is a
    corrected message: it is checked as strictly as one from a stranger, and must be about the same piece of the same
    job. A corrected chunk belongs to that job alone; a completed job has none. Needs the scope `operate`.
    """
    edited = json.dumps(wanted.payload) if isinstance(wanted, CorrectionWanted) else None

    async def work(letters: DeadLetters, selection: Selection, done: list[DeadLetter]) -> bool:
        return await letters.replay(selection, limit=wanted.limit, edited=edited, confirmed=done.append)

    return await _carried_out(wanted, request, "dead-letters.replay", work, is_edited=edited is not None)


@router.post("/discard", responses=documented(400, 409, 504))
@needs("operate")
async def discard_dead_letters(wanted: LettersWanted, request: Request) -> LettersDone:
    """Delete dead letters permanently; their jobs stay failed. Needs the scope `operate`."""

    async def work(letters: DeadLetters, selection: Selection, done: list[DeadLetter]) -> bool:
        return await letters.discard(selection, limit=wanted.limit, removing=done.append)

    return await _carried_out(wanted, request, "dead-letters.discard", work)


async def _carried_out(
    wanted: LettersWanted, request: Request, action: str, work: Any, **details: JsonValue
) -> LettersDone:
    selection = wanted.selection.selection()
    done: list[DeadLetter] = []
    if wanted.dry_run:
        done = await at_the_letters(request, lambda letters: letters.find(selection, limit=wanted.limit + 1))
        more = len(done) > wanted.limit
        return _report(wanted, done[: wanted.limit], more)
    asked = wanted.selection.model_dump(exclude_unset=True)
    target = next(f"{name} {value}" if name != "all" else "all" for name, value in asked.items())
    async with audit.record(request, action, target, selection=asked, limit=wanted.limit, **details) as results:
        try:
            more = await at_the_letters(request, lambda letters: work(letters, selection, done))
        finally:
            if done:
                results.update(count=len(done), ids=[letter.id for letter in done])
        results["count"] = len(done)
    return _report(wanted, done, more)


def _report(wanted: LettersWanted, done: list[DeadLetter], more: bool) -> LettersDone:
    ids = [letter.id for letter in done]
    asked = wanted.selection.ids if isinstance(wanted.selection, ByIds) else []
    missing = [] if more else sorted(set(asked) - set(ids))
    return LettersDone(count=len(done), ids=ids, missing=missing, more=more, dry_run=wanted.dry_run)


async def _titles(store: Store, job_ids: Iterable[str | None]) -> dict[str, str]:
    """The titles that the store returns in time: job id → title."""
    found: dict[str, str] = {}

    async def look(job_id: str) -> None:
        with contextlib.suppress(PodcastError, ValueError):  # ValueError: a status that cannot be read
            status = await watching.look(store, job_id)
            if status is not None and status.title:
                found[job_id] = one_line(status.title)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_TITLES_SECONDS):
            await gathered(look, [job_id for job_id in job_ids if job_id], at_a_time=_LOOKUPS_AT_A_TIME)
    return found


def _linked(request: Request, response: Response, cursor: int | None) -> str | None:
    """The next page's cursor, also as a link."""
    following = None if cursor is None else str(cursor)
    link_next(request, response, following)
    return following


def _parsed(body: bytes) -> Any:
    if len(body) > PARSE_LIMIT_BYTES:
        return None
    with contextlib.suppress(ValueError, RecursionError):  # a stranger may have sent anything
        return json.loads(body, parse_constant=lambda _: None)
    return None
