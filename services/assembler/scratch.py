"""A folder for temporary files that is removed when it is left, and also when its process was killed before that."""

from __future__ import annotations

import errno
import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.assembler.ffmpeg import disk_full

PREFIX = "podcast-assembler-"
_LOCK = "lock"
YOUNG_SECONDS = 60


@contextmanager
def folder(needed_bytes: int) -> Iterator[Path]:
    """A fresh folder below TMPDIR, gone afterwards.

    A lock that the kernel holds for us says that it is in use; those of killed processes are not locked any more, and
    are removed on this occasion.

    Args:
        needed_bytes: a guess of what will be written, compared with what is free.

    Raises:
        DiskFull: there is less, or the disk became full.
    """
    base = Path(tempfile.gettempdir())
    _remove_abandoned(base)
    if shutil.disk_usage(base).free < needed_bytes:
        raise disk_full()
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=base, ignore_cleanup_errors=True) as name:
        try:
            with (Path(name) / _LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield Path(name)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise disk_full() from error
            raise


def _remove_abandoned(base: Path) -> None:
    for lock in base.glob(f"{PREFIX}*/{_LOCK}"):
        try:
            if time.time() - lock.stat().st_mtime < YOUNG_SECONDS:
                continue  # perhaps made, but not locked yet
            with lock.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            continue  # in use, or gone, or another user's
