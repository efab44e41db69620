"""Where the user wants files written. No folder is created unless the user named it."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import BadInput

_NAME_LIMIT_BYTES: Final = 160
"""File systems allow 255, and a suffix and a temporary prefix are added."""
_RESERVED: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
)


def made_ready(path: Path) -> Path:
    """Check that a file can be written at `path`; nothing is created.

    Returns:
        The path, absolute.

    Raises:
        BadInput: it is a folder, its own folder is missing, or nothing can be written there.
    """
    path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - `resolve` would follow a link that OUT itself is
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", hint="Name a file in it.")
    _check_folder(path.parent)
    return path


@dataclass(frozen=True)
class Destination:
    """Where a job's files go.

    Attributes:
        path: absolute.
        is_folder: whether all files go into the folder `path`, which may not exist yet; otherwise `path` is one file.
    """

    path: Path
    is_folder: bool


def destination(output: str) -> Destination:
    """Where `podcast fetch -o OUTPUT` writes: one file, or a folder for all the job's files.

    OUTPUT is a folder if it exists as one, or if it ends in a slash; the folder is created when there is a file for it.

    Raises:
        BadInput: nothing can be written there, or OUTPUT names neither.
    """
    path = Path(os.path.abspath(Path(output).expanduser()))  # noqa: PTH100 - as above
    if path.is_dir():
        _check_folder(path)
        return Destination(path, is_folder=True)
    if output.endswith("/"):
        if os.path.lexists(path):
            raise BadInput(f"{path} is no folder.", hint="Name another place.")
        _check_folder(path.parent)
        return Destination(path, is_folder=True)
    if not path.suffix:
        raise BadInput(
            f"There is no folder {output}, and a file of that name has no suffix that says which one is wanted.",
            hint=f"Write {output}/ to make the folder, or {output}.mp3 for a file.",
        )
    return Destination(made_ready(path), is_folder=False)


def file_name(title: str) -> str:
    """A title as a file name without suffix: letters, marks and digits of any script, joined by hyphens.

    The name cannot leave its folder: it has no separator and no dot, is never empty or longer than file systems allow,
    and is not a device name reserved by Windows.
    """
    kept = "".join(
        character if unicodedata.category(character)[0] in "LMN" else "-"
        for character in unicodedata.normalize("NFC", title)
    )
    name = re.sub(r"-+", "-", kept).strip("-")
    if not any(unicodedata.category(character)[0] in "LN" for character in name):
        return "episode"  # marks alone, such as what an emoji leaves, cannot be seen
    while len(name.encode()) > _NAME_LIMIT_BYTES:
        name = name[:-1].rstrip("-")
    return f"episode-{name}" if name.upper() in _RESERVED else name


def _check_folder(folder: Path) -> None:
    """Check that files can be created in a folder.

    Raises:
        BadInput: the folder does not exist or is not writable.
    """
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".podcast-"):
            pass
    except FileNotFoundError as error:
        raise BadInput(
            f"There is no folder {folder}.", hint=f"Make it with `mkdir -p {shlex.quote(str(folder))}`."
        ) from error
    except OSError as error:
        raise BadInput(
            f"Nothing can be written into {folder}: {error.strerror or error}.",
            hint="Name another place, or correct its permissions.",
        ) from error
