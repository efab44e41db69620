"""The diagram in ARCHITECTURE.md matches the table in the code."""

from __future__ import annotations

from docs import lifecycle


def test_the_diagram_of_a_jobs_life_is_not_stale() -> None:
    document = lifecycle.DOCUMENT.read_text(encoding="utf-8")
    assert document == lifecycle.written(document), "stale: run `make docs`"
