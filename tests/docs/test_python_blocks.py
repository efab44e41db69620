"""Every Python block in the guides works as printed, on a real stack."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import StackPlan, start_detached, stop
from deploy.local.state import StackState
from tests.docs.console import Ids

ROOT = Path(__file__).parents[2]
PAGES = ["docs/python-client.md"]
BLOCK = re.compile(r"^```(?P<language>python|text)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
ARTICLE = "# The Lighthouse\n\nIt stood on the last rock of the coast.\n\n## The Keeper\n\nHer name was Anna Brandt.\n"
PAGE_SECONDS = 200


def program(page: str) -> str:
    """The page's Python blocks, each line at its place in the page, so that a traceback names it."""
    lines = [""] * page.count("\n")
    for found in BLOCK.finditer(page):
        if found["language"] == "python":
            begin = page.count("\n", 0, found.start("body"))
            body = found["body"].splitlines()
            lines[begin : begin + len(body)] = body
    return "\n".join(lines)


def output(page: str) -> str:
    """What the page says that it prints."""
    return "".join(found["body"] for found in BLOCK.finditer(page) if found["language"] == "text")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[StackState]:
    directory = tmp_path / "stack"
    yield asyncio.run(start_detached(directory, StackPlan(engine="espeak-ng", synthesizers=1)))
    stop(directory)


@pytest.mark.parametrize("page", PAGES)
def test_every_python_block_works_as_it_is_printed(page: str, stack: StackState, tmp_path: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    folder = tmp_path / "reader"
    folder.mkdir()
    (folder / "article.md").write_text(ARTICLE, encoding="utf-8")
    (folder / Path(page).with_suffix(".py").name).write_text(program(text), encoding="utf-8")

    ended = subprocess.run(
        [sys.executable, Path(page).with_suffix(".py").name],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PODCAST_API_URL": stack.api_url, "PODCAST_API_KEY": stack.api_key},
        capture_output=True,
        text=True,
        timeout=PAGE_SECONDS,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert Ids().learn(output(text).strip("\n"), ended.stdout), f"{ended.stdout}\nbut the page says:\n{output(text)}"
    assert (folder / "article.mp3").stat().st_size > 10_000
    assert (folder / "article.vtt").read_text().startswith("WEBVTT")
    assert (folder / "spoken.mp3").stat().st_size > 10_000


@pytest.mark.parametrize("page", PAGES)
def test_a_block_stands_in_the_program_where_it_stands_in_the_page(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    tree = ast.parse(program(text))
    lines = text.splitlines()
    assert tree.body
    assert all(ast.unparse(node).split("\n")[0][:6] == lines[node.lineno - 1][:6] for node in tree.body[:3])
