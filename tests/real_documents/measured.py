"""Reads one document as a chunker would, in a process of its own, so that its time and memory can be measured.

    python -m tests.real_documents.measured FILE [--url URL] [--format FORMAT]

prints JSON: `Reading`. Exit code 0 also if the document is refused.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
from pathlib import Path, PurePosixPath
from typing import Final, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from services.chunker.documents.reading import read_packed
from services.chunker.manifests import Outline, outline
from shared.errors import BadInput, Transient
from shared.protocol.messages import JobRequest, SourceFormat, TextSource
from shared.settings import Settings

DEADLINE_SECONDS: Final = 300.0
"""Wall time: generous, since CPU time is what is judged and the machine may be busy."""


class Reading(BaseModel):
    """What came out.

    Attributes:
        refused: the error, if the document was refused.
        chapters: their titles, in order.
        spoken: all texts in order, a line for each chunk, as they are written in the document.
        omissions: kind → count.
        seconds: CPU time of the child processes; wall time would depend on what else the machine does.
        megabytes: of the largest process.
    """

    model_config = ConfigDict(frozen=True)

    refused: str = ""
    title: str = ""
    author: str = ""
    language: str = ""
    chapters: tuple[str, ...] = ()
    spoken: str = ""
    omissions: dict[str, int] = {}
    seconds: float = 0.0
    megabytes: int = 0


async def _read(data: bytes, name: str, url: str, said: SourceFormat | None) -> Outline:
    settings = Settings()
    content_type = "text/html" if url and data.lstrip()[:1] == b"<" else None
    packed = await read_packed(
        data, format=said, name=name, deadline_seconds=DEADLINE_SECONDS, content_type=content_type
    )
    asked = JobRequest(source=TextSource(text="-"))
    return outline(asked, packed, settings, name=name)


def _cpu_seconds() -> float:
    """Of the processes that have ended; the services themselves do little else than wait for them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def read(path: Path, *, url: str, said: SourceFormat | None) -> Reading:
    """Read a document here; see the module."""
    name = PurePosixPath(urlsplit(url).path).name if url else path.name
    try:
        made = asyncio.run(_read(path.read_bytes(), name, url, said))
    except (BadInput, Transient) as error:
        return Reading(refused=f"{type(error).__name__}: {error.message}", seconds=_cpu_seconds())
    omissions: dict[str, int] = {}
    for omission in made.split.omissions:
        omissions[omission.kind] = omissions.get(omission.kind, 0) + omission.count
    return Reading(
        title=made.title,
        author=made.author,
        language=made.language,
        chapters=tuple(chapter.title for chapter in made.split.chapters),
        spoken="\n".join(chunk.written or chunk.text for chunk in made.split.chunks),
        omissions=omissions,
        seconds=_cpu_seconds(),
        megabytes=max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        // 1024,
    )


def main() -> None:
    """The command of the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--url", default="")
    parser.add_argument("--format", choices=get_args(SourceFormat))
    asked = parser.parse_args()
    sys.stdout.write(read(asked.file, url=asked.url, said=asked.format).model_dump_json())


if __name__ == "__main__":
    main()
