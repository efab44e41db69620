"""What a command needs of the system, however it is reached: over AMQP and the store, or over HTTP.

Each command has one body. It opens a `CommandBackend` and works with the models of `shared`, whichever backend it is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from services.cli.job_listing import Page
from shared.client.deleting import Removed
from shared.client.pruning import Pruned
from shared.client.submission import Draft
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobState, JobStatus, WorkRetried
from shared.protocol.preview import Preview

if TYPE_CHECKING:
    from shared.audio.stream_encoding import StreamFormat  # with numpy, which few commands need

Say = Callable[[str], None]
Retried = Callable[[WorkRetried], None]


@dataclass(frozen=True)
class HandedOver:
    """A job that was submitted.

    Attributes:
        job_id: its id.
        is_new: false if there was a job with this id already; it is left unchanged.
    """

    job_id: str
    is_new: bool = True


class CommandBackend(Protocol):
    """The system, for one command."""

    async def submit(self, draft: Draft, *, chosen_id: str | None) -> HandedOver:
        """Hand over a job; returns when the system has it.

        Args:
            draft: the job.
            chosen_id: the id that the user has chosen for it; None: whichever it gets.

        Raises:
            BadInput: it cannot be used.
            Outage: a server does not answer.
        """

    async def preview(self, draft: Draft) -> Preview:
        """What the job would speak; nothing is spoken, and there is no job.

        Raises:
            BadInput: its source cannot be read.
            Outage: a server does not answer.
        """

    async def status(self, job_id: str) -> JobStatus:
        """The status of a job that should exist.

        Raises:
            NotFound: there is no such job.
        """

    async def look(self, job_id: str) -> JobStatus | None:
        """The status of a job; None if there is none.

        Raises:
            UnreadableJob: it cannot be read.
        """

    def follow(self, job_id: str, *, retried: Retried, say: Say) -> AsyncIterator[JobStatus]:
        """Each new status of a job; ends after the one with which the job ended.

        Args:
            job_id: of a job that exists.
            retried: called when a service announces that it will try again.
            say: called with a message when a server stops answering.

        Raises:
            DeadlineExceeded: the job outlived its own deadline.
            Outage: a server was down for too long.
        """

    async def manifest(self, job_id: str) -> Manifest | None:
        """What the job's text was split into; None if it has not got that far."""

    async def cancel(self, job_id: str, *, reason: str) -> None:
        """Ask that a job is stopped. The request arrives even if this command has lost its connections."""

    async def resume(self, job_id: str) -> None:
        """Ask that a failed or cancelled job goes on."""

    async def page(self, *, limit: int, before: str, states: frozenset[JobState] | None) -> Page:
        """One page of the jobs, newest first.

        Args:
            limit: how many at most.
            before: where to go on: `next` of the page before, or a job's id; empty: from the newest on.
            states: only jobs in these states; None: all.
        """

    async def delete(self, job_id: str) -> Removed | None:
        """Remove a job that has ended; returns what was removed, if that is known.

        Raises:
            NotFound: there is no such job.
            NotEnded: it has not ended.
        """

    async def prune(self, *, older_than_seconds: float, dry_run: bool) -> Pruned:
        """Remove jobs that ended long ago, and audio that no job refers to."""

    async def fetch(self, files: Mapping[str, Path], status: JobStatus) -> bool:
        """Copy files of a job (kind → path) to here: all of them, or none.

        Returns:
            Whether their folder was missing and has been created.

        Raises:
            NotFound: one is missing.
            BadInput: they cannot be written.
        """

    async def fetch_chapters(self, folder: Path, status: JobStatus) -> list[Path]:
        """The files of a job's chapters, put into a folder: all of them, or none. Returns where they are.

        Raises:
            NotFound: the job made none.
            BadInput: they cannot be written.
        """

    def spoken(self, job_id: str, audio_format: StreamFormat) -> AsyncGenerator[bytes, None]:
        """The job's audio in order, while it is spoken: what is there at once, the rest as it comes.

        Raises:
            PodcastError: it cannot be spoken to its end; what came before has been sent.
        """

    async def hls(self, job_id: str, name: str, *, awaited: int) -> bytes:
        """A file of the job's HLS stream, by the name that the playlist gives it; `index.m3u8` is the playlist.

        Raises:
            NotFound: there is none of this name.
            PodcastError: it cannot be had now.
        """

    async def check_engine(self, engine: str) -> None:
        """Check that a speech server has an engine, so that a job may name it as its model.

        Raises:
            BadInput: none of them has it, or they do not say.
        """
