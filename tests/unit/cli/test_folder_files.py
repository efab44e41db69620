"""Which files of a watched folder are read, when, and what they are called afterwards."""

from __future__ import annotations

import os
from pathlib import Path

from services.cli import folder_files
from services.cli.folder_files import Settling


def test_only_whole_files_of_other_people_are_read(tmp_path: Path) -> None:
    for name in ("b.md", "a.epub", ".hidden", "c.part", "d.txt~", "e.crdownload", "done.mp3", "a.error.txt", "a.vtt"):
        (tmp_path / name).write_text("Words.")
    (tmp_path / "empty.md").touch()
    (tmp_path / "done").mkdir()
    (tmp_path / "link.md").symlink_to(tmp_path / "b.md")
    os.mkfifo(tmp_path / "pipe.md")
    assert [found.path.name for found in folder_files.files(tmp_path)] == ["a.epub", "b.md"]


def test_a_file_is_read_when_it_has_been_the_same_for_long_enough(tmp_path: Path) -> None:
    settling, path = Settling(5.0), tmp_path / "a.md"
    path.write_text("Half")
    assert settling.settled(folder_files.files(tmp_path), 0.0) == []
    assert settling.settled(folder_files.files(tmp_path), 4.9) == []
    path.write_text("Half of it")
    assert settling.settled(folder_files.files(tmp_path), 6.0) == []
    assert settling.settled(folder_files.files(tmp_path), 10.9) == []
    assert [found.path for found in settling.settled(folder_files.files(tmp_path), 11.0)] == [path]
    other = tmp_path / "new"
    other.write_text("Half of it")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.rename(path)
    assert settling.settled(folder_files.files(tmp_path), 11.5) == [], "another file of the same size and time"


def test_no_file_takes_the_name_of_another(tmp_path: Path) -> None:
    done = tmp_path / "done"
    assert folder_files.free_stem(done, tmp_path / "a.md") == "a"
    done.mkdir()
    (done / "a.mp3").touch()
    assert folder_files.free_stem(done, tmp_path / "a.md") == "a", "it was fetched, and the file not moved yet"
    (done / "A.epub").touch()
    (done / "a-2.md").touch()
    assert folder_files.free_stem(done, tmp_path / "a.md") == "a-3"
