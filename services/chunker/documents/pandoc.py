"""pandoc as a child process: any markup in, one typed tree out.

Sandboxed (it reads no other file and opens no connection), with a bound on CPU time, memory and output, killed at its
deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
from functools import cache

import pypandoc

from services.chunker import allowances
from shared.errors import BadSource, DeadlineExceeded, TooLarge, Transient
from shared.protocol.messages import SourceFormat
from shared.workers.allowances import MEGABYTE, used_up
from shared.workers.pool import drain

_READERS: dict[SourceFormat, str] = {
    # CommonMark as people write it; pandoc's own dialect requires blank lines before lists and headings. A task list's
    # box and an emoji's name are not words; quotes stay as typed.
    "markdown": "gfm+attributes+footnotes+definition_lists-emoji-task_lists",
    "html": "html",
    # The pages of a book as one (books/joining.py).
    "epub": "html+epub_html_exts-auto_identifiers",
    "docx": "docx+styles",  # a style can be one for code
    "odt": "odt",
    "rtf": "rtf",
    "fb2": "fb2",
    "rst": "rst",
    "org": "org",
    "ipynb": "ipynb",
    "latex": "latex",
    "mediawiki": "mediawiki",
    "dokuwiki": "dokuwiki",
    "docbook": "docbook",
    "jats": "jats",
    "asciidoc": "asciidoc",
    "textile": "textile",
    "typst": "typst",
    "djot": "djot",
    "opml": "opml",
    "pptx": "pptx",
    "xlsx": "xlsx",
    "csv": "csv",
    "tsv": "tsv",
    "man": "man",
    "mdoc": "mdoc",
    "pod": "pod",
    "eml": "html",
}
_ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ} | {
    "LANG": "C.UTF-8"
}
"""No secrets: pandoc parses untrusted documents."""

_HEAP_EXHAUSTED = 251
_READ_BYTES = 1 << 20
_STDERR_KEPT_BYTES = 2_000


@cache
def _program() -> str:
    return str(pypandoc.get_pandoc_path())


async def tree_of(
    data: bytes,
    format: SourceFormat,  # noqa: A002 - its name in every message
    *,
    size_bytes: int,
    deadline_seconds: float,
    without: str = "",
) -> bytes:
    """The document as pandoc's JSON.

    Args:
        data: the document; text formats in UTF-8.
        format: what it is; not `text`.
        size_bytes: the size at which the document is counted; determines the allowance (`allowances.of_pandoc`).
        deadline_seconds: pandoc is killed when it takes longer.
        without: an extension of the format to switch off.

    Raises:
        BadSource: pandoc cannot parse it.
        TooLarge: it needs more CPU time or memory, or produces more output, than the limits.
        DeadlineExceeded: it took longer than `deadline_seconds`.
        Transient: it was killed from outside.
    """
    reader = _READERS[format] + (f"-{without}" if without else "")
    allowance = allowances.of_pandoc(size_bytes)
    heap_mb = allowance.memory_bytes // MEGABYTE
    process = await asyncio.create_subprocess_exec(
        _program(), "--sandbox", "--from", reader, "--to", "json", "+RTS", f"-M{heap_mb}m", "-RTS",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=_ENVIRONMENT,
    )  # fmt: skip
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has already ended; its exit code shows why
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (allowance.cpu_seconds, allowance.cpu_seconds + 5))
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
    feeding = asyncio.create_task(_feed(process, data))
    try:
        async with asyncio.timeout(deadline_seconds):
            output, complaint = await asyncio.gather(_output(process, size_bytes), _complaint(process))
            code = await process.wait()
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"Reading the {format.upper()} took longer than {deadline_seconds:g} s.",
            hint="Split the document, or raise PODCAST_CHUNKER_DEADLINE_SECONDS.",
        ) from error
    finally:
        feeding.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await drain(process.stdout)
        await process.wait()  # it was killed, so this returns immediately; without it a zombie would remain
    if code == -signal.SIGXCPU:
        raise used_up(f"Reading the {format.upper()}", allowance)
    if code == _HEAP_EXHAUSTED:
        raise TooLarge(
            f"Reading the {format.upper()} needs more than {heap_mb:,} MB of memory.", hint="Split the document."
        )
    if code == -signal.SIGKILL:
        raise Transient(
            f"Reading the {format.upper()} ended early: its process was killed.",
            hint="Look whether the machine is short of memory.",
        )
    if code != 0:
        reason = " ".join(complaint.split()) or f"pandoc ended with {code}"
        raise BadSource(
            f"The {format.upper()} is broken: {reason[:300].rstrip('.')}.",
            hint="Download or export it again, and check that a reader opens it.",
        )
    return output


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    stdin = process.stdin
    if stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended early; its exit code shows why
        stdin.write(data)
        await stdin.drain()
        stdin.close()
        await stdin.wait_closed()


async def _output(process: asyncio.subprocess.Process, size_bytes: int) -> bytes:
    limit = allowances.pandoc_output_bytes(size_bytes)
    parts: list[bytes] = []
    size = 0
    while process.stdout and (part := await process.stdout.read(_READ_BYTES)):
        parts.append(part)
        size += len(part)
        if size > limit:
            raise TooLarge(f"The document's tree is over {limit // MEGABYTE} MB.", hint="Split the document.")
    return b"".join(parts)


async def _complaint(process: asyncio.subprocess.Process) -> str:
    kept = b""
    while process.stderr and (part := await process.stderr.read(_READ_BYTES)):
        kept = (kept + part)[:_STDERR_KEPT_BYTES]
    return kept.decode("utf-8", "replace")
