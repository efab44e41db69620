"""The assembler on a folder, with a scratch folder of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.unit.assembler.material import Harness


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    return Harness(tmp_path)
