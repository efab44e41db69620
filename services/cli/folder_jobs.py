"""Makes an episode of each file of a watched folder, exactly once.

What is done is derived, not remembered: the job's id is a digest of the content and the options, and a file stays where
it is until its episode, or the reason why there is none, lies in `done/` or `failed/`. So whenever this is killed, the
next one goes on: the same file is the same job.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from services.cli import exits, folder_files, following, summary
from services.cli.backends.port import CommandBackend
from services.cli.folder_files import DONE, ERROR_SUFFIX, FAILED, SeenFile
from services.cli.progress_display import Silence
from shared.client import fetching, submission
from shared.client.documents import document
from shared.client.submission import Order
from shared.deadlines import in_thread
from shared.errors import BadInput, PodcastError, Transient
from shared.protocol.messages import JobStatus, SourceFormat
from shared.settings import Settings

_RESUME_SECONDS: Final = 30.0

Opened = Callable[[], AbstractAsyncContextManager[CommandBackend]]


@dataclass(frozen=True)
class FolderJobs:
    """How the files of a folder become episodes.

    Attributes:
        folder: that is watched.
        order: the options, the same for all.
        source_format: of all files; None: each by its name and content.
        settings: limits.
        opened: reaches the system; called for each file, so that a restarted system is found again.
    """

    folder: Path
    order: Order
    source_format: SourceFormat | None
    settings: Settings
    opened: Opened

    async def make(self, found: SeenFile) -> bool | None:
        """Make the episode of a file, and move the file away.

        Returns:
            Whether there is an episode; None: the file has changed meanwhile and is another one now.

        Raises:
            Transient: a server is down, so the file waits.
        """
        try:
            status, outputs = await self._spoken(found)
        except Transient:
            raise
        except PodcastError as error:
            return await in_thread(partial(self._moved, found, FAILED, str(error)))
        if status is None:
            return None
        if status.state != "completed":
            return await in_thread(partial(self._moved, found, FAILED, summary.failure(status)))
        return await in_thread(partial(self._moved, found, DONE, "", next(iter(outputs.values())).name))

    async def _spoken(self, found: SeenFile) -> tuple[JobStatus | None, dict[str, Path]]:
        content = await in_thread(partial(_read, found, self.settings.source_limit_bytes))
        if content is None:
            return None, {}
        job_id = self._job_id(found.path, content)
        source = document(
            found.path.name,
            content,
            limit_bytes=self.settings.source_limit_bytes,
            source_format=self.source_format,
        )
        order = replace(self.order, job_id=job_id)
        limit = self.settings.text_limit_characters
        draft = await in_thread(partial(submission.draft, order, source, text_limit_characters=limit))
        done = self.folder / DONE
        stem = await in_thread(partial(folder_files.free_stem, done, found.path))
        outputs: dict[str, Path] = {kind: fetching.beside(done / f"{stem}.x", kind) for kind in order.formats}
        async with self.opened() as backend:
            before = await backend.look(job_id)
            if before is not None and before.state == "failed":
                await backend.resume(job_id)  # whoever puts a file there again wants it tried again
                await _until_resumed(backend, before)
            # Not `rendered`, which cancels the job when this command is stopped: the next one goes on with it.
            job = await backend.submit(draft, chosen_id=job_id)
            status = await following.followed(job.job_id, backend, Silence())
            if await in_thread(partial(folder_files.seen, found.path)) != found:
                return None, {}
            if status.state == "completed":
                await backend.fetch(outputs, status)
        return status, outputs

    def _job_id(self, path: Path, content: bytes) -> str:
        """The same for the same content with the same options."""
        options: dict[str, Any] = asdict(replace(self.order, narration=self.order.narration.model_copy()))
        options["narration"] = self.order.narration.model_dump(mode="json", exclude_defaults=True)
        about = json.dumps([options, self.source_format, path.suffix.lower()], sort_keys=True, default=str)
        return f"folder-{hashlib.sha256(about.encode() + content).hexdigest()[:48]}"

    def _moved(self, found: SeenFile, to: str, why: str, made: str = "") -> bool | None:
        """Move a file to where its outcome is; the outcome is there first."""
        folder = self.folder / to
        stem = Path(made).stem if made else folder_files.free_stem(folder, found.path)
        if why:
            folder_files.put(folder / f"{stem}{ERROR_SUFFIX}", f"{why}\n")
        if folder_files.seen(found.path) != found:
            return None
        folder_files.move(found.path, folder / f"{stem}{found.path.suffix}")
        return not why


def _read(found: SeenFile, limit_bytes: int) -> bytes | None:
    """The content; None if it is not the file that was seen.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        with found.path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{found.path} cannot be read: {error.strerror or error}.") from error
    return content if folder_files.seen(found.path) == found else None


async def _until_resumed(backend: CommandBackend, before: JobStatus) -> None:
    """Wait until the coordinator has taken the job up again, or its old end would be taken for the new one."""
    try:
        async with asyncio.timeout(_RESUME_SECONDS):
            while True:
                status = await backend.look(before.job_id)
                if status is None or (status.state, status.resumed_at) != (before.state, before.resumed_at):
                    return
                await asyncio.sleep(0.2)
    except TimeoutError as error:
        raise exits.JobFailed("The failed job of this file was not taken up again.") from error
