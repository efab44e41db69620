"""`podcast lint --online` looks at the files that a feed names, and finds what is wrong with each."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from services.cli.feed_lint.linting import lint
from tests.unit.cli.conftest import Podcast

AUDIO: Final = bytes(1_234)


def png(width: int, height: int) -> bytes:
    """A PNG as far as its header goes."""
    sizes = width.to_bytes(4) + height.to_bytes(4)
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + sizes + b"0" * 9 + b"IEND0000"


class Site(BaseHTTPRequestHandler):
    """A host of podcasts that does some things wrong, by path."""

    FILES: Final = {
        "/cover.png": ("image/png", png(1_400, 1_400)),
        "/small.png": ("image/png", png(600, 600)),
        "/wide.png": ("image/png", png(2_000, 1_500)),
        "/lies.jpg": ("image/jpeg", png(1_400, 1_400)),
        "/1.mp3": ("audio/mpeg", AUDIO),
        "/whole.mp3": ("audio/mpeg", AUDIO),
        "/no-head.mp3": ("audio/mpeg", AUDIO),
        "/no-head.png": ("image/png", png(1_400, 1_400)),
        "/text.mp3": ("text/html", AUDIO),
    }

    def do_HEAD(self) -> None:
        self._answer(is_head=True)

    def do_GET(self) -> None:
        self._answer(is_head=False)

    def _answer(self, *, is_head: bool) -> None:
        kind, body = self.FILES.get(self.path, ("", b""))
        if not kind or (is_head and self.path.startswith("/no-head")):
            self.send_response(404 if not kind else 405)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        is_part = "Range" in self.headers and self.path != "/whole.mp3"
        sent = body[:1] if is_part else body
        self.send_response(206 if is_part else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if not is_head:
            self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def feed(site: str, *, cover: str = "/cover.png", audio: str = "/1.mp3", length: int = len(AUDIO)) -> str:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title>A</title>
<itunes:image href="{site}{cover}"/>
<item><title>One</title><enclosure url="{site}{audio}" length="{length}" type="audio/mpeg"/></item>
</channel></rss>"""


@pytest.mark.parametrize(
    ("wrong", "rules"),
    [
        ({}, []),
        ({"cover": "/gone.png"}, ["head", "file"]),
        ({"cover": "/no-head.png"}, ["head"]),
        ({"cover": "/small.png"}, ["picture-size"]),
        ({"cover": "/wide.png"}, ["picture-size"]),
        ({"cover": "/lies.jpg"}, ["picture"]),
        ({"cover": "/1.mp3"}, ["picture"]),
        ({"audio": "/gone.mp3"}, ["file"]),
        ({"audio": "/no-head.mp3"}, ["head"]),
        ({"audio": "/whole.mp3"}, ["range"]),
        ({"audio": "/text.mp3"}, ["file-type"]),
        ({"length": 1_235}, ["file-length"]),
    ],
)
def test_what_is_wrong_with_a_file_is_found(
    podcast: Podcast, tmp_path: Path, site: str, wrong: dict[str, str], rules: list[str]
) -> None:
    document = feed(site, **wrong)  # type: ignore[arg-type] # of each its own
    path = tmp_path / "feed.xml"
    path.write_text(document)
    offline = [finding.rule for finding in lint(document.encode())]
    found = re.findall(r"\[([a-z-]+);", podcast("lint", path, "--online").stdout)
    for rule in offline:
        found.remove(rule)
    assert found == rules


def test_a_host_that_is_not_there_is_a_finding(podcast: Podcast, tmp_path: Path, unused_tcp_port: int) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(feed(f"http://127.0.0.1:{unused_tcp_port}"))
    assert podcast("lint", path, "--online").stdout.count("[file;") == 2
    path.write_text("no XML")
    assert podcast("lint", path, "--online").exit_code == 1
