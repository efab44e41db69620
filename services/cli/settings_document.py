"""Writes docs/settings.md from `shared.settings`: `python -m services.cli.settings_document > docs/settings.md`."""

from __future__ import annotations

import sys
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from shared.settings import PREFIX, Settings

_INTRODUCTION = f"""\
# Settings

<!-- Written by `python -m services.cli.settings_document > docs/settings.md`; a test fails when it is stale. -->

Every setting is an environment variable. `{PREFIX}<NAME>_FILE` may name a file that holds the value instead, which is
where secrets belong. What is set in a variable goes before what is in a file. Each service reads those that concern it;
`podcast up` and `podcast render` hand theirs on to the services that they start.

| Variable | Default | Values | Meaning |
|---|---|---|---|
"""
_BOUNDS = ((Ge, "ge", "≥"), (Gt, "gt", ">"), (Le, "le", "≤"), (Lt, "lt", "<"))


def document() -> str:
    """The page."""
    return _INTRODUCTION + "".join(_row(name, field) for name, field in Settings.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    default = field.default
    shown = "" if default == "" else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    cells = (f"`{PREFIX}{name.upper()}`", shown, _values(field), field.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _values(field: FieldInfo) -> str:
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    bounds = [
        f"{sign} {getattr(constraint, attribute)}"
        for constraint in field.metadata
        for of_kind, attribute, sign in _BOUNDS
        if isinstance(constraint, of_kind)
    ]
    names = {int: "whole number", float: "number", str: "text", bool: "`true`, `false`"}
    return ", ".join([names.get(kind, "path"), *bounds])


if __name__ == "__main__":
    sys.stdout.write(document())
