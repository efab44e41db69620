"""Which keys an object can have, whatever the back end: those that a folder and an S3 bucket can both hold.

A key may come from a stranger's message, so a key that no store can hold is bad input. It is neither an outage, which
would be retried for ever, nor an object that happens not to exist.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from shared.errors import BadInput

KEY_LIMIT_BYTES: Final = 1_024
"""S3's limit (Amazon S3 user guide, "Naming Amazon S3 objects")."""
PART_LIMIT_BYTES: Final = 255
"""The longest file name on Linux (NAME_MAX), and of MinIO, which keeps objects in folders too."""
PARTIAL: Final = ".partial-"
"""Prefix of the name of a file that is still being written; no part of a key may begin with it."""
LOCKS: Final = ".locks"
"""The folder for the folder store's lock files; no part of a key may have this name."""


def checked(key: str) -> str:
    """The key, if an object can have it.

    Raises:
        BadInput: it cannot.
    """
    problem = _problem(key, key.split("/"))
    if problem:
        raise _bad(key, problem)
    return key


def checked_prefix(prefix: str) -> str:
    """The prefix, if keys can begin with it; it may end anywhere in a key, and may be empty.

    Raises:
        BadInput: no key can begin with it.
    """
    *folders, _ = prefix.split("/")
    problem = _problem(prefix, folders)
    if problem:
        raise _bad(prefix, problem)
    return prefix


def _bad(key: str, problem: str) -> BadInput:
    shown = ascii(key if len(key) <= 80 else f"{key[:80]}…")  # noqa: PLR2004 - as much as a line of a report holds
    return BadInput(f"The store cannot hold an object called {shown}: {problem}.", hint="Use another name.")


def _problem(key: str, parts: list[str]) -> str:
    """Why no object can have this key; empty if one can."""
    try:
        size_bytes = len(key.encode())
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    if size_bytes > KEY_LIMIT_BYTES:
        return f"it has {size_bytes:,} bytes and {KEY_LIMIT_BYTES:,} are the limit"
    if any(unicodedata.category(character) == "Cc" for character in key):
        return "it holds a control character"
    for part in parts:
        if part in {"", ".", "..", LOCKS} or part.startswith(PARTIAL):
            return f"{part!r} cannot be a part of its path" if part else "a part of its path is empty"
        if len(part.encode()) > PART_LIMIT_BYTES:
            return f"a part of its path is over {PART_LIMIT_BYTES} bytes"
    return ""
