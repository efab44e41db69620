"""The files of a stack, which hold secrets and people's texts: readable only by their owner, whatever the umask."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

PRIVATE_UMASK = 0o077
"""For the supervisor and everything that it starts: the broker and MinIO create their own files."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_folder(path: Path) -> None:
    """Make a folder that only its owner can enter; an existing one is closed to others."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


def tighten(folder: Path) -> None:
    """Remove all rights of others from what is below this folder: an older version or a different umask granted some.

    What vanishes in the meantime is skipped, and so is what belongs to somebody else.
    """
    folders = [folder]
    while folders:
        with suppress(FileNotFoundError, PermissionError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():  # its mode means nothing, and its target is not ours
                    continue
                with suppress(FileNotFoundError, PermissionError):
                    mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
                    if mode & _OTHERS:
                        Path(entry.path).chmod(mode & ~_OTHERS)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))


def write_private(path: Path, text: str) -> None:
    """Replace the file's content atomically; a reader sees the old text or the new one."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    part.replace(path)


def read_private(path: Path) -> str:
    """The file's text; empty if there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
