"""Obvious mistakes are reported before anything is started."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.client.sources import Address, Document, find
from shared.errors import BadSource, TooLarge

LIMIT = 10_000


def a_zip(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.md", b"", "empty.md is empty."),
        ("blank.txt", b" \n\t\n", "blank.txt is empty."),
        ("no-break.txt", "\u00a0\u2003\n".encode(), "no-break.txt has no text in it."),
        ("picture.dat", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "picture.dat is a binary file of no known format."),
        ("program.md", b"\x7fELF\x02\x01\x01\0\0\0\0\0", "program.md is a binary file, not markdown."),
        ("novel.pdf", b"no such thing", "novel.pdf is no PDF file, or it is damaged."),
        ("book.epub", b"PK\x03\x04 cut off", "book.epub is no EPUB file, or it is damaged."),
        ("letter.docx", b"not a zip at all", "letter.docx is no DOCX file, or it is damaged."),
        ("big.txt", b"a" * (LIMIT + 1), "big.txt has more than 0.01 MB, which is the limit."),
    ],
)
def test_a_file_that_cannot_be_a_document_is_refused_by_name(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)

    with pytest.raises((BadSource, TooLarge)) as refusal:
        find(str(tmp_path / name), limit_bytes=LIMIT)

    assert refusal.value.message == f"{tmp_path}/{said}"
    assert refusal.value.hint


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("missing.md", "There is no file missing.md."),
        (".", "There is no document in ."),
        ("ftp://example.org/a", "is no http or https address"),
        ("http://", "is no http or https address"),
        ("http://[::1", "is no address"),
        ("a\0b", "is no file name"),
    ],
)
def test_what_is_no_source_is_refused(source: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadSource, match=said):
        find(source, limit_bytes=LIMIT)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.txt", b"# not a heading", "text"),
        ("a.MD", b"words", "markdown"),
        ("a.htm", b"<p>words", "html"),
        ("a.fb2", b"<FictionBook/>", "fb2"),
        ("README", b"words\n\n## More\n", "markdown"),
        ("page", b"  <!DOCTYPE html><p>words", "html"),
        ("letter", b"{\\rtf1 words}", "rtf"),
        ("words", b"just words", "text"),
        ("book", a_zip("mimetype", "META-INF/container.xml"), "epub"),
        ("report", a_zip("word/document.xml"), "docx"),
        ("essay", a_zip("content.xml"), "odt"),
    ],
)
def test_the_format_is_told_by_the_name_then_by_the_content(
    tmp_path: Path, name: str, data: bytes, expected: str
) -> None:
    (tmp_path / name).write_bytes(data)
    found = find(str(tmp_path / name), limit_bytes=LIMIT)
    assert isinstance(found, Document)
    assert (found.format, found.content) == (expected, data)


def test_the_caller_knows_the_format_best(tmp_path: Path) -> None:
    (tmp_path / "notes.xyz").write_text("* A heading", encoding="utf-8")
    found = find(str(tmp_path / "notes.xyz"), limit_bytes=LIMIT, source_format="org")
    assert isinstance(found, Document)
    assert found.format == "org"


def test_old_encodings_are_no_binary_files(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("Grüße aus Köln".encode("latin-1"))
    (tmp_path / "wide.txt").write_bytes("Grüße aus Köln".encode("utf-16"))
    for name in ("latin.txt", "wide.txt"):
        found = find(str(tmp_path / name), limit_bytes=LIMIT)
        assert isinstance(found, Document)
        assert found.text is None, "only the chunker can tell what it says"


def test_a_byte_order_mark_is_not_spoken(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffHello".encode())
    found = find(str(tmp_path / "a.txt"), limit_bytes=LIMIT)
    assert isinstance(found, Document)
    assert found.text == "Hello"


def test_an_address_is_left_to_the_chunker() -> None:
    assert find("https://example.org/a?b=c", limit_bytes=LIMIT) == Address("https://example.org/a?b=c", None)


def test_a_pipe_can_be_named_like_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"from a pipe",), daemon=True)
    writer.start()
    found = find(str(pipe), limit_bytes=LIMIT)
    assert isinstance(found, Document)
    assert found.text == "from a pipe"


@given(text=st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
def test_any_text_in_utf8_is_taken_as_it_is(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("texts") / "a.txt"
    path.write_text(text, encoding="utf-8")
    if not text.removeprefix("\ufeff").strip():
        with pytest.raises(BadSource):
            find(str(path), limit_bytes=1_000_000)
    else:
        found = find(str(path), limit_bytes=1_000_000)
        assert isinstance(found, Document)
        assert found.text == text.removeprefix("\ufeff")
