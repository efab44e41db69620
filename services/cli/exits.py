"""Exit codes, and the message when a command fails.

0 done; 1 the job failed; 2 bad input or usage; 3 a server cannot be reached; 130 interrupted.
"""

from __future__ import annotations

import re
from typing import Final

import click

from shared.errors import BadInput, Conflict, Misconfigured, NotFound, Outage, Permanent, PodcastError
from shared.text import one_line

DONE: Final = 0
JOB_FAILED: Final = 1
BAD_INPUT: Final = 2
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130

DEBUG: Final = "podcast.debug"
"""In click's `Context.meta`: the command line has --debug."""


class JobFailed(Permanent):
    """The job has ended without success."""


class Interrupted(PodcastError):
    """A person or a supervisor stopped the command."""


def exit_code(error: BaseException) -> int:
    """The exit code for the error that ended a command."""
    match error:
        case click.Abort() | KeyboardInterrupt() | Interrupted():
            return INTERRUPTED
        case click.ClickException():
            return BAD_INPUT
        case BadInput() | Misconfigured() | NotFound() | Conflict():
            return BAD_INPUT
        case Outage():
            return UNREACHABLE
        case _:
            return JOB_FAILED


def sentence(error: BaseException) -> str:
    """One plain sentence, and what to do."""
    match error:
        case click.UsageError():
            context = error.ctx
            where = f" `{context.command_path} --help` lists what there is." if context else ""
            return f"{_ended(one_line(_without_brackets(error.format_message())))}{where}"
        case click.ClickException():
            return _ended(one_line(error.format_message()))
        case JobFailed():
            return str(error)  # several lines, put together from parts that are one line each
        case PodcastError():
            return one_line(str(error))
        case click.Abort() | KeyboardInterrupt():
            return "Interrupted."
        case _:
            return (
                f"An error inside the program: {type(error).__name__}: {one_line(str(error))}. "
                "The same command with --debug shows where; please report it."
            )


def debugging() -> bool:
    """Whether the current command was given --debug."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(DEBUG))


def _without_brackets(message: str) -> str:
    """Click's `No such command 'x'. (Did you mean one of: 'y', 'z'?)`, as two plain sentences."""
    return re.sub(r" \(Did you mean one of: ([^()]*\?)\)$", r" Did you mean one of \1", message)


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
