"""`podcast render` of an edited book speaks what was edited and nothing else, and replaces the file in one step."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli.app import cli
from tests.servers import tones
from tests.servers.services import Services
from tests.servers.speech_process import ToneSpeech

pytestmark = pytest.mark.parametrize("services", ["file"], indirect=True)

PARAGRAPHS = 290
CHAPTERS = 10
EDITED = 150


def book(**changed: str) -> str:
    """300 chunks: ten headings and short paragraphs."""
    lines = []
    for number in range(PARAGRAPHS):
        if number % (PARAGRAPHS // CHAPTERS) == 0:
            lines.append(f"# Part {number}")
        lines.append(changed.get(f"line_{number}", f"Line {number} here."))
    return "\n\n".join(lines)


def podcast(services: Services, *args: str | Path) -> Result:
    others: dict[str, str | None] = {name: None for name in os.environ if name.startswith("PODCAST_")}
    runner = CliRunner(env={**others, **services.environment})
    return runner.invoke(cli, [*map(str, args)], prog_name="podcast")


@contextmanager
def watched(path: Path) -> Iterator[set[tuple[int, int]]]:
    """What anybody who looks at a file sees meanwhile: inodes and sizes."""
    seen: set[tuple[int, int]] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.001):
            found = path.stat()  # FileNotFoundError would be seen as one state less
            seen.add((found.st_ino, found.st_size))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        ended.set()
        looking.join()


def test_one_edited_paragraph_of_300_chunks_is_one_speech_call_and_the_file_is_replaced_in_one_step(
    services: Services, tone_speech: ToneSpeech, tmp_path: Path
) -> None:
    source, episode = tmp_path / "book.md", tmp_path / "book.mp3"
    source.write_text(book(), encoding="utf-8")
    tone_speech.forget()
    rendered = podcast(services, "render", source, "-o", episode, "--json")
    assert rendered.exit_code == 0, rendered.output
    first = json.loads(rendered.stdout)
    assert len(tone_speech.texts()) == 300
    before = episode.stat()

    source.write_text(book(**{f"line_{EDITED}": "An edited line."}), encoding="utf-8")
    foretold = json.loads(podcast(services, "diff", first["job_id"], source, "--json").stdout)
    tone_speech.forget()
    with episode.open("rb") as listening, watched(episode) as seen:
        old = episode.read_bytes()
        again = podcast(services, "render", source, "-o", episode)
        assert listening.read() == old, "whoever listens to the old file hears it to its end"
    after = episode.stat()

    assert again.exit_code == 0, again.output
    assert tone_speech.texts() == ["An edited line."]
    assert [text["text"] for text in foretold["anew"]["texts"]] == ["An edited line."]
    assert [text["text"] for text in foretold["gone"]["texts"]] == [f"Line {EDITED} here."]
    assert seen <= {(before.st_ino, before.st_size), (after.st_ino, after.st_size)}
    assert after.st_ino != before.st_ino
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.md", "book.mp3"]
    heard = " ".join(tones.hear_texts(episode))
    assert f"Line {EDITED - 1} here. An edited line. Line {EDITED + 1} here." in heard
    assert f"Line {EDITED} here." not in heard
