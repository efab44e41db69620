"""The folder for uploads: nothing stays in it, and what a killed gateway has left is removed by the next one."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from services.gateway.upload_folder import PREFIX, UploadFolder, UploadsBusy
from shared.errors import Outage


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def make_old(folder: Path) -> Path:
    then = time.time() - 3_600
    os.utime(folder, (then, then))
    return folder


def test_a_request_has_a_folder_of_its_own_which_is_gone_afterwards(tmp_path: Path) -> None:
    uploads = UploadFolder(2, share=1)
    with uploads.one("key") as first, uploads.one("key") as second:
        (first / "file").write_bytes(b"x")
        assert first != second
        with pytest.raises(UploadsBusy) as busy, uploads.one("key"):
            pass
        assert busy.value.retry_after_seconds == 1
    assert [path.name for path in tmp_path.glob(f"{PREFIX}*/*")] == ["lock"]
    with uploads.one("key"):
        pass
    uploads.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_gateway_without_uploads_makes_no_folder(tmp_path: Path) -> None:
    UploadFolder(1, share=1).remove()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_a_dead_gateway_is_removed_and_one_of_a_living_gateway_is_not(tmp_path: Path) -> None:
    living, dead = UploadFolder(1, share=1), UploadFolder(1, share=1)
    for each in (living, dead):
        with each.one("key"):
            pass
    left = {make_old(path) for path in tmp_path.iterdir()}
    assert len(left) == 2
    assert dead._lock is not None
    assert dead._path is not None
    dead._lock.close()  # as the kernel does when the process ends
    new = UploadFolder(1, share=1)
    with new.one("key"):
        assert not dead._path.exists()
        assert left - {dead._path} < set(tmp_path.iterdir())


def test_a_full_disk_is_an_outage() -> None:
    with pytest.raises(Outage, match="No space left"), UploadFolder(1, share=1).one("key"):
        raise OSError(28, "No space left on device")
