"""Shows the progress of a job on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from services.cli import printing
from services.cli.columns import fitted
from services.cli.durations import Remaining, length
from shared.protocol.messages import JobState, JobStatus, WorkRetried
from shared.text import one_line

_LINE_INTERVAL_SECONDS: Final = 10.0
_TROUBLE_LINES: Final = 2

DOING: Final[dict[JobState, str]] = {
    "queued": "waiting for the services",
    "chunking": "reading the text",
    "synthesizing": "speaking",
    "assembling": "putting the episode together",
    "completed": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}


class Display(Protocol):
    """Shows the progress of a job; a context manager."""

    def show(self, status: JobStatus) -> None:
        """Show the job's latest status."""

    def retried(self, event: WorkRetried) -> None:
        """Show that some of its work will be retried."""

    def say(self, line: str) -> None:
        """Show other information for people."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


def display(*, quiet: bool) -> Display:
    """The display that suits the target of stderr."""
    if quiet:
        return Silence()
    return Bar() if sys.stderr.isatty() else Lines()


class Silence:
    """Shows nothing."""

    def show(self, status: JobStatus) -> None:
        """Nothing."""

    def retried(self, event: WorkRetried) -> None:
        """Nothing."""

    def say(self, line: str) -> None:
        """Nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None


class Lines(Silence):
    """A line at each change of state, and one every few seconds during synthesis."""

    def __init__(self) -> None:
        self._state: JobState | None = None
        self._last = 0.0
        self._remaining = Remaining()
        self._trouble = ""
        self._done: tuple[JobState, int] | None = None

    def show(self, status: JobStatus) -> None:
        """Print a line if there is something new."""
        progress = (status.state, status.chunks.done)
        if progress != self._done:
            self._done, self._trouble = progress, ""
        now = time.monotonic()
        remaining = self._remaining.seconds(status, now)
        if status.state == self._state and now - self._last < _LINE_INTERVAL_SECONDS:
            return
        self._state, self._last = status.state, now
        self.say(_line(status, remaining))

    def retried(self, event: WorkRetried) -> None:
        """Print a line when the problem is a different one, or continues after some progress."""
        if event.reason != self._trouble or time.monotonic() - self._last >= _LINE_INTERVAL_SECONDS:
            self._trouble, self._last = event.reason, time.monotonic()
            self.say(trouble(event))

    def say(self, line: str) -> None:
        """Print it."""
        printing.note(line)


class Bar:
    """A progress bar."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("chunks  {task.fields[audio]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self._task = self._progress.add_task("", total=None, audio="", left="", visible=False)
        self._trouble = Text("", style="yellow")
        self._done: tuple[JobState, int] | None = None
        self._live = Live(
            Group(self._progress, self._trouble), console=self._console, transient=True, refresh_per_second=8
        )
        self._remaining = Remaining()

    def show(self, status: JobStatus) -> None:
        """Redraw the bar."""
        progress = (status.state, status.chunks.done)
        if progress != self._done:
            self._done, self._trouble.plain = progress, ""
        remaining = self._remaining.seconds(status, time.monotonic())
        self._progress.update(
            self._task,
            description=DOING[status.state],
            total=status.chunks.total or None,
            completed=status.chunks.done,
            audio=f"{length(status.audio_seconds)} of audio",
            left="" if remaining is None else f"about {length(remaining)} left",
            visible=True,
        )

    def retried(self, event: WorkRetried) -> None:
        """Show the problem below the bar, until there is progress."""
        self._trouble.plain = trouble(event, columns=_TROUBLE_LINES * self._console.width)

    def say(self, line: str) -> None:
        """Print the line above the bar."""
        self._console.print(one_line(line), markup=False, style="dim")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()


def trouble(event: WorkRetried, *, columns: int = 1_000) -> str:
    """Why a job is waiting: the reason, how often it was tried, and when it is tried again.

    Args:
        event: the event that a service published.
        columns: the available width on a terminal; the reason is shortened to fit, the numbers are not.
    """
    tries = "once" if event.tries == 1 else f"{event.tries} times"
    numbers = f"; tried {tries}, next in {length(max(event.next_seconds, 1.0))}"
    return fitted(one_line(event.reason).rstrip("."), columns - len(numbers)) + numbers


def _line(status: JobStatus, remaining: float | None) -> str:
    counts = status.chunks
    parts = [DOING[status.state]]
    if counts.total:
        failed = f" ({counts.failed} failed)" if counts.failed else ""
        parts.append(f"{counts.done} of {counts.total} chunks{failed}, {length(status.audio_seconds)} of audio")
    if remaining is not None:
        parts.append(f"about {length(remaining)} left")
    return ", ".join(parts)
