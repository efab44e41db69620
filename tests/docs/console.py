"""Reads the console blocks of a page, and checks that a shell's output matches the page.

A block is fenced as ```console. A line that begins with `$ ` is a command (a backslash at its end continues
it); what follows is its output. In an output `…` matches anything on the line, a line `…` any lines; a number matches
any number, and an id the id that is printed in its place, which then replaces it in later commands. A command whose
output is not shown may print anything. `<!-- not run: REASON -->` before a block keeps it from being run, and
`<!-- fails -->` means that its last command fails.
"""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_BLOCK: Final = re.compile(
    r"(?:<!-- (?P<mark>[^\n]*?) -->\n+)?^```console\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_ID: Final = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{4,12}\b"
)
_ANY_ID: Final = r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{4,12})"
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
COMMAND_SECONDS: Final = 240.0


@dataclass(frozen=True)
class Command:
    """One command of a page, and what the page says it prints; None if it does not say."""

    line: str
    output: str | None
    fails: bool = False


@dataclass(frozen=True)
class Block:
    """A console block."""

    commands: tuple[Command, ...]
    reason_not_to_run: str = ""


def blocks(page: str) -> Iterator[Block]:
    """The console blocks of a page, in order."""
    for found in _BLOCK.finditer(page):
        mark = found["mark"] or ""
        reason = mark.removeprefix("not run: ") if mark.startswith("not run: ") else ""
        yield Block(tuple(_commands(found["body"], fails=mark == "fails")), reason)


def _commands(body: str, *, fails: bool) -> Iterator[Command]:
    parts = re.split(r"(?m)^\$ ", body)
    assert not parts[0].strip(), f"a console block begins with a command: {body}"
    for number, part in enumerate(parts[1:], 1):
        lines = part.rstrip("\n").split("\n")
        size = next(index for index, line in enumerate(lines, 1) if not line.endswith("\\"))
        output = "\n".join(lines[size:]).strip("\n")
        yield Command("\n".join(lines[:size]), output or None, fails=fails and number == len(parts) - 1)


@dataclass
class Ids:
    """The ids in a page, and those that were printed in their place."""

    known: dict[str, str] = field(default_factory=dict)

    def put_into(self, command: str) -> str:
        """The command with the ids known so far."""
        return _ID.sub(lambda found: self.known.get(found[0], found[0]), command)

    def learn(self, expected: str, printed: str) -> bool:
        """Whether an output matches the page; remembers the ids in it."""
        names: list[str] = []
        pattern = "".join(
            "(?:.*\n)*?" if line.strip() == "…" else self._line(line, names) + "\n" for line in expected.split("\n")
        )
        found = re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed.rstrip("\n").split("\n")))
        if found is None:
            return False
        self.known.update(zip(names, found.groups(), strict=True))
        return True

    def _line(self, line: str, names: list[str]) -> str:
        pattern, place = "", 0
        for found in re.finditer(rf"{_ID.pattern}|…|{_NUMBER.pattern}|\s+", line.rstrip()):
            pattern += re.escape(line[place : found.start()])
            place = found.end()
            if _ID.fullmatch(found[0]):
                if found[0] in self.known:
                    pattern += re.escape(self.known[found[0]])
                elif found[0] in names:
                    pattern += rf"(?:\{names.index(found[0]) + 1})"
                else:
                    names.append(found[0])
                    pattern += f"({_ANY_ID})"
            else:
                pattern += {"…": ".*"}.get(found[0], r"\s+" if found[0].isspace() else _NUMBER.pattern)
        return pattern + re.escape(line.rstrip()[place:])


class Shell:
    """One bash, in which a reader types a page's commands. A context manager.

    Args:
        folder: the initial working directory.
        environment: the whole environment.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, command: str) -> tuple[int, str]:
        """Type a command; returns its exit code and everything that it printed.

        Raises:
            TimeoutError: it took longer than COMMAND_SECONDS.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        end_mark = f"--end-of-{time.monotonic_ns()}--"
        # The command must not read what is typed after it.
        self._process.stdin.write(f"{{ {command}\n}} </dev/null; printf '\\n%s %s\\n' {end_mark} $?\n".encode())
        self._process.stdin.flush()
        printed = b""
        until = time.monotonic() + COMMAND_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while (found := re.search(rf"\n{end_mark} (\d+)\n".encode(), printed)) is None:
                if not selector.select(max(until - time.monotonic(), 0)):
                    raise TimeoutError(f"{command} took longer than {COMMAND_SECONDS:g} s: {printed.decode()}")
                part = os.read(self._process.stdout.fileno(), 65_536)
                assert part, f"the shell has ended in {command}: {printed.decode()}"
                printed += part
        return int(found[1]), printed[: found.start()].decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
