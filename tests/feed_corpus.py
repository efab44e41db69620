"""Reads every test feed of feedparser's own source package: `make feed-corpus`. Nothing of it is copied in.

Prints what became of them, and fails if one is anything else than a feed, a page or a named error.
"""

from __future__ import annotations

import collections
import json
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

from services.feeds.parsing import reading
from services.feeds.parsing.parsed import ParsedFeed
from shared.errors import BadSource
from shared.protocol.messages import JobRequest, TextSource

_SUFFIXES: Final = frozenset({".xml", ".json", ".html"})
_DOWNLOAD_SECONDS: Final = 120
_LEAST_FEEDS: Final = 2_000


def downloaded(folder: Path) -> Path:
    """The unpacked source package of the release that is installed."""
    wanted = f"feedparser=={version('feedparser')}"
    pip = (
        "download",
        wanted,
        "--no-deps",
        "--no-binary",
        ":all:",
        "--no-build-isolation",
        "--quiet",
        "-d",
        str(folder),
    )
    subprocess.run([sys.executable, "-m", "pip", *pip], check=True, timeout=_DOWNLOAD_SECONDS)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return folder


def outcome(document: bytes, name: str) -> tuple[str, int]:
    """What a document is, and how many items it has; each could become a job."""
    try:
        found = reading.read(document, content_type="", url=f"http://127.0.0.1:8097/{name}")
    except BadSource as error:
        return f"refused: {error.message}", 0
    if not isinstance(found, ParsedFeed):
        return "a page that names feeds", 0
    for item in found.items:
        json.dumps(item.html).encode()
        JobRequest(source=TextSource(text="x"), title=item.title or None, author=item.author or None)
    return "a feed", len(found.items)


def main() -> None:
    counts: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(downloaded(Path(folder)).rglob("*")):
            if path.is_file() and "tests" in path.parts and path.suffix in _SUFFIXES:
                what, items = outcome(path.read_bytes(), path.name)
                counts.update({what: 1, "items": items})
    for what, count in counts.most_common():
        print(f"{count:>6} {what}")  # noqa: T201 - what it is run for
    if counts["a feed"] < _LEAST_FEEDS:
        sys.exit(f"Only {counts['a feed']} of them were read as feeds.")


if __name__ == "__main__":
    main()
