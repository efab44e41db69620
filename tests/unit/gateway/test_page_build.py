"""The page that is committed is that of its sources, and asks nothing of any other server."""

from __future__ import annotations

import gzip
import re

from deploy import page
from services.gateway.page_routes import POLICY, files

TRANSFER_LIMIT_BYTES = 60_000
"""Compressed, all of the page: a second on a line of 500 kbit/s."""
LATER = {"LICENCES.txt", "hls.js"}
"""What is loaded when somebody asks for it."""
PLAYER_LIMIT_BYTES = 130_000


def test_the_committed_build_is_of_the_sources() -> None:
    built = (page.BUILT / page.SOURCES_SUM).read_text(encoding="utf-8").strip()
    assert built == page.sources_sum(), "run `make page`, and commit what it builds"


def test_the_index_names_the_files_that_are_there() -> None:
    index = files()["index.html"].data.decode()
    named = re.findall(r'"/page/([\w.-]+)\?v=(\w+)"', index)
    assert {name for name, _ in named} == {"icon.svg", "page.css", "page.js"}
    assert all(files()[name].etag == version for name, version in named)


def test_nothing_is_inline_and_nothing_is_from_elsewhere() -> None:
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    index = files()["index.html"].data.decode()
    assert not re.search(r"<style|<script(?![^>]* src=)|\son\w+=|https?://", index)
    # Names of XML namespaces are no addresses that anybody fetches.
    css, script = (files()[name].data.decode() for name in ("page.css", "page.js"))
    assert not re.search(r"@import|url\(", css)
    assert set(re.findall(r"https?://[\w./-]+", script)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xhtml",
        "http://www.w3.org/1998/Math/MathML",
    }
    # Preact can write markup, if it is asked to; nobody asks, and the policy would refuse it (trusted types).
    sources = "".join(path.read_text(encoding="utf-8") for path in page.SOURCE.rglob("*.ts*"))
    assert not re.search(r"InnerHTML|innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", sources)


def test_the_page_is_small() -> None:
    sizes = {name: len(gzip.compress(file.data, 9)) for name, file in files().items()}
    assert sum(size for name, size in sizes.items() if name not in LATER) < TRANSFER_LIMIT_BYTES
    assert sizes["hls.js"] < PLAYER_LIMIT_BYTES


def test_the_player_of_hls_is_no_part_of_the_page() -> None:
    """It is loaded with a click, by its address."""
    page_script = files()["page.js"].data.decode()
    assert "/page/hls.js" in page_script
    assert "EXT-X-" not in page_script
    assert "EXT-X-" in files()["hls.js"].data.decode()
