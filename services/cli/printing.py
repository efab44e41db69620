"""The only place where commands print. Content from a document, a message or a server is printed as plain text.

Fields that belong on one line are reduced to one where the line is put together (`shared.text.printable`), since here
our own line ends cannot be told from a stranger's.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

import click

from shared.text import json_text, printable


def say(text: str) -> None:
    """Print the command's result on stdout."""
    click.echo(printable(text, keep_newlines=True))


def note(text: str) -> None:
    """Print additional information for people on stderr."""
    click.echo(printable(text, keep_newlines=True), err=True)


def say_json(document: Any, *, indent: int | None = 2) -> None:
    """Print a JSON document on stdout."""
    click.echo(json_text(document, indent=indent))


def say_traceback(error: BaseException) -> None:
    """Print where an error comes from, on stderr; its message may contain untrusted text."""
    note("".join(traceback.format_exception(error)).rstrip("\n"))


def survive_any_encoding() -> None:
    """Print an escape for a character that the terminal cannot show, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
