"""`stack.env`: lines of `NAME=value` that a shell reads (`set -a; . DIR/stack.env`) as this module does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from deploy.local.files import write_private
from shared.errors import BadInput, Misconfigured

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def read_env(path: Path) -> dict[str, str]:
    """The variables in the file; none if there is no file.

    Raises:
        Misconfigured: a line is no plain assignment.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, text = line.strip().partition("=")
        try:
            words = shlex.split(text, comments=False)
        except ValueError:
            words = ["", ""]
        if not equals or not _NAME.fullmatch(name) or len(words) > 1:
            raise Misconfigured(f"Line {number} of {path} is no NAME=value.", hint="Correct it, with quotes if needed.")
        found[name] = words[0] if words else ""
    return found


def write_env(path: Path, variables: Mapping[str, str], *, heading: str) -> None:
    """Replace the file.

    Args:
        path: the file.
        variables: in the order in which they are written.
        heading: comment lines, each beginning with `#`.

    Raises:
        BadInput: a value has a line end, which cannot be written here.
    """
    for name, value in variables.items():
        if any(character in value for character in "\r\n\0"):
            raise BadInput(f"The value of {name} has more than one line.", hint="Give one line.")
    lines = [f"{name}={shlex.quote(value) if value else ''}" for name, value in variables.items()]
    write_private(path, "\n".join([heading.rstrip("\n"), *lines, ""]))
