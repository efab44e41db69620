"""What a person sees while a job is under way, on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final, Protocol, Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared.protocol.messages import JobState, JobStatus

_LINE_INTERVAL_SECONDS: Final = 10.0
_RATE_FROM_SECONDS: Final = 1.0

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
    """Shows how a job goes; a context manager."""

    def show(self, status: JobStatus) -> None:
        """The job's newest status."""

    def say(self, line: str) -> None:
        """Something else that a person should know."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


def display(*, quiet: bool) -> Display:
    """The display that fits to where stderr goes."""
    if quiet:
        return Silence()
    return Bar() if sys.stderr.isatty() else Lines()


def length(seconds: float) -> str:
    """A length of time for people: `42 s`, `3 min 05 s`, `1 h 02 min`."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{whole} s"
    if whole < 3_600:  # noqa: PLR2004 - seconds of an hour
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3_600} h {whole % 3_600 // 60:02} min"


class Remaining:
    """Estimates how long speaking will still take, from the chunks that came back since it began to look."""

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None

    def seconds(self, status: JobStatus, now: float) -> float | None:
        """The estimate; None while there is nothing to base one on."""
        counts = status.chunks
        finished = counts.done + counts.failed
        if status.state != "synthesizing":
            return None
        if self._start is None:
            self._start = (now, finished)
        since, before = self._start
        if finished <= before or now - since < _RATE_FROM_SECONDS:
            return None
        return (counts.total - finished) * (now - since) / (finished - before)


class Silence:
    """Shows nothing."""

    def show(self, status: JobStatus) -> None:
        """Nothing."""

    def say(self, line: str) -> None:
        """Nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None


class Lines(Silence):
    """A line at each change of state, and one every few seconds while it speaks."""

    def __init__(self) -> None:
        self._state: JobState | None = None
        self._last = 0.0
        self._remaining = Remaining()

    def show(self, status: JobStatus) -> None:
        """Print a line if there is something new to say."""
        now = time.monotonic()
        remaining = self._remaining.seconds(status, now)
        if status.state == self._state and now - self._last < _LINE_INTERVAL_SECONDS:
            return
        self._state, self._last = status.state, now
        self.say(_line(status, remaining))

    def say(self, line: str) -> None:
        """Print it."""
        click.echo(line, err=True)


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
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, audio="", left="", visible=False)
        self._remaining = Remaining()

    def show(self, status: JobStatus) -> None:
        """Draw the bar anew."""
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

    def say(self, line: str) -> None:
        """Print it above the bar."""
        self._console.print(line, markup=False, style="dim")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()


def _line(status: JobStatus, remaining: float | None) -> str:
    counts = status.chunks
    parts = [DOING[status.state]]
    if counts.total:
        failed = f" ({counts.failed} failed)" if counts.failed else ""
        parts.append(f"{counts.done} of {counts.total} chunks{failed}, {length(status.audio_seconds)} of audio")
    if remaining is not None:
        parts.append(f"about {length(remaining)} left")
    return ", ".join(parts)
