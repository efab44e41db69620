"""The docker command line, each call with a deadline and its output in the error."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LABEL = "podcast.test.content"
"""The label that says what an image was made of, so that one with the same content is not made again."""

CALL_SECONDS = 60.0
_TAIL_CHARACTERS = 4_000


class StackTestError(Exception):
    """Something that the test needs cannot be had; the text says what and why."""


def say(line: str) -> None:
    """A line for whoever watches: what takes time, before it takes it."""
    print(f"stack-test: {line}", flush=True)  # noqa: T201 - the log of the test


@dataclass(frozen=True)
class Docker:
    """One engine.

    Attributes:
        host: its address (`unix:///…`); empty: what docker's own settings say.
    """

    host: str = ""

    def command(self, *arguments: str) -> tuple[str, ...]:
        """The command line for `arguments`."""
        return ("docker", *(("--host", self.host) if self.host else ()), *arguments)

    def run(
        self,
        *arguments: str,
        seconds: float = CALL_SECONDS,
        check: bool = True,
        env: dict[str, str] | None = None,
        given: str | None = None,
        folder: Path | None = None,
    ) -> str:
        """Its standard output.

        Args:
            arguments: after `docker`.
            seconds: how long it may take.
            check: whether a failure is an error.
            env: its whole environment; None: ours.
            given: its standard input.
            folder: where it runs; None: where we do.

        Raises:
            StackTestError: it failed, or took longer.
        """
        try:
            done = subprocess.run(
                self.command(*arguments),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
                env=env,
                input=given,
                cwd=folder,
            )
        except subprocess.TimeoutExpired as error:
            raise StackTestError(f"docker {' '.join(arguments[:3])} took longer than {seconds:g} s.") from error
        if check and done.returncode:
            tail = (done.stdout + done.stderr)[-_TAIL_CHARACTERS:]
            raise StackTestError(f"docker {' '.join(arguments)} failed ({done.returncode}):\n{tail}")
        return done.stdout.strip()

    def answers(self) -> bool:
        """Whether there is an engine."""
        if shutil.which("docker") is None:
            return False
        try:
            return bool(self.run("info", "--format", "{{.ID}}", check=False, seconds=10))
        except StackTestError:
            return False

    def logs(self, container: str, *, lines: int) -> str:
        """The last lines that a container has written, to either of its outputs."""
        done = subprocess.run(
            self.command("logs", "--tail", str(lines), container),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=CALL_SECONDS,
            check=False,
        )
        return done.stdout

    def inspect(self, *names: str) -> list[dict[str, Any]]:
        """What the engine knows of these."""
        return json.loads(self.run("inspect", *names)) if names else []

    def label_of(self, image: str) -> str:
        """What the image was made of; empty if there is none of that name, or one that was made otherwise."""
        form = f'{{{{index .Config.Labels "{LABEL}"}}}}'
        return self.run("image", "inspect", "--format", form, image, check=False)
