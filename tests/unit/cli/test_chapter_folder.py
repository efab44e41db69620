"""The files of chapters are unpacked into the folder that was named: all of them or none, and nowhere else."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path

import pytest

from shared.store import keys
from shared.store.port import Store
from tests.unit.cli.conftest import Podcast, a_status, put_status
from tests.unit.cli.test_destinations import everything_below

CHAPTERS = {"01 One.mp3": b"first", "02 Zwölf.mp3": b"second", "playlist.m3u8": b"#EXTM3U\n"}


def packed(entries: dict[str, bytes], *, method: int = zipfile.ZIP_STORED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return data.getvalue()


def finished(store: Store, archive: bytes) -> None:
    key = keys.episode("j", "zip")
    asyncio.run(store.put(key, archive))
    put_status(store, a_status("j", files={"zip": key}))


def test_the_files_are_in_the_folder_and_what_was_there_stays(podcast: Podcast, store: Store, tmp_path: Path) -> None:
    finished(store, packed(CHAPTERS))
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "notes.txt").write_text("mine")
    (tmp_path / "book" / "01 One.mp3").write_text("old")

    for _ in range(2):
        assert podcast("fetch", "j", "--chapter-files", "-o", "book/").exit_code == 0

    assert {path.name: path.read_bytes() for path in (tmp_path / "book").iterdir()} == {
        **CHAPTERS,
        "notes.txt": b"mine",
    }


def test_a_folder_is_made_for_them_and_it_is_said(podcast: Podcast, store: Store, tmp_path: Path) -> None:
    finished(store, packed(CHAPTERS))

    fetched = podcast("fetch", "j", "--chapter-files", "-o", "new/")

    assert (fetched.exit_code, f"Made the folder {tmp_path / 'new'}." in fetched.stderr) == (0, True)
    assert fetched.stdout.splitlines() == [str(tmp_path / "new" / name) for name in CHAPTERS]


@pytest.mark.parametrize(
    "archive",
    [
        packed({"01 One.mp3": b"first", "../escaped": b"x"}),
        packed({"01 One.mp3": b"first", "/escaped": b"x"}),
        packed({"01 One.mp3": b"first", "..\\escaped": b"x"}),
        packed({"01 One.mp3": b"first", "c:escaped": b"x"}),
        packed({"01 One.mp3": b"first", ".profile": b"x"}),
        packed({"01 One.mp3": b"first", "below/": b""}),
        packed({"01 One.mp3": bytes(50_000_000)}, method=zipfile.ZIP_DEFLATED),
        packed(CHAPTERS).replace(b"second", b"secomd"),
        packed(CHAPTERS)[:-30],
        b"",
    ],
)
def test_an_archive_that_is_not_one_of_ours_leaves_nothing(
    podcast: Podcast, store: Store, tmp_path: Path, archive: bytes
) -> None:
    finished(store, archive)

    result = podcast("fetch", "j", "--chapter-files", "-o", "new/")

    assert result.exit_code == 2
    assert "archive of the chapters" in result.stderr
    assert everything_below(tmp_path) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(podcast: Podcast, store: Store, tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("01 One.mp3", b"first")
        archive.writestr("01 One.mp3", b"second")
    finished(store, data.getvalue())

    assert podcast("fetch", "j", "--chapter-files", "-o", "new/").exit_code == 2
    assert everything_below(tmp_path) == []


def test_a_job_without_them_says_how_to_get_them(podcast: Podcast, store: Store, tmp_path: Path) -> None:
    put_status(store, a_status("j", files={"mp3": keys.episode("j", "mp3")}))

    result = podcast("fetch", "j", "--chapter-files", "-o", "new/")

    assert result.exit_code == 2
    assert "--chapter-files" in result.stderr
    assert everything_below(tmp_path) == []


@pytest.mark.parametrize("command", [("fetch", "j"), ("render", "-")])
def test_one_file_is_no_place_for_several_chapters(podcast: Podcast, store: Store, command: tuple[str, ...]) -> None:
    finished(store, packed(CHAPTERS))

    result = podcast(*command, "--chapter-files", "-o", "book.mp3", stdin="Some text.")

    assert result.exit_code == 2
    assert "is one file, for several chapters" in result.stderr
