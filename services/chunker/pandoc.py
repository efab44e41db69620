"""pandoc as a child process: any markup in, one typed tree out.

Sandboxed (it reads no other file and opens no connection), with a bound on memory and output, killed at its deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import cache

import pypandoc

from shared.errors import BadSource, DeadlineExceeded, TooLarge
from shared.protocol.messages import SourceFormat

HEAP_LIMIT_MB = 1_500
"""5 MB of Markdown, the longest text of a job, took 866 MB."""

OUTPUT_LIMIT_BYTES = 150_000_000
"""The same text gave 41 MB of JSON; a tree of this size takes 2 GB to load."""

_READERS: dict[SourceFormat, str] = {
    # CommonMark as people write it; pandoc's own dialect wants blank lines before lists and headings. A task list's
    # box and an emoji's name are no words; quotes stay as they were typed.
    "markdown": "gfm+attributes+footnotes+definition_lists-emoji-task_lists",
    "html": "html",
    "epub": "epub",
    "docx": "docx",
    "odt": "odt",
    "rtf": "rtf",
    "fb2": "fb2",
    "rst": "rst",
    "org": "org",
}
_HEAP_EXHAUSTED = 251
_READ_BYTES = 1 << 20
_STDERR_KEPT_BYTES = 2_000


@cache
def _program() -> str:
    return str(pypandoc.get_pandoc_path())


async def tree_of(data: bytes, format: SourceFormat, *, deadline_seconds: float, without: str = "") -> bytes:  # noqa: A002 - its name in every message
    """The document as pandoc's JSON.

    Args:
        data: the document; text formats in UTF-8.
        format: what it is; not `text`.
        deadline_seconds: pandoc is killed when it takes longer.
        without: an extension of the format to switch off.

    Raises:
        BadSource: pandoc cannot parse it.
        TooLarge: it needs more memory, or gives more output, than the limits.
        DeadlineExceeded: it took longer than `deadline_seconds`.
    """
    reader = _READERS[format] + (f"-{without}" if without else "")
    process = await asyncio.create_subprocess_exec(
        _program(), "--sandbox", "--from", reader, "--to", "json", "+RTS", f"-M{HEAP_LIMIT_MB}m", "-RTS",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    feeding = asyncio.create_task(_feed(process, data))
    try:
        async with asyncio.timeout(deadline_seconds):
            output, complaint = await asyncio.gather(_output(process), _complaint(process))
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
        await process.wait()  # it was killed, so this ends at once; without it a zombie would stay
    if code == _HEAP_EXHAUSTED:
        raise TooLarge(
            f"Reading the {format.upper()} needs more than {HEAP_LIMIT_MB} MB of memory.", hint="Split the document."
        )
    if code != 0:
        reason = " ".join(complaint.split()) or f"pandoc ended with {code}"
        raise BadSource(
            f"The {format.upper()} is broken: {reason[:300].rstrip('.')}.",
            hint="Fetch or export it again, and try whether a reader opens it.",
        )
    return output


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    stdin = process.stdin
    if stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended early; its exit code tells why
        stdin.write(data)
        await stdin.drain()
        stdin.close()
        await stdin.wait_closed()


async def _output(process: asyncio.subprocess.Process) -> bytes:
    parts: list[bytes] = []
    size = 0
    while process.stdout and (part := await process.stdout.read(_READ_BYTES)):
        parts.append(part)
        size += len(part)
        if size > OUTPUT_LIMIT_BYTES:
            raise TooLarge(
                f"The document's tree is over {OUTPUT_LIMIT_BYTES // 1_000_000} MB.", hint="Split the document."
            )
    return b"".join(parts)


async def _complaint(process: asyncio.subprocess.Process) -> str:
    kept = b""
    while process.stderr and (part := await process.stderr.read(_READ_BYTES)):
        kept = (kept + part)[:_STDERR_KEPT_BYTES]
    return kept.decode("utf-8", "replace")
