"""Many sources in one command: each is a job of its own, and one that fails stops no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from services.cli import columns, early_warnings, exits, following, printing, summary, targets
from services.cli.backends.port import CommandBackend
from services.cli.columns import Column, rows
from services.cli.durations import length
from services.cli.following import Result
from services.cli.progress_display import Display, Lines, Silence
from shared.client import destinations, fetching, submission
from shared.client import sources as reading
from shared.client.submission import Draft, Order
from shared.concurrency import gathered
from shared.deadlines import in_thread
from shared.errors import BadInput, PodcastError
from shared.protocol.messages import SourceFormat
from shared.settings import Settings
from shared.text import one_line

_AT_A_TIME: Final = 4
"""Jobs that are followed at a time; each has its document in memory until it is handed over."""
_FILES_SHOWN: Final = 4


@dataclass(frozen=True)
class Batch:
    """What is made of each source.

    Attributes:
        order: the options.
        kinds: of the files that are fetched.
        folder: where they go.
        settings: limits.
        source_format: of all of them; None: each by its name and content.
        chapter_files: whether the files of a source's chapters are fetched; several sources have a folder each.
    """

    order: Order
    kinds: tuple[str, ...]
    folder: Path
    settings: Settings
    source_format: SourceFormat | None
    chapter_files: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a source.

    Attributes:
        source: as it was given.
        result: the job that ended; None: there is none.
        job_id: of a job that was handed over and not waited for.
        error: why there is no episode.
        warnings: what is not as it should be with a job that was handed over.
    """

    source: str
    result: Result | None = None
    job_id: str | None = None
    error: PodcastError | None = None
    warnings: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The JSON form: `source`, then what there is of `job_id`, `error` and the fields of a job."""
        return {
            "source": self.source,
            **({"job_id": self.job_id} if self.job_id else {}),
            **({"warnings": list(self.warnings)} if self.warnings else {}),
            **({"error": str(self.error)} if self.error else {}),
            **(summary.document(self.result.status, self.result.manifest, self.result.outputs) if self.result else {}),
        }


def folder(output: str) -> Path:
    """The folder for the episodes; it is made when there is one for it.

    Raises:
        BadInput: it is a file, or nothing can be written there.
    """
    found = destinations.destination(output)
    if not found.is_folder:
        raise BadInput(f"{output} is one file, for several sources.", hint="Write FOLDER/ to have them in a folder.")
    return found.path


def names(sources: Sequence[str]) -> list[str]:
    """A file name without suffix for each source, after its own name; no two are the same."""
    found: list[str] = []
    for source in sources:
        parts = urlsplit(source) if "://" in source and not Path(source).exists() else None
        last = Path(unquote(parts.path)).name or parts.hostname or "" if parts else Path(source).resolve().name
        path = Path("stdin" if source == "-" else last)
        stem = destinations.file_name(path.stem)
        others = {name.casefold() for name in found}
        if stem.casefold() in others:
            stem = destinations.file_name(path.name)
        number, free = 1, stem
        while free.casefold() in others:
            number += 1
            free = f"{stem}-{number}"
        found.append(free)
    return found


async def render(batch: Batch, sources: Sequence[str], plan: targets.Plan, *, quiet: bool) -> list[Outcome]:
    """Make an episode of each source."""
    told: Display = Silence() if quiet else Lines()
    async with targets.for_one_job(plan, batch.settings, say=told.say) as target, target.opened() as backend:
        if plan.engine is not None:
            await backend.check_engine(plan.engine)
            batch = replace(batch, order=replace(batch.order, model=plan.engine))

        async def one(named: tuple[str, str]) -> Outcome:
            source, name = named
            shown: Display = Silence() if quiet else _Named(source)
            outputs = {kind: fetching.beside(batch.folder / f"{name}.x", kind) for kind in batch.kinds}
            try:
                draft = await in_thread(partial(_draft, batch, source))
                chapters_to = None
                if batch.chapter_files:
                    chapters_to = batch.folder if len(sources) == 1 else batch.folder / name
                result = await following.rendered(draft, None, backend, outputs, shown, chapters_to=chapters_to)
            except PodcastError as error:
                shown.say(one_line(str(error)))
                return Outcome(source, error=error)
            failed = result.status.state != "completed"
            return Outcome(source, result, error=exits.JobFailed(summary.failure(result.status)) if failed else None)

        return await gathered(one, zip(sources, names(sources), strict=True), at_a_time=_AT_A_TIME)


async def submit(
    batch: Batch, sources: Sequence[str], backend: CommandBackend, *, warnings_wait: float = 0
) -> list[Outcome]:
    """Hand each source over as a job; then wait so many seconds for what can be said about their documents."""
    outcomes: list[Outcome] = []
    for source in sources:
        try:
            draft = await in_thread(partial(_draft, batch, source))
            outcomes.append(Outcome(source, job_id=(await backend.submit(draft, chosen_id=None)).job_id))
        except PodcastError as error:
            outcomes.append(Outcome(source, error=error))
    job_ids = [outcome.job_id for outcome in outcomes if outcome.job_id is not None]
    warnings = await early_warnings.of_jobs(backend, job_ids, seconds=warnings_wait)
    return [replace(outcome, warnings=warnings.get(outcome.job_id or "", ())) for outcome in outcomes]


def report(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    """Print what became of each source.

    Raises:
        PodcastError: the first error, if there is no episode at all.
        JobFailed: some sources have failed.
    """
    if as_json:
        printing.say_json([outcome.document() for outcome in outcomes])
    else:
        layout = [Column("STATE"), Column("LENGTH", right=True), Column("SOURCE", most=40), Column("", rest=True)]
        printing.say("\n".join(rows(layout, list(map(_cells, outcomes)), width=columns.terminal_width())))
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if errors and len(errors) == len(outcomes):
        raise errors[0]
    if errors:
        raise exits.JobFailed(f"{len(errors)} of {len(outcomes)} sources have failed.")


def _draft(batch: Batch, source: str) -> Draft:
    settings = batch.settings
    found = reading.find(source, limit_bytes=settings.source_limit_bytes, source_format=batch.source_format)
    return submission.draft(batch.order, found, text_limit_characters=settings.text_limit_characters)


def _cells(outcome: Outcome) -> list[str]:
    source = one_line(outcome.source)
    if outcome.error is not None:
        state = outcome.result.status.state if outcome.result else "failed"
        return [state, "-", source, one_line(str(outcome.error))]
    if outcome.result is None:
        return ["submitted", "-", source, outcome.job_id or ""]
    outputs = list(outcome.result.outputs.values())
    many = f"{len(outputs)} files in {outputs[-1].parent}" if len(outputs) > _FILES_SHOWN else ""
    files = one_line(many or ", ".join(map(str, outputs)))
    return ["completed", length(outcome.result.status.audio_seconds), source, files]


class _Named(Lines):
    """Progress of one of several jobs: each line begins with its source."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source

    def say(self, line: str) -> None:
        """Print it."""
        printing.note(one_line(f"{self._source}: {line}"))
