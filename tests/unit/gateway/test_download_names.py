"""Under which name a file is downloaded: nothing in a title can leave the header or the folder."""

from __future__ import annotations

import re
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.gateway.download_names import disposition, download_name

_SAFE = re.compile(r"""(attachment|inline); filename="[A-Za-z0-9.-]+"(; filename\*=UTF-8''[A-Za-z0-9.%_~-]+)?""")


def read_by_a_client(header: str) -> str:
    """The name, as Python's own reader of such headers understands it; the extended one first (RFC 6266, 4.3)."""
    plain, star, extended = header.partition("filename*=")
    message = Message()
    message["content-disposition"] = (
        f"{plain.rpartition(';')[0].partition(';')[0]}; {star}{extended}" if star else header
    )
    return message.get_filename() or ""


@pytest.mark.parametrize(
    ("title", "author", "name"),
    [
        ("The Ferry", "", "The-Ferry.mp3"),
        ("The Ferry", "A. Tester", "The-Ferry-A-Tester.mp3"),
        ('A "quoted"; title=x', "", "A-quoted-title-x.mp3"),
        ("../../etc/passwd", "", "etc-passwd.mp3"),
        ("a\r\nSet-Cookie: x=1", "", "a-Set-Cookie-x-1.mp3"),
        ("\u202egnp.exe", "", "gnp-exe.mp3"),
        ("Grüße aus Köln", "Ø", "Grüße-aus-Köln-Ø.mp3"),
        ("日本語の本", "", "日本語の本.mp3"),
        ("🎙️🎧", "", "episode.mp3"),
        ("", "", "episode.mp3"),
        ("C:\\Windows\\con", "", "C-Windows-con.mp3"),
        ("con", "", "episode-con.mp3"),
        ("%00%2e%2e%2f", "", "00-2e-2e-2f.mp3"),
        ("x" * 5_000, "y" * 5_000, "x" * 160 + ".mp3"),
    ],
)
def test_a_hostile_title_becomes_a_harmless_name(title: str, author: str, name: str) -> None:
    assert download_name(title, author, "mp3") == name
    header = disposition(name, is_attachment=True)
    assert _SAFE.fullmatch(header)
    assert read_by_a_client(header) == name


def test_the_kind_of_file_decides_the_suffix() -> None:
    assert [download_name("T", "", kind) for kind in ("m4b", "vtt", "chapters", "timing", "manifest.json")] == [
        "T.m4b",
        "T.vtt",
        "T.chapters.json",
        "T.timing.json",
        "T.manifest.json",
    ]


def test_a_browser_shows_or_saves_it() -> None:
    assert disposition("a.mp3", is_attachment=False) == 'inline; filename="a.mp3"'
    assert disposition("ä.mp3", is_attachment=True) == "attachment; filename=\"a.mp3\"; filename*=UTF-8''%C3%A4.mp3"


@given(some.text(), some.text())
def test_whatever_the_title_the_header_is_well_formed(title: str, author: str) -> None:
    name = download_name(title, author, "chapters")
    header = disposition(name, is_attachment=False)
    assert _SAFE.fullmatch(header)
    assert read_by_a_client(header) == name
    assert len(name.encode()) < 255
