"""A stack's log: one file with everything, prefixed with the service's name, one file per service, and the terminal."""

from __future__ import annotations

import queue
import sys
import threading
from contextlib import suppress
from logging import Formatter, LogRecord, makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_LIMIT_BYTES = 10_000_000
OLD_FILES = 2
"""A full log is renamed; this many old ones are kept, so that a stack that runs for months does not fill the disk."""

_ECHO_LINES = 10_000


class LogBook:
    """Takes lines and never waits for a terminal.

    Args:
        directory: where the files go.
        echo: also write to stdout. A separate thread does it: a paused terminal (Ctrl-S) or a slow reader must not
            stop the supervisor; when 10,000 lines are waiting, further ones are dropped (the files have them).
    """

    def __init__(self, directory: Path, *, echo: bool) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._files: dict[str, RotatingFileHandler] = {}
        self._echo: queue.Queue[str] | None = None
        self._idle = threading.Event()
        self._idle.set()
        if echo:
            self._echo = queue.Queue(_ECHO_LINES)
            threading.Thread(target=self._write_echo, name="echo", daemon=True).start()

    def write(self, name: str, line: str) -> None:
        """Write a line of service `name`."""
        prefixed = f"{name:<13} | {line}"
        self._file(name).emit(_record(line))
        self._file("stack").emit(_record(prefixed))
        if self._echo is not None:
            self._idle.clear()
            with suppress(queue.Full):
                self._echo.put_nowait(prefixed)

    def flush(self, *, seconds: float = 1.0) -> None:
        """Give the terminal a moment to take the last lines."""
        self._idle.wait(seconds)

    def _file(self, name: str) -> RotatingFileHandler:
        if name not in self._files:
            handler = RotatingFileHandler(
                self.directory / f"{name}.log", maxBytes=FILE_LIMIT_BYTES, backupCount=OLD_FILES, encoding="utf-8"
            )
            handler.setFormatter(Formatter("%(message)s"))
            self._files[name] = handler
        return self._files[name]

    def _write_echo(self) -> None:
        assert self._echo is not None  # noqa: S101 - the thread starts only with it
        while True:
            line = self._echo.get()
            try:
                print(line, flush=True)
            except OSError:  # the terminal is gone
                sys.stdout = None  # print() then does nothing
            if self._echo.empty():
                self._idle.set()


def _record(line: str) -> LogRecord:
    return makeLogRecord({"msg": "%s", "args": (line,)})
