"""The one place where commands print. What a document, a message or a server has put into it is only text there.

Fields that belong on one line are made so where the line is put together (`shared.text.printable`), since here a line
end of ours cannot be told from a stranger's.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

import click

from shared.text import json_text, printable


def say(text: str) -> None:
    """Print what the command was asked for, on stdout."""
    click.echo(printable(text, keep_newlines=True))


def note(text: str) -> None:
    """Print what a person should know besides, on stderr."""
    click.echo(printable(text, keep_newlines=True), err=True)


def say_json(document: Any, *, indent: int | None = 2) -> None:
    """Print a JSON document on stdout."""
    click.echo(json_text(document, indent=indent))


def say_traceback(error: BaseException) -> None:
    """Print where an error comes from, on stderr; its message may be a stranger's."""
    note("".join(traceback.format_exception(error)).rstrip("\n"))


def survive_any_encoding() -> None:
    """Let a terminal that cannot show a letter show its escape instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
