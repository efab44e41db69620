"""A folder as SOURCE: packed as one document, the same whenever it is packed."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from shared.client import folders
from shared.client.documents import Document
from shared.client.sources import find
from shared.errors import BadSource, TooLarge

LIMIT = 100_000


def made(path: Path, **files: str) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content)
    return path


def test_a_folder_is_one_document(tmp_path: Path) -> None:
    book = made(
        tmp_path / "My Book",
        **{
            "2.md": "Two.",
            "1.md": "One.",
            "part/README": "Words.",
            "x.png": "x",
            ".git/a.md": "no",
            "sub/.b.md": "no",
            "c.zip": "no",
        },
    )
    (book / "link.md").symlink_to(book / "1.md")
    found = find(str(book), limit_bytes=LIMIT)
    assert isinstance(found, Document)
    assert (found.name, found.format) == ("My Book.zip", "zip")
    assert isinstance(found.content, bytes)
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        assert archive.namelist() == ["1.md", "2.md", "part/README"]
        assert archive.read("1.md") == b"One."
    again = find(f"{book}/", limit_bytes=LIMIT)
    assert again == found


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="no document in"):
        find(str(made(tmp_path, **{"a.png": "x"})), limit_bytes=LIMIT)


def test_a_folder_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, **{f"{n}.txt": "words" for n in range(4)})
    with pytest.raises(TooLarge, match="the limit"):
        find(str(tmp_path), limit_bytes=200)
    monkeypatch.setattr(folders, "FILES_LIMIT", 3)
    with pytest.raises(TooLarge, match="more than 3 documents"):
        find(str(tmp_path), limit_bytes=LIMIT)
