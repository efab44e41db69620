"""SOURCE… and `--plan`: what `render` and `submit` are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from shared.errors import BadInput

Function = TypeVar("Function", bound=Callable[..., Any])

_OF_ONE: Final = {"job_id": "--id", "title": "--title", "episode": "--episode", "again": "--again"}
"""Options that can be true of one episode alone."""


def several(command: Function) -> Function:
    """One or more sources, or a plan."""
    plan = click.option(
        "--plan",
        metavar="FILE",
        help="Speak this plan, which `podcast preview --plan` has written.",
    )
    return click.argument("sources", nargs=-1, metavar="SOURCE...")(plan(command))


def checked(sources: tuple[str, ...], options: dict[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The sources, with the plan as one, and the options without it.

    Raises:
        click.UsageError: there is none.
        BadInput: the options fit no several sources.
    """
    options = dict(options)
    plan: str | None = options.pop("plan")
    if plan is not None:
        if sources:
            raise BadInput("--plan and a SOURCE are two things to speak.", hint="Give one of them.")
        if options["source_format"] not in {None, "plan"}:
            raise BadInput("--plan names a plan, and --source-format another format.", hint="Leave out one of them.")
        return (plan,), {**options, "source_format": "plan"}
    if not sources:
        raise click.UsageError("Missing argument 'SOURCE...'.", ctx=click.get_current_context(silent=True))
    if len(sources) > 1:
        for name, option in _OF_ONE.items():
            if options[name] is not None:
                raise BadInput(f"{option} cannot be the same for {len(sources)} sources.", hint="Leave it out.")
        if sources.count("-") > 1:
            raise BadInput("- is there twice, but there is one stdin.", hint="Name it once.")
    return sources, options
