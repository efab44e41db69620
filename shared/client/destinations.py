"""Where a person wants files. No folder is made for it but one that was asked for by name."""

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
"""File systems take 255, and a suffix and a temporary name come to it."""
_RESERVED: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
)


def made_ready(path: Path) -> Path:
    """See that a file can be written where `path` says; nothing is made for it.

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
    """Where files of a job go.

    Attributes:
        path: absolute.
        is_folder: whether all files go into the folder `path`, which may have to be made; else `path` is one file.
    """

    path: Path
    is_folder: bool


def destination(output: str) -> Destination:
    """Where `podcast fetch -o OUTPUT` writes: one file, or a folder for all that the job made.

    An existing folder is one; a name that ends in a slash becomes one, when there is something to put in it.

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

    It names a file in the folder where it is put, and nothing else: no separator, no dot, never empty, not longer than
    file systems allow, and no name that Windows keeps for devices.
    """
    kept = "".join(
        character if unicodedata.category(character)[0] in "LMN" else "-"
        for character in unicodedata.normalize("NFC", title)
    )
    name = re.sub(r"-+", "-", kept).strip("-")
    while len(name.encode()) > _NAME_LIMIT_BYTES:
        name = name[:-1].rstrip("-")
    return f"episode-{name}" if name.upper() in _RESERVED else name or "episode"


def _check_folder(folder: Path) -> None:
    """See that files can be made in a folder.

    Raises:
        BadInput: there is none, or it cannot be written.
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
