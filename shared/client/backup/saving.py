"""Backs up a store while jobs run.

What refers is copied before what is referred to: statuses, then all else of the jobs, then audio. An object exists
before anything refers to it, so a status in the backup never tells of more than the backup has. Marks below `active/`
are not copied: whether a job has ended is in its status. Nor are parts of episodes that were joined ahead, which can be
joined again and are gone when the episode is there. What is deleted meanwhile is no job of this backup.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from shared.client.backup import contents
from shared.client.backup import index as indexes
from shared.client.backup.index import Index, Saved
from shared.concurrency import gathered
from shared.deadlines import in_thread
from shared.errors import BadInput, NotFound, StoreDown
from shared.store import keys
from shared.store.port import Entry, Store

_COPIES_AT_A_TIME: Final = 8
_FEW: Final = 100
"""So many objects may vanish between two backups without a question."""
_STATUS: Final = "/status.json"
_NOT_SAVED: Final = (keys.ACTIVE, keys.PREVIEWS, keys.QUARANTINE, keys.VOICES)
"""Derived, made again in seconds, or of use to running processes only."""


class TooMuchIsGone(BadInput):
    """The store has lost most of what the last backup has."""


@dataclass(frozen=True)
class BackedUp:
    """What a backup has done so far.

    Attributes:
        objects: in the backup.
        size_bytes: their total size.
        copied: objects that were new or changed.
        copied_bytes: their total size.
        removed: objects that are no longer in the store.
    """

    objects: int = 0
    size_bytes: int = 0
    copied: int = 0
    copied_bytes: int = 0
    removed: int = 0


async def save(
    store: Store, folder: Path, *, allow_removal: bool = False, told: Callable[[BackedUp], None] = lambda _: None
) -> BackedUp:
    """Bring the backup in `folder` up to date with the store.

    Args:
        store: what is backed up.
        folder: of the backup; made if it is missing.
        allow_removal: also if most of the last backup is no longer in the store.
        told: called now and then.

    Raises:
        BadInput: the folder holds something else, or another backup is being made there.
        TooMuchIsGone: see `allow_removal`; the last complete backup is as it was.
        StoreDown: the store does not answer, or the folder cannot be written; what was copied is not copied again.
    """
    lock = await in_thread(lambda: contents.prepared(folder))
    try:
        backup = _Backup(store, folder, await in_thread(lambda: indexes.opened_next(folder)), told)
        try:
            await backup.run(allow_removal=allow_removal)
        finally:
            backup.index.close()
        await in_thread(lambda: indexes.completed(folder))
        await in_thread(lambda: contents.remove(folder, backup.unused))
    except OSError as error:
        raise StoreDown(
            f"The backup in {folder} cannot be written: {error.strerror or error}.",
            hint="Check the disk's space and the folder's permissions, and run it again: it goes on.",
        ) from error
    else:
        return backup.progress
    finally:
        os.close(lock)


class _Backup:
    def __init__(self, store: Store, folder: Path, index: Index, told: Callable[[BackedUp], None]) -> None:
        self.store, self.folder, self.index = store, folder, index
        self.progress = BackedUp()
        self.unused: list[str] = []
        self._told = told
        self._run = time.time_ns()

    async def run(self, *, allow_removal: bool) -> None:
        before = (await in_thread(self.index.total))[0]
        await self._copy(keys.JOBS, lambda key: key.endswith(_STATUS))
        await self._copy(keys.JOBS, lambda key: not key.endswith(_STATUS) and not keys.is_part(key))
        async for prefix in self._other_prefixes():
            await self._copy(prefix, lambda _: True)
        await self._copy(keys.AUDIO, lambda _: True)
        await self._drop_deleted()
        gone = await in_thread(lambda: self.index.gone(run=self._run))
        if gone > _FEW and gone * 2 > before and not allow_removal:
            raise TooMuchIsGone(
                f"{gone:,} of the {before:,} objects of the last backup are no longer in the store.",
                hint="If that is as it should be, use --allow-removal.",
            )
        await in_thread(lambda: self.index.forget_gone(run=self._run))
        self.unused = await in_thread(self.index.unused)
        await in_thread(lambda: self.index.note("store", self.store.url))
        await in_thread(lambda: self.index.note("finished_at", str(time.time())))
        objects, size_bytes = await in_thread(self.index.total)
        self.progress = replace(self.progress, objects=objects, size_bytes=size_bytes, removed=gone)

    async def _other_prefixes(self) -> AsyncIterator[str]:
        """Everything at the top of the store that has no order of its own."""
        after = ""
        while names := await self.store.folders("", after=after):
            for name in names:
                if f"{name}/" not in (keys.JOBS, keys.AUDIO, *_NOT_SAVED):
                    yield f"{name}/"
            after = names[-1]

    async def _copy(self, prefix: str, wanted: Callable[[str], bool]) -> None:
        after = ""
        while page := await self.store.entries(prefix, after=after):
            after = page[-1].key
            await self._copy_page([entry for entry in page if wanted(entry.key)])

    async def _copy_page(self, entries: list[Entry]) -> None:
        if not entries:
            return
        known = await in_thread(lambda: self.index.known([entry.key for entry in entries]))
        same = [known[entry.key] for entry in entries if _is_same(known.get(entry.key), entry)]
        changed = [entry for entry in entries if not _is_same(known.get(entry.key), entry)]
        copied = [saved for saved in await gathered(self._save, changed, at_a_time=_COPIES_AT_A_TIME) if saved]
        await in_thread(lambda: self.index.record([*same, *copied], run=self._run))
        self.progress = replace(
            self.progress,
            objects=self.progress.objects + len(same) + len(copied),
            copied=self.progress.copied + len(copied),
            copied_bytes=self.progress.copied_bytes + sum(saved.size_bytes for saved in copied),
        )
        self._told(self.progress)

    async def _save(self, entry: Entry) -> Saved | None:
        """Copy one object; None if it is gone by now."""
        copy = self.folder / f"{contents.PARTIAL}{secrets.token_hex(8)}"
        try:
            await self.store.get_file(entry.key, copy)
        except NotFound:
            return None
        digest, size_bytes = await in_thread(lambda: contents.take_in(self.folder, copy))
        # If it was replaced since it was listed, the tag is its predecessor's, and the next backup copies it again.
        return Saved(entry.key, size_bytes, entry.tag, digest)

    async def _drop_deleted(self) -> None:
        """Forget jobs that were deleted while they were copied: their mark is set before anything is removed."""
        async for mark in self.store.list(keys.DELETED):
            prefix = keys.job(mark.removeprefix(keys.DELETED))
            while page := await in_thread(partial(self.index.page, after="", prefix=prefix)):
                await in_thread(partial(self.index.forget, [saved.key for saved in page]))


def _is_same(saved: Saved | None, entry: Entry) -> bool:
    return saved is not None and entry.tag != "" and (saved.tag, saved.size_bytes) == (entry.tag, entry.size_bytes)
