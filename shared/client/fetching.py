"""Copies a finished episode's files to where the user wants them; each file appears only when it is complete."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from shared.client.destinations import Destination, file_name
from shared.client.submission import AUDIO_FORMATS
from shared.errors import BadInput, NotFound
from shared.protocol.messages import AudioFormat, JobStatus
from shared.store import keys
from shared.store.port import Store

SUFFIXES: Final[dict[str, str]] = {
    **{name: f".{name}" for name in AUDIO_FORMATS},
    "vtt": ".vtt",
    "chapters": ".chapters.json",
    "timing": ".timing.json",
}
"""Kind in `JobStatus.files` → suffix of the file."""
CAPTIONS: Final = ("vtt", "chapters")
Get = Callable[[str, Path], Awaitable[None]]
KIND: Final = re.compile(r"[a-z0-9]{1,16}")
"""A kind of file in a job's status. It becomes a suffix, so anything else is ignored."""


def audio_format(path: Path) -> AudioFormat:
    """The audio format that a file name's suffix stands for.

    Raises:
        BadInput: it stands for no format that can be made.
    """
    suffix = path.suffix.lower().removeprefix(".")
    for known in AUDIO_FORMATS:
        if suffix == known:
            return known
    asked = f"ends in .{suffix}" if suffix else "has no suffix"
    raise BadInput(
        f"{path} {asked}, which is no audio format that can be made.",
        hint="End it in " + ", ".join(f".{name}" for name in AUDIO_FORMATS) + ".",
    )


def beside(path: Path, kind: str) -> Path:
    """The path of a file of another kind that belongs to `path`."""
    return path.with_name(path.stem + _suffix(kind))


def wanted(status: JobStatus, to: Destination) -> dict[str, Path]:
    """Which of a job's files go where: kind → path.

    Args:
        status: of a completed job.
        to: a file, whose suffix says which kind; or a folder, for all of them.

    Raises:
        BadInput: the job has no file of that kind.
    """
    kinds = [kind for kind in status.files if KIND.fullmatch(kind)]
    if to.is_folder:
        stem = file_name(status.title)
        return {kind: to.path / (stem + _suffix(kind)) for kind in kinds}
    for kind in sorted(kinds, key=lambda kind: len(_suffix(kind)), reverse=True):
        if to.path.name.lower().endswith(_suffix(kind)):
            return {kind: to.path}
    has = ", ".join(_suffix(kind) for kind in kinds)
    raise BadInput(
        f"Job {status.job_id} has no file for {to.path.name}.", hint=f"It has {has}." if has else "It has no files."
    )


async def fetch(store: Store, files: Mapping[str, Path], status: JobStatus) -> bool:
    """Copy files of a job (kind → path) out of the store: all of them, or none if one is not available.

    Returns:
        Whether their folder was missing and has been created.

    Raises:
        NotFound: the store has lost one.
        StoreDown: it does not answer.
        BadInput: they cannot be written.
    """
    return await fetch_with(getter(store, status), files, status)


def getter(store: Store, status: JobStatus) -> Get:
    """What gets a file of a job out of the store."""

    async def get(kind: str, path: Path) -> None:
        key = status.files[kind]
        if not key.startswith(f"{keys.JOBS}{status.job_id}/"):
            # Otherwise anyone who can write a status could have any object copied out of the store.
            raise BadInput(f"Job {status.job_id} names a file that is not its own: {key}.")
        await store.get_file(key, path)

    return get


async def fetch_with(get: Get, files: Mapping[str, Path], status: JobStatus) -> bool:
    """As `fetch`, from wherever `get` (kind, path) gets a file."""
    if not files:
        return False
    folder = next(iter(files.values())).parent
    for kind in files:
        if kind not in status.files:
            raise NotFound(f"Job {status.job_id} made no {kind}.")

    async def fill(temporary: Path) -> list[Path]:
        for kind, path in files.items():
            await get(kind, temporary / path.name)
        return [temporary / path.name for path in files.values()]

    made, _ = await put_together(fill, folder, status)
    return made


async def put_together(
    fill: Callable[[Path], Awaitable[list[Path]]], folder: Path, status: JobStatus
) -> tuple[bool, list[Path]]:
    """Files that appear in a folder together, when all of them are complete.

    Args:
        fill: writes them into the folder that it is given, and says which they are.
        folder: where they go; made if it is missing.
        status: of the job that they belong to.

    Returns:
        Whether the folder was missing and has been created, and where the files are.

    Raises:
        BadInput: they cannot be written.
    """
    made = False
    try:
        made = _made(folder)
        with _incomplete(folder) as temporary:
            filled = await fill(temporary)
            return made, [path.replace(folder / path.name) for path in filled]
    except OSError as error:
        raise BadInput(
            f"The episode cannot be written to {folder}: {error.strerror or error}.",
            hint=f"It stays in the store: `podcast fetch {status.job_id} -o FILE`.",
        ) from error
    finally:
        if made:
            _removed_if_empty(folder)


@contextlib.contextmanager
def _incomplete(folder: Path) -> Iterator[Path]:
    """A folder for files, which is removed even if a thread that was abandoned goes on making files in it."""
    # In the same folder, so that the last step is a rename.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".podcast-", ignore_cleanup_errors=True) as temporary:
        files = Path(temporary, "files")
        files.mkdir()
        try:
            yield files
        finally:
            with contextlib.suppress(OSError):
                files.rename(files.with_name("removed"))  # the thread finds no folder for the next file


def _made(folder: Path) -> bool:
    """Make a folder; whether it was missing."""
    if folder.is_dir():
        return False
    folder.mkdir(parents=True)
    return True


def _removed_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # the files were written
        folder.rmdir()


def _suffix(kind: str) -> str:
    return SUFFIXES.get(kind, f".{kind}")
