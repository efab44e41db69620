"""A container may use fewer processors than its machine has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.synthesizer import processors


@pytest.mark.parametrize(
    ("limit", "usable"), [("50000 100000", 1), ("100000 100000", 1), ("250000 100000", 3), ("max 100000", 8)]
)
def test_the_limit_of_the_container_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, usable: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    path = tmp_path / "cpu.max"
    path.write_text(f"{limit}\n")
    assert processors.usable(path) == usable


def test_without_a_container_the_affinity_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5})
    assert processors.usable(tmp_path / "none") == 3
