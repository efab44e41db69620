"""A document in a file is the same document as its bytes in memory, however large it is."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.client.documents import Content, Document, document
from shared.client.submission import Order, draft
from shared.errors import BadInput, TooLarge
from shared.protocol.messages import INLINE_TEXT_LIMIT_CHARACTERS, ObjectSource
from tests.unit.cli.test_sources import a_zip

LIMIT = 3_000_000
PORTION = 262_144


def read(name: str, content: Content) -> Document | str:
    try:
        return document(name, content, limit_bytes=LIMIT)
    except BadInput as error:
        return str(error)


def as_read(found: Document | str) -> object:
    return found if isinstance(found, str) else (found.name, found.format, found.text, found.characters)


def check(name: str, data: bytes, file: Path) -> None:
    file.write_bytes(data)
    assert as_read(read(name, file)) == as_read(read(name, data))


@pytest.mark.parametrize("name", ["a.txt", "a", "a.epub", "a.xyz"])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \n ",
        b"\xef\xbb\xbf",
        "\u00a0".encode(),
        b"\xff\xfew\0o\0r\0d\0",
        b"# Words\n\nMore words.",
        b"<!doctype html><p>Words.",
        b"\xe9t\xe9",
        a_zip("META-INF/container.xml"),
        a_zip("word/document.xml"),
        a_zip("other"),
        "ä".encode() * (PORTION // 2),
        b"x" * PORTION + "ä".encode()[:1],
        b" " * PORTION + b"\xe9",
        b"x" * (PORTION - 1) + "ä".encode(),
        b"x" * (LIMIT + 1),
    ],
)
def test_a_file_is_read_as_its_bytes_are(name: str, data: bytes, tmp_path: Path) -> None:
    check(name, data, tmp_path / "file")


@given(name=st.sampled_from(["a.txt", "a"]), data=st.binary(max_size=200))
def test_any_bytes_are_read_alike(tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes) -> None:
    check(name, data, tmp_path_factory.getbasetemp() / "any")


def test_a_long_text_in_a_file_is_counted_and_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "long.txt"
    file.write_text("word " * 500_000)
    tracemalloc.start()
    try:
        found = document("long.txt", file, limit_bytes=LIMIT)
        made = draft(Order(), found, text_limit_characters=LIMIT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (found.text, found.characters) == (None, 2_500_000)
    assert isinstance(made.request.source, ObjectSource)
    assert made.uploads == {made.request.source.key: file}
    assert peak < 2_000_000
    with pytest.raises(TooLarge, match="2,500,000 characters"):
        draft(Order(), found, text_limit_characters=2_000_000)


def test_a_text_that_just_fits_into_a_message_travels_in_it(tmp_path: Path) -> None:
    file = tmp_path / "short.txt"
    for characters, kind in ((INLINE_TEXT_LIMIT_CHARACTERS, "text"), (INLINE_TEXT_LIMIT_CHARACTERS + 1, "object")):
        file.write_text("ä" * characters, encoding="utf-8")
        found = document("short.txt", file, limit_bytes=LIMIT)
        assert draft(Order(), found, text_limit_characters=LIMIT).request.source.kind == kind
