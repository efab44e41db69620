"""Writes a record directly to stderr: when the log's locks may be what everybody waits for, or before there is a log.

In the same form as all other records: one JSON object a line if `PODCAST_LOG_JSON` is set, else text.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from shared.addresses import scrub
from shared.text import json_escaped

_TRUE: Final = frozenset({"1", "true", "t", "yes", "y", "on"})


@dataclass
class _Form:
    """How records are written.

    Attributes:
        service: bound to every record.
        as_json: one JSON object a line.
    """

    service: str = ""
    as_json: bool = False


_form = _Form(as_json=os.environ.get("PODCAST_LOG_JSON", "").lower() in _TRUE)


def configure(service: str, *, as_json: bool) -> None:
    """Write what follows in this form."""
    _form.service, _form.as_json = service, as_json


def is_json() -> bool:
    """Whether everything that the process writes is one JSON object a line."""
    return _form.as_json


def write(text: str, *, level: str, event: str, **fields: str) -> None:
    """Write one record.

    Args:
        text: what is written when the log is text.
        level: of the record.
        event: what has happened.
        fields: more of the record.
    """
    if _form.as_json:
        moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        record = {"service": _form.service, **fields, "event": event, "level": level, "timestamp": moment}
        text = json_escaped(scrub(json.dumps(record, ensure_ascii=False)))
    with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
        os.write(2, f"{text}\n".encode("utf-8", "backslashreplace"))


def refuse(service: str, error: Exception) -> None:
    """Say why a process does not start."""
    _form.service = _form.service or service
    write(f"{service}: {error}", level="error", event="the service cannot start", reason=str(error))


def stacks(tasks: str) -> None:
    """Write the stacks of all threads, and what else is known about the tasks of the event loop."""
    if not _form.as_json:
        sys.stderr.flush()
        os.write(2, f"--- stacks of process {os.getpid()} ---\n".encode())
        faulthandler.dump_traceback(file=2, all_threads=True)
        os.write(2, f"{tasks}\n--- end of stacks ---\n".encode("utf-8", "backslashreplace"))
        return
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file=file, all_threads=True)
        file.seek(0)
        threads = file.read().decode("utf-8", "replace")
    write("", level="error", event="stacks", threads=threads, tasks=tasks)
