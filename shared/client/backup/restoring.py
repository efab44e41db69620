"""Restores a backup into an empty store, and verifies every content on the way.

Jobs come last, and of them the marks below `active/` last of all: a coordinator that runs meanwhile finds a job when
everything that belongs to it is there. A job that has not ended gets its mark and a fresh deadline, as if it had been
resumed; the coordinator then requests what is missing, whatever was in the queues of the lost broker.
"""

from __future__ import annotations

import json
import mimetypes
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
from shared.errors import BadInput, NotFound
from shared.protocol.messages import TERMINAL_STATES
from shared.store import keys
from shared.store.port import Store

_COPIES_AT_A_TIME: Final = 8
_DAMAGED_SHOWN: Final = 20
_STATUS: Final = "/status.json"
_REQUEST: Final = "/request.json"
_UNKNOWN_TYPE: Final = "application/octet-stream"


class NotEmpty(BadInput):
    """The store has jobs already."""


@dataclass(frozen=True)
class Restored:
    """What a restore has done so far.

    Attributes:
        objects: written.
        size_bytes: their total size.
        kept: objects that were in the store already; they were left as they are.
        unfinished: jobs that go on.
        damaged: objects whose content in the backup is not what was saved; they were left out. At most the first few.
        damaged_count: how many.
    """

    objects: int = 0
    size_bytes: int = 0
    kept: int = 0
    unfinished: int = 0
    damaged: tuple[str, ...] = ()
    damaged_count: int = 0


async def restore(
    folder: Path, store: Store, *, into_used: bool = False, told: Callable[[Restored], None] = lambda _: None
) -> Restored:
    """Write everything that the last complete backup has into the store.

    A restore that was interrupted is continued by the next one. Nothing that is in the store is replaced.

    Args:
        folder: of the backup.
        store: an empty one.
        into_used: also into a store that has jobs.
        told: called now and then.

    Raises:
        BadInput: the folder has no complete backup.
        NotEmpty: see `into_used`.
        StoreDown: the store does not answer; run it again.
    """
    path = folder / indexes.COMPLETE
    if not path.is_file():
        raise BadInput(f"{folder} has no complete backup.", hint="Name a folder that `podcast backup` has finished.")
    index = await in_thread(lambda: Index(path, read_only=True))
    try:
        return await _Restore(folder, index, store, told).run(into_used=into_used)
    finally:
        index.close()


class _Restore:
    def __init__(self, folder: Path, index: Index, store: Store, told: Callable[[Restored], None]) -> None:
        self.folder, self.index, self.store = folder, index, store
        self.done = Restored()
        self._told = told
        self._is_new = False

    async def run(self, *, into_used: bool) -> Restored:
        await self.store.ping()
        await self._begin(into_used=into_used)
        await self._write(lambda key: not key.startswith(keys.JOBS))
        await self._write(lambda key: key.startswith(keys.JOBS) and not key.endswith(_STATUS))
        await self._write(lambda key: key.startswith(keys.JOBS) and key.endswith(_STATUS))
        await self._mark_unfinished()
        await self.store.delete(keys.RESTORE)
        return self.done

    async def _begin(self, *, into_used: bool) -> None:
        """Note in the store that it is being restored, so that an interrupted restore can go on."""
        own = (await in_thread(lambda: self.index.fact("finished_at"))).encode()
        try:
            begun: bytes | None = await self.store.get(keys.RESTORE)
        except NotFound:
            begun = None
        is_empty = not await self.store.folders(keys.JOBS, limit=1)
        if begun != own and not is_empty and not into_used:
            raise NotEmpty(
                "The store has jobs already.",
                hint="Restore into an empty one; --into-used adds what is missing and replaces nothing.",
            )
        self._is_new = begun is None and is_empty
        await self.store.put(keys.RESTORE, own)

    async def _pages(self, prefix: str = "") -> AsyncIterator[list[Saved]]:
        after = ""
        while page := await in_thread(partial(self.index.page, after=after, prefix=prefix)):
            yield page
            after = page[-1].key

    async def _write(self, wanted: Callable[[str], bool]) -> None:
        async for page in self._pages():
            await gathered(self._put, [saved for saved in page if wanted(saved.key)], at_a_time=_COPIES_AT_A_TIME)
            self._told(self.done)

    async def _put(self, saved: Saved) -> None:
        if not self._is_new and await self.store.exists(saved.key):
            self.done = replace(self.done, kept=self.done.kept + 1)
            return
        if not await in_thread(lambda: contents.is_intact(self.folder, saved.sha256)):
            count = self.done.damaged_count + 1
            shown = (*self.done.damaged, saved.key)[:_DAMAGED_SHOWN]
            self.done = replace(self.done, damaged=shown, damaged_count=count)
            return
        path = contents.path_of(self.folder, saved.sha256)
        kind = mimetypes.guess_type(saved.key)[0] or _UNKNOWN_TYPE
        if saved.key.endswith(_STATUS):
            await self.store.put(saved.key, await in_thread(lambda: _resumed(path)), content_type=kind)
        else:
            await self.store.put_file(saved.key, path, content_type=kind)
        self.done = replace(
            self.done, objects=self.done.objects + 1, size_bytes=self.done.size_bytes + saved.size_bytes
        )

    async def _mark_unfinished(self) -> None:
        """Mark every job that has not ended, whether a coordinator had taken it or not."""
        async for page in self._pages(keys.JOBS):
            await gathered(self._mark, page, at_a_time=_COPIES_AT_A_TIME)

    async def _mark(self, saved: Saved) -> None:
        job_id = saved.key.removeprefix(keys.JOBS).partition("/")[0]
        if saved.key == keys.status(job_id):
            path = contents.path_of(self.folder, saved.sha256)
            if await in_thread(lambda: _state(path)) in TERMINAL_STATES:
                return
        elif saved.key == keys.request(job_id):
            if await in_thread(lambda: self.index.known([keys.status(job_id)])):
                return
        else:
            return
        await self.store.put(keys.active(job_id), b"")
        self.done = replace(self.done, unfinished=self.done.unfinished + 1)


def _document(path: Path) -> dict[str, object]:
    """A status, with the fields that a later version may have added; empty if it cannot be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _state(path: Path) -> object:
    return _document(path).get("state")


def _resumed(path: Path) -> bytes:
    """A job's status; of one that has not ended with a fresh deadline."""
    document = _document(path)
    if not document or document.get("state") in TERMINAL_STATES:
        return path.read_bytes()
    return json.dumps({**document, "resumed_at": time.time()}, ensure_ascii=False).encode()
