"""The language of a text chooses its voice: real broker, store and services, and espeak-ng with its many voices."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypandoc
import pytest
from click.testing import CliRunner, Result

from deploy.local import StackPlan, start_detached, stop
from services.cli.app import cli
from shared.protocol.manifest import Manifest

GERMAN = "Als er eines Morgens aus unruhigen Träumen erwachte, fand er sich in seinem Bett, und draußen regnete es."
ENGLISH = "It was a bright cold day, and the clocks were striking thirteen while she slipped quickly through the doors."


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("stack")
    asyncio.run(start_detached(folder, StackPlan(engine="espeak-ng", synthesizers=1)))
    yield folder
    stop(folder)


@pytest.fixture(autouse=True)
def _on_the_stack(stack: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("PODCAST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PODCAST_STATE_DIR", str(stack))
    monkeypatch.chdir(tmp_path)


def podcast(*args: str) -> Result:
    result = CliRunner().invoke(cli, args, prog_name="podcast")
    assert result.exit_code == 0, result.output
    return result


def rendered(*args: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(podcast("render", *args, "--json").stdout)
    return found


def manifest(stack: Path, job_id: str) -> Manifest:
    found = next(stack.rglob(f"{job_id}/manifest.json"))
    return Manifest.model_validate_json(found.read_bytes())


def voices_spoken(stack: Path) -> set[str]:
    """The voices that the speech server has spoken with."""
    log = "".join(path.read_text(encoding="utf-8") for path in stack.rglob("speech*.log*"))
    return set(re.findall(r"spoken .*\bvoice=(\S+)", log))


def test_a_german_book_is_spoken_by_a_german_voice_without_being_told(stack: Path, tmp_path: Path) -> None:
    pypandoc.convert_text(
        f"# Erstes Kapitel\n\n{GERMAN}\n\n{ENGLISH}\n\n{GERMAN}",
        "epub",
        format="markdown",
        outputfile="book.epub",
        extra_args=["--metadata", "title=Das Haus", "--metadata", "lang=de-DE"],
    )
    found = rendered("book.epub", "-o", "book.mp3")
    assert (found["language"], found["voice"], found["warnings"]) == ("de-DE", "de", [])
    made = manifest(stack, found["job_id"])
    assert [chunk.language for chunk in made.chunks] == [None, None, "en", None]
    assert [made.chunk_request(index).voice for index in range(4)] == ["de", "de", "default", "de"]
    assert voices_spoken(stack) >= {"de", "en-us"}
    assert (tmp_path / "book.mp3").stat().st_size > 10_000


def test_a_language_that_no_voice_speaks_is_a_warning_in_preview_and_episode(tmp_path: Path) -> None:
    (tmp_path / "text.md").write_text(ENGLISH, encoding="utf-8")
    shown = podcast("preview", "text.md", "--language", "yi").stdout
    assert "warning: The text is in Yiddish (yi), and no voice that the speech servers list speaks it" in shown
    found = podcast("render", "text.md", "-o", "text.mp3", "--language", "yi").stdout
    assert "warning: The text is in Yiddish (yi), and no voice" in found


def test_a_voice_that_the_job_names_is_kept_and_a_mismatch_says_which_to_take(tmp_path: Path) -> None:
    (tmp_path / "text.md").write_text(GERMAN, encoding="utf-8")
    found = rendered("text.md", "-o", "text.mp3", "--voice", "en-gb")
    assert found["voice"] == "en-gb"
    assert "Take --voice de for it." in found["warnings"][0]


def test_speakers_of_a_script_are_heard_in_turns(stack: Path, tmp_path: Path) -> None:
    lines = (
        "HOST: Welcome to the show.",
        "GUEST: Thank you very much.",
        "HOST: Goodbye then.",
        "GUEST: Goodbye to you.",
    )
    (tmp_path / "talk.md").write_text("\n\n".join(lines), encoding="utf-8")
    found = rendered("talk.md", "-o", "talk.mp3", "--captions", "--voice", "HOST=en-gb")
    made = manifest(stack, found["job_id"])
    asked = [made.chunk_request(index).voice for index in range(4)]
    assert asked[::2] == ["en-gb", "en-gb"]
    assert asked[1] == asked[3] != "en-gb"
    captions = (tmp_path / "talk.vtt").read_text(encoding="utf-8")
    assert "<v HOST>Welcome to the show." in captions
    assert "<v GUEST>Thank you very much." in captions
