"""Writes the synchronous half of podcast_client from the asynchronous one: `python -m docs.sync_client`.

One is written by hand and the other derived, so that they cannot drift apart; a test compares them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[1] / "podcast_client"
MODULES: Final = ("transport", "streams", "media_client", "operator_client", "show_client", "feed_client", "client")

_REPLACED: Final = (
    (r"async_io as io", "sync_io as io"),
    (r"\basync_(\w+)", r"sync_\1"),
    (r"^(\"\"\"[^\n]*?)asynchronous", r"\1synchronous"),
    (r"use it as an asynchronous context manager", "use it as a context manager"),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (
        r"\bAsync(PodcastClient|Transport|MediaMethods|OperatorMethods|ShowMethods|FeedMethods|Client|ExitStack)\b",
        r"\1",
    ),
    (r"\bAsync(Generator|Iterator)\b", r"\1"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\baclosing\b", "closing"),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\baiter_(bytes|sse)\b", r"iter_\1"),
    (r"\baclose\b", "close"),
)
_NOTICE: Final = "# Derived by docs/sync_client.py from {source}: change that one."


def derived(source: str, name: str) -> str:
    """The synchronous module for an asynchronous one, before formatting."""
    for pattern, replacement in _REPLACED:
        source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
    return f"{_NOTICE.format(source=name)}\n{source}"


def modules() -> dict[Path, str]:
    """What each synchronous module must contain."""
    found = {}
    for module in MODULES:
        source = PACKAGE / f"async_{module}.py"
        target = PACKAGE / f"sync_{module}.py"
        found[target] = _tidied(derived(source.read_text(encoding="utf-8"), source.name), target)
    return found


def _tidied(source: str, target: Path) -> str:
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        source = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(target), "-"],
            input=source,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
    return source


if __name__ == "__main__":
    for path, text in modules().items():
        path.write_text(text, encoding="utf-8")
