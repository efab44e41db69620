"""Only their owner can read the files of a stack."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from deploy.local.files import private_folder, tighten, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_folder_that_is_wide_open_is_closed_to_others(tmp_path: Path) -> None:
    inner = tmp_path / "store" / "jobs"
    inner.mkdir(parents=True)
    for folder in (tmp_path / "store", inner):
        folder.chmod(0o777)
    for name, given in {"text": 0o666, "cookie": 0o444, "program": 0o755}.items():
        (inner / name).touch()
        (inner / name).chmod(given)
    tighten(tmp_path)
    assert {path.name: mode(path) for path in tmp_path.rglob("*")} == {
        "store": 0o700,
        "jobs": 0o700,
        "text": 0o600,
        "cookie": 0o400,
        "program": 0o700,
    }


def test_what_a_link_leads_to_is_left_alone(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    (outside / "folder").mkdir(parents=True)
    (outside / "folder").chmod(0o755)
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    tighten(inside)
    assert mode(outside / "folder") == 0o755


def test_the_umask_does_not_matter(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private_folder(tmp_path / "a" / "b")
        write_private(tmp_path / "a" / "b" / "secret", "words")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path / "a" / "b" / "secret") == 0o600
