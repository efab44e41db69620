"""The marks above a paragraph or a title of a plan: `{heading speaker="Anna Brandt" language=de}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from shared.protocol.narration import LANGUAGE_LIMIT_CHARACTERS, LANGUAGE_PATTERN

FLAGS: Final = ("heading", "unspoken")
VALUES: Final = ("speaker", "language")
KNOWN: Final = ", ".join((*FLAGS, *(f"{name}=…" for name in VALUES)))

_MARK: Final = re.compile(r'\s*(?:(\w+)=(?:"((?:[^"\\]|\\.)*+)"|([\w.-]+))|(\w+))(?=\s|$)')
_BARE: Final = re.compile(r"[\w.-]+")
_SPEAKER: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f:=]{1,64}")
"""As in `shared.protocol.narration.SpeakerName`."""


def parse(line: str) -> dict[str, str]:
    """The marks in a line: name → value; a flag has the value "".

    Raises:
        ValueError: why they are not understood.
    """
    if not line.endswith("}"):
        raise ValueError("the marks have no } at the end")
    inside, at = line[1:-1].rstrip(), 0
    marks: dict[str, str] = {}
    while at < len(inside):
        found = _MARK.match(inside, at)
        if found is None:
            raise ValueError("the marks are not understood")
        name, quoted, bare, flag = found.groups()
        if (flag or name) not in (FLAGS if flag else VALUES):
            raise ValueError(f"there is no mark {flag or name}")
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare or ""
        if name == "language" and not is_language(value):
            raise ValueError(f"{value or 'nothing'} is no language tag")
        if name == "speaker" and not _SPEAKER.fullmatch(value):
            raise ValueError(f"{value or 'nothing'} cannot be a speaker's name")
        marks[flag or name] = value
        at = found.end()
    return marks


def write(flag: str, values: Mapping[str, str | None]) -> list[str]:
    """The line with these marks, if there are any."""
    parts = [flag] if flag else []
    parts += [f"{name}={_value(value)}" for name, value in values.items() if value is not None]
    return [f"{{{' '.join(parts)}}}"] if parts else []


def is_language(tag: str) -> bool:
    """Whether it is a language tag, as far as it is checked."""
    return len(tag) <= LANGUAGE_LIMIT_CHARACTERS and re.fullmatch(LANGUAGE_PATTERN, tag) is not None


def _value(value: str) -> str:
    if _BARE.fullmatch(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
