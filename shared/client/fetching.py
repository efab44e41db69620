"""Brings a finished episode's files to where a person wants them; each appears only when it is whole."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shared.client.submission import AUDIO_FORMATS
from shared.errors import BadInput, NotFound
from shared.protocol.messages import AudioFormat, JobStatus
from shared.store.port import Store

SUFFIXES: Final[dict[str, str]] = {
    **{name: f".{name}" for name in AUDIO_FORMATS},
    "vtt": ".vtt",
    "chapters": ".chapters.json",
    "timing": ".timing.json",
}
"""What `JobStatus.files` names → how a file of it is called."""
CAPTIONS: Final = ("vtt", "chapters")
_NAME_LIMIT_CHARACTERS = 80


def audio_format(path: Path) -> AudioFormat:
    """The audio format that a file name asks for.

    Raises:
        BadInput: none that can be made.
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


def made_ready(path: Path) -> Path:
    """Make the folder that `path` will be in, and see that it can be written there.

    Raises:
        BadInput: it cannot.
    """
    path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - `resolve` would follow a link that OUT itself is
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", hint="Name a file in it.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".podcast-"):
            pass
    except OSError as error:
        raise BadInput(
            f"Nothing can be written into {path.parent}: {error.strerror or error}.",
            hint="Name another place, or mend its permissions.",
        ) from error
    return path


def destination(output: str) -> Path:
    """Where `podcast fetch -o OUTPUT` writes: a file, or a folder, which is made if it is missing.

    A name that ends in a slash or has no suffix is a folder's.

    Raises:
        BadInput: nothing can be written there.
    """
    path = Path(output).expanduser()
    if not (output.endswith("/") or path.is_dir() or not path.suffix):
        return made_ready(path)
    made_ready(path / "episode")
    return path


def beside(path: Path, kind: str) -> Path:
    """Where a file of another kind goes that belongs to `path`."""
    return path.with_name(path.stem + _suffix(kind))


def wanted(status: JobStatus, output: Path) -> dict[str, Path]:
    """Which of a job's files go where: kind → path.

    Args:
        status: of a completed job.
        output: a file, whose suffix says which one; or a folder, for all of them.

    Raises:
        BadInput: the job has no file of that kind.
    """
    if output.is_dir():
        stem = _file_name(status.title) or "episode"
        return {kind: output / (stem + _suffix(kind)) for kind in status.files}
    for kind in sorted(status.files, key=lambda kind: len(_suffix(kind)), reverse=True):
        if output.name.lower().endswith(_suffix(kind)):
            return {kind: output}
    has = ", ".join(_suffix(kind) for kind in status.files)
    raise BadInput(f"Job {status.job_id} has no file for {output.name}.", hint=f"It has {has}.")


async def fetch(store: Store, files: Mapping[str, Path], status: JobStatus) -> None:
    """Copy files of a job out of the store: kind → path; all of them, or none if one cannot be had.

    Raises:
        NotFound: the store has lost one.
        StoreDown: it does not answer.
        BadInput: they cannot be written.
    """
    if not files:
        return
    folder = next(iter(files.values())).parent
    try:
        # In the same folder, so that the last step is a rename.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".podcast-") as temporary:
            for kind, path in files.items():
                if kind not in status.files:
                    raise NotFound(f"Job {status.job_id} made no {kind}.")
                await store.get_file(status.files[kind], Path(temporary, path.name))
            for path in files.values():
                Path(temporary, path.name).replace(path)  # noqa: ASYNC240 - a rename inside one folder
    except OSError as error:
        raise BadInput(
            f"The episode cannot be written to {folder}: {error.strerror or error}.",
            hint=f"It stays in the store: `podcast fetch {status.job_id} -o FILE`.",
        ) from error


def _suffix(kind: str) -> str:
    return SUFFIXES.get(kind, f".{kind}")


def _file_name(title: str) -> str:
    """A title as a file name: letters and digits of any script, joined by hyphens."""
    return re.sub(r"[^\w]+", "-", title).strip("-_")[:_NAME_LIMIT_CHARACTERS]
