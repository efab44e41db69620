"""A folder for temporary files that is removed after use, even if its process was killed."""

from __future__ import annotations

import errno
import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.audio.ffmpeg import disk_full

PREFIX = "podcast-assembler-"
_LOCK = "lock"
YOUNG_SECONDS = 60


@contextmanager
def folder(needed_bytes: int) -> Iterator[Path]:
    """A fresh folder below TMPDIR, gone afterwards.

    A lock held by the kernel marks it as in use; folders of killed processes are no longer locked and are removed on
    this occasion.

    Args:
        needed_bytes: an estimate of what will be written, compared with the free space.

    Raises:
        DiskFull: there is less free space, or the disk became full.
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
                continue  # perhaps just created and not locked yet
            with lock.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            continue  # in use, or gone, or another user's
