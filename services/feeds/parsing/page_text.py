"""How much there is to read on a page. CPU-bound: for a worker."""

from __future__ import annotations

from typing import Any


def article_characters(page: bytes) -> int:
    """How much there is to read in the article on a page. CPU-bound: for a worker."""
    # Importing trafilatura takes a second; only a worker that reads a page pays for it.
    import trafilatura  # noqa: PLC0415 - as it says

    picked: Any = trafilatura.bare_extraction(page, include_comments=False, include_tables=True, with_metadata=False)
    return len(" ".join(str(picked.text or "").split())) if picked is not None else 0
