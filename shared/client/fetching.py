"""Copies a finished episode's files to where the user wants them; each file appears only when it is complete."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Awaitable, Callable, Mapping
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
    for kind in files.keys() & status.files.keys():
        if not status.files[kind].startswith(f"{keys.JOBS}{status.job_id}/"):
            # Otherwise anyone who can write a status could have any object copied out of the store.
            raise BadInput(f"Job {status.job_id} names a file that is not its own: {status.files[kind]}.")
    return await fetch_with(lambda kind, path: store.get_file(status.files[kind], path), files, status)


async def fetch_with(get: Get, files: Mapping[str, Path], status: JobStatus) -> bool:
    """As `fetch`, from wherever `get` (kind, path) gets a file."""
    if not files:
        return False
    folder = next(iter(files.values())).parent
    for kind in files:
        if kind not in status.files:
            raise NotFound(f"Job {status.job_id} made no {kind}.")
    made = False
    try:
        if not folder.is_dir():
            folder.mkdir()
            made = True
        # In the same folder, so that the last step is a rename.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".podcast-") as temporary:
            for kind, path in files.items():
                await get(kind, Path(temporary, path.name))
            for path in files.values():
                Path(temporary, path.name).replace(path)  # noqa: ASYNC240 - a rename inside one folder
    except OSError as error:
        raise BadInput(
            f"The episode cannot be written to {folder}: {error.strerror or error}.",
            hint=f"It stays in the store: `podcast fetch {status.job_id} -o FILE`.",
        ) from error
    finally:
        if made:
            with contextlib.suppress(OSError):  # not empty: the files were written
                folder.rmdir()
    return made


def _suffix(kind: str) -> str:
    return SUFFIXES.get(kind, f".{kind}")
