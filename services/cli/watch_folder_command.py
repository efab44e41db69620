"""`podcast watch-folder`: files that are put into a folder become episodes."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import click

from services.cli import exits, folder_files, interrupts, job_options, printing, targets
from services.cli.backends.port import CommandBackend
from services.cli.folder_files import DONE, FAILED, Settling
from services.cli.folder_jobs import FolderJobs
from shared.client import destinations
from shared.deadlines import in_thread
from shared.errors import BadInput, Transient
from shared.protocol.messages import AudioFormat
from shared.text import one_line

_AT_A_TIME: Final = 4
_LOOK_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 15.0
"""After an outage."""
_LOCK: Final = ".podcast-watch-folder"


@click.command("watch-folder")
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="DIR")
@job_options.of_a_job
@job_options.formats_option
@click.option(
    "--settle",
    type=click.FloatRange(0.1, 3_600),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a file must not have changed before it is read.",
)
@click.option("--once", is_flag=True, help="End when no file is left.")
@targets.directory_option
def watch_folder(
    folder: Path | None,
    formats: tuple[AudioFormat, ...],
    settle: float,
    once: bool,
    directory: Path | None,
    **options: Any,
) -> None:
    """Make an episode of each file that is put into a folder.

    DIR, or PODCAST_WATCH_FOLDER. Uses the system that --api, --dir, the environment or a running `podcast up` names.
    When an episode is made, it and the file are in DIR/done; when there is none, the file is in DIR/failed, with a file
    .error.txt that says why. Each content is one job, however often this command is stopped or killed; a file that is
    moved back from failed is tried again.
    """
    settings = targets.settings_in(directory)
    if folder is None:
        if not settings.watch_folder:
            raise BadInput("No folder is named.", hint="Name one, or set PODCAST_WATCH_FOLDER.")
        folder = Path(settings.watch_folder)
    folder = folder.expanduser().absolute()
    if options["job_id"] is not None or options["title"] is not None:
        raise BadInput("--id and --title cannot be the same for all files.", hint="Leave them out.")
    order = job_options.order(options, tuple(dict.fromkeys(formats)) or ("mp3",))

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[CommandBackend]:
        async with targets.named(directory).opened() as backend:
            yield backend

    jobs = FolderJobs(folder, order, options["source_format"], settings, opened)
    with _locked(folder):
        failed = interrupts.run(_watched(jobs, Settling(settle), once=once))
    if failed:
        raise exits.JobFailed(f"{failed} files have failed; {folder / FAILED} says why.")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Only one at a time watches a folder.

    Raises:
        BadInput: another one does, or it is no folder that can be written to.
    """
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}.", hint="Make it first.")
    destinations.made_ready(folder / _LOCK)
    with (folder / _LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BadInput(f"{folder} is watched already.", hint="Stop the other one first.") from error
        yield


async def _watched(jobs: FolderJobs, settling: Settling, *, once: bool) -> int:
    """Look into the folder again and again; with `once`, until it is empty: how many files have failed."""
    running: dict[Path, asyncio.Task[bool | None]] = {}
    not_before: dict[Path, float] = {}
    failed = 0
    while True:
        found = await in_thread(lambda: folder_files.files(jobs.folder))
        now = time.monotonic()
        for one in settling.settled(found, now):
            if len(running) < _AT_A_TIME and one.path not in running and now >= not_before.get(one.path, 0.0):
                printing.note(one_line(f"{one.path.name}: making its episode"))
                running[one.path] = asyncio.create_task(jobs.make(one))
        if once and not found and not running:
            return failed
        await asyncio.wait(running.values(), timeout=_LOOK_SECONDS) if running else await asyncio.sleep(_LOOK_SECONDS)
        for path, task in list(running.items()):
            if task.done():
                del running[path]
                failed += _told(path, task, not_before) is False


def _told(path: Path, task: asyncio.Task[bool | None], not_before: dict[Path, float]) -> bool | None:
    """Say what became of a file; after an outage it is tried again a little later."""
    not_before.pop(path, None)
    try:
        made = task.result()
    except (Transient, OSError) as error:
        not_before[path] = time.monotonic() + _AGAIN_SECONDS
        printing.note(one_line(f"{path.name}: {error} It is tried again."))
        return None
    outcome = {True: f"done, in {DONE}/", False: f"failed, in {FAILED}/", None: "it has changed, and is read again"}
    printing.note(one_line(f"{path.name}: {outcome[made]}"))
    return made
