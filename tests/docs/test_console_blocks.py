"""Every console block in README.md and the guides works as printed, on a real stack."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import read_state
from shared.settings import Settings, load
from tests.docs.console import Command, Ids, Shell, blocks
from tests.servers.pages import serving

ROOT = Path(__file__).parents[2]
README = "README.md"
GUIDES = ("docs/http.md", "docs/http-jobs.md", "docs/dead-letters.md", "docs/operations.md")
"""README's blocks start and stop their own stack; the guides' blocks expect a running one, which they share."""
ARTICLE = """\
# The Lighthouse

It stood on the last rock of the coast, and every evening somebody climbed its stairs.

## The Keeper

Her name was Anna Brandt, and she had counted them: there were 217.

## The Light

It could be seen from 20 miles away, and on clear nights from even farther.
"""
PARAGRAPH = "A sentence of the essay. " * 12
PAGE = f"<html><head><title>Essay</title></head><body><article><p>{PARAGRAPH}</p></article></body></html>"


@pytest.fixture
def web() -> Iterator[str]:
    """A server that stands in for https://example.org, so that the test needs no Internet."""
    with serving(lambda _: PAGE.encode()) as address:
        yield address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The reader's working directory, with the documents that the pages mention."""
    folder = tmp_path / "reader"
    folder.mkdir()
    (folder / "article.md").write_text(ARTICLE, encoding="utf-8")
    (folder / "notes.txt").write_text("Some notes, to be heard on the way home.\n", encoding="utf-8")
    with zipfile.ZipFile(folder / "book.epub", "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr(
            "META-INF/container.xml",
            '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        book.writestr(
            "book.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
            '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">x</dc:identifier>'
            "<dc:title>The Lighthouse</dc:title><dc:language>en</dc:language></metadata><manifest>"
            '<item id="one" href="one.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="one"/></spine></package>',
        )
        book.writestr(
            "one.xhtml",
            '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>One</title></head><body><h1>One</h1>'
            "<p>It stood on the last rock of the coast.</p><p>Every evening somebody climbed its stairs.</p>"
            "</body></html>",
        )
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A reader's environment; any stack that still runs in it at the end is taken down."""
    variables = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "TMPDIR": str(tmp_path),
        "PODCAST_STATE_DIR": str(tmp_path / "state"),
        "PODCAST_CACHE_DIR": str(load().cache_dir.expanduser()),
        "PODCAST_SPEECH_DEFAULT_ENGINE": "espeak-ng",  # fast; the pages' output does not depend on it
        "PODCAST_FETCH_ALLOW": "127.0.0.0/8",
    }
    yield variables
    subprocess.run(["podcast", "down"], env=variables, check=False, capture_output=True, timeout=120)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("pages", [(README,), GUIDES], ids=["README", "guides"])
def test_every_console_block_works_as_it_is_printed(
    pages: tuple[str, ...], folder: Path, environment: dict[str, str], web: str
) -> None:
    state_dir = Path(environment["PODCAST_STATE_DIR"])
    with Shell(folder, environment) as shell:
        if README not in pages:
            assert shell.run("podcast up --detach")[0] == 0
        for page in pages:
            ids = Ids()
            for block in blocks((ROOT / page).read_text(encoding="utf-8")):
                if block.reason_not_to_run:
                    continue
                for command in block.commands:
                    if "$PODCAST_AMQP_URL" in command.line or "$PODCAST_API_URL" in command.line:
                        paste_addresses(shell, state_dir)
                    check(command, *shell.run(ids.put_into(command.line.replace("https://example.org", web))), ids)


def paste_addresses(shell: Shell, state_dir: Path) -> None:
    """What `podcast up` has printed, and a reader has pasted."""
    if (state := read_state(state_dir)) is not None:
        shell.run(f"export PODCAST_AMQP_URL='{state.amqp_url}' PODCAST_STORE_URL='{state.store_url}'")
        shell.run(f"export PODCAST_API_URL='{state.api_url}' PODCAST_API_KEY='{state.api_key}'")


def check(command: Command, code: int, printed: str, ids: Ids) -> None:
    shown = f"$ {command.line}\n{printed}[exit code {code}]"
    assert (code != 0) is command.fails, shown
    if command.output is not None:
        assert ids.learn(command.output, printed), f"{shown}\nbut the page says:\n{command.output}"
    assert "Traceback" not in printed, shown


def test_every_block_says_why_if_it_is_not_run() -> None:
    for page in (README, *GUIDES):
        for block in blocks((ROOT / page).read_text(encoding="utf-8")):
            assert block.commands
            assert not block.reason_not_to_run or len(block.reason_not_to_run.split()) > 3


def test_the_guide_names_the_true_numbers_of_attempts() -> None:
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven")
    text = " ".join((ROOT / "docs/dead-letters.md").read_text(encoding="utf-8").split())
    assert f"after {words[Settings().attempts_limit]} attempts (`PODCAST_ATTEMPTS_LIMIT`)" in text
    assert f"after {words[Settings().chunker_attempts_limit]} (`PODCAST_CHUNKER_ATTEMPTS_LIMIT`)" in text
