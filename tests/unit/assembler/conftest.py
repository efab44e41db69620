"""The assembler on a folder, with a scratch folder of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from services.assembler import head_last, parts
from shared.store import upload_parts
from tests.unit.assembler.material import Harness


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    return Harness(tmp_path)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part holds a few chunks, and is asked for in a short job: a folder could take parts of any size."""
    for module in (head_last, upload_parts):
        monkeypatch.setattr(module, "LEAST_PART_BYTES", 40_000)
    monkeypatch.setattr(parts, "PART_CHUNKS", 1)
