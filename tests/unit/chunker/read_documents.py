"""Documents that are read by a chunker's code, one after the other on one loop."""

from __future__ import annotations

import asyncio
from typing import Any

from services.chunker.documents.document import Document
from services.chunker.documents.reading import read_document
from shared.protocol.messages import SourceFormat

RUNNER = asyncio.Runner()
"""One loop for all of them: the worker processes, which take a second to start, belong to the loop. The session closes
it, since tests of several modules use it, in any order."""


def read(data: bytes | str, name: str = "", format: SourceFormat | None = None, **more: Any) -> Document:  # noqa: A002 - as in read_document
    """The document."""
    raw = data.encode() if isinstance(data, str) else data
    return RUNNER.run(read_document(raw, format=format, name=name, deadline_seconds=60, **more))


def omitted(document: Document) -> dict[str, str]:
    """What is left out of the speech, and a sample of each."""
    return {omission.kind: omission.sample for omission in document.omissions}
