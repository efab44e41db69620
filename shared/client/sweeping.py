"""Removes audio that no job refers to any more: mark what the manifests name, then sweep the rest.

Jobs share audio (equal paragraphs have equal keys), so no job owns it and none can remove it. Jobs may run meanwhile:

- A job's audio is written after its manifest, which names it. Recently written audio is not considered (the safe age
  is longer than any job takes), so audio that was made for a running job is not swept.
- A new job may find and rely on audio of a deleted job. So the manifests of running jobs are read again just
  before the deletions. A manifest that appears just after that may name audio which is then swept. The assembler finds
  it missing and reports the chunk lost (`chunk.lost`), and it is spoken again. A race may cost some calls, but never
  the episode, since the assembler proves each episode complete.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterable
from typing import Final

from shared.client.deleting import Removed, delete_all, total
from shared.client.job_pages import ids_of
from shared.concurrency import gathered
from shared.errors import NotFound
from shared.store import keys
from shared.store.port import Entry, Store

SAFE_MARGIN_SECONDS: Final = 3_600.0
"""Allows for clocks that differ, and for work still in flight when a job reaches its deadline."""
_PORTION: Final = 50_000
"""Objects considered at a time, to bound memory; each portion requires reading every manifest."""
_MANIFESTS_AT_A_TIME: Final = 4
_NAMED = re.compile(rb"audio/([0-9A-Za-z_-]+)")
"""Searched for in the bytes of a manifest, not in its fields, so that audio is kept even if this version cannot read
the manifest or does not know the field that names the audio."""


async def sweep(
    store: Store, *, safe_age_seconds: float, dry_run: bool = False, without: frozenset[str] = frozenset()
) -> Removed:
    """Delete the audio that no manifest names.

    Args:
        store: where it is.
        safe_age_seconds: younger audio is kept; a job's deadline plus `SAFE_MARGIN_SECONDS`.
        dry_run: delete nothing.
        without: ids of jobs to treat as deleted.

    Returns:
        What was deleted, or would be.

    Raises:
        StoreDown: the store does not answer. If a manifest could not be read, nothing was deleted.
    """
    before = time.time() - safe_age_seconds
    removed = Removed()
    async for portion in _old_audio(store, before):
        unnamed: dict[str, list[Entry]] = {}
        for entry in portion:
            unnamed.setdefault(_digest(entry.key), []).append(entry)
        await _keep_named(store, unnamed, [job_id async for job_id in ids_of(store) if job_id not in without])
        if not dry_run:
            active = [key.removeprefix(keys.ACTIVE) async for key in store.list(keys.ACTIVE)]
            await _keep_named(store, unnamed, active)
        doomed = [entry for entries in unnamed.values() for entry in entries]
        if not dry_run:
            await delete_all(store, [entry.key for entry in doomed])
        removed += total(doomed)
    return removed


def _digest(key: str) -> str:
    """The digest shared by all audio of one chunk: `audio/<digest>.flac`, `audio/<digest>/…`."""
    found = _NAMED.match(key.encode())
    return found[1].decode() if found else key


async def _old_audio(store: Store, before: float) -> AsyncIterator[list[Entry]]:
    """Audio that was written before this moment, in portions."""
    portion: list[Entry] = []
    after = ""
    while page := await store.entries(keys.AUDIO, after=after):
        after = page[-1].key
        portion += [entry for entry in page if entry.modified < before]
        if len(portion) >= _PORTION:
            yield portion
            portion = []
    if portion:
        yield portion


async def _keep_named(store: Store, candidates: dict[str, list[Entry]], ids: Iterable[str]) -> None:
    """Remove from the candidates what the manifests of these jobs name."""

    async def read(job_id: str) -> None:
        for key in (keys.manifest(job_id), keys.corrected_manifest(job_id)):
            try:
                manifest = await store.get(key)
            except NotFound:
                return
            for named in _NAMED.finditer(manifest):
                candidates.pop(named[1].decode(), None)

    await gathered(read, ids, at_a_time=_MANIFESTS_AT_A_TIME)
