"""Calls the program `docker`, each call under a deadline, each failure with a name."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from shared.errors import Misconfigured, Outage, Permanent
from shared.text import one_line, shortened

_CALL_SECONDS: Final = 60.0
_REASON_CHARACTERS: Final = 600


class DockerFailed(Permanent):
    """`docker` refused."""


def docker(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    seconds: float = _CALL_SECONDS,
    input_text: str | None = None,
) -> str:
    """Run `docker` with these arguments.

    Args:
        *arguments: its arguments.
        env: variables besides those of this process.
        seconds: the deadline; then it is ended.
        input_text: its standard input.

    Returns:
        What it printed on stdout.

    Raises:
        Misconfigured: the program is not installed, or is too old for the command.
        Outage: its engine does not answer.
        DockerFailed: it ended with an error; the message quotes it.
    """
    doing = "docker " + " ".join(arguments[:2])
    try:
        done = subprocess.run(
            ["docker", *arguments],
            env={**os.environ, **(env or {})},
            input=input_text,
            stdin=None if input_text is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise Misconfigured(
            "The program docker is not installed.", hint="Install Docker Engine 23 or later with its command line."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise Outage(f"`{doing}` did not end within {seconds:.0f} s.", hint="Is the engine overloaded?") from error
    if done.returncode:
        raise _named(doing, done.stderr or done.stdout)
    return done.stdout


def _named(doing: str, said: str) -> Exception:
    reason = shortened(one_line(said.strip()), _REASON_CHARACTERS)
    if "Cannot connect to the Docker daemon" in said or "error during connect" in said:
        return Outage(f"The Docker engine does not answer: {reason}", hint="Start it, or set DOCKER_HOST.")
    if "permission denied" in said and "docker" in said and "sock" in said:
        return Misconfigured(
            "You may not use the Docker engine.", hint="Use sudo, or become a member of the group docker."
        )
    if "unknown command" in said or "is not a docker command" in said:
        return Misconfigured(
            f"This docker has no command `{doing}`: {reason}", hint="Install its command line in version 23 or later."
        )
    return DockerFailed(f"`{doing}` failed: {reason}")


def lines(*arguments: str, env: Mapping[str, str] | None = None) -> Sequence[str]:
    """The lines that a call prints, without empty ones."""
    return [line for line in docker(*arguments, env=env).splitlines() if line.strip()]
