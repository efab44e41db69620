"""Where uploads are until they are in the store: one folder a gateway, below TMPDIR.

What a killed gateway leaves behind is removed when the next one takes its first upload.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from services.gateway.key_shares import KeyShares
from shared.errors import Outage

PREFIX: Final = "podcast-gateway-"
_LOCK: Final = "lock"
_YOUNG_SECONDS: Final = 60.0


class UploadsBusy(Outage):
    """As many uploads as the gateway takes at a time are under way."""


class UploadFolder:
    """A gateway's folder for uploads. The kernel's lock on a file in it says that the gateway lives.

    Args:
        limit: uploads at a time, which bounds the space that they take.
        share: the part of them that one key may have, 0 to 1.
    """

    def __init__(self, limit: int, *, share: float) -> None:
        def full() -> UploadsBusy:
            return UploadsBusy(
                f"This gateway takes {limit} uploads at a time.", hint="Try again.", retry_after_seconds=1
            )

        self._under_way = KeyShares(limit, share=share, what="uploads", full=full)
        self._path: Path | None = None
        self._lock: IO[str] | None = None

    @contextmanager
    def one(self, key_id: str) -> Iterator[Path]:
        """A fresh folder for the files of one request of a key, gone afterwards.

        Raises:
            ShareTaken: too many uploads of the key are under way.
            UploadsBusy: too many uploads are under way.
            Outage: the disk is full.
        """
        give_back = self._under_way.take(key_id)
        path: Path | None = None
        try:
            path = Path(tempfile.mkdtemp(dir=self._made()))
            yield path
        except OSError as error:
            raise Outage(
                f"The gateway cannot store the upload: {error.strerror or error}.", hint="Check its disk."
            ) from error
        finally:
            give_back()
            if path is not None:
                shutil.rmtree(path, ignore_errors=True)

    def remove(self) -> None:
        """Remove the folder; the gateway stops."""
        if self._path is not None and self._lock is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            self._lock.close()

    def _made(self) -> Path:
        if self._path is None:
            base = Path(tempfile.gettempdir())
            _remove_abandoned(base)
            path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
            self._lock = (path / _LOCK).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self._path = path
        return self._path


def _remove_abandoned(base: Path) -> None:
    for folder in base.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # in use, or gone, or another user's
            if time.time() - folder.stat().st_mtime < _YOUNG_SECONDS:
                continue  # perhaps just created and not locked yet
            with (folder / _LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
