"""The command line with the whole system: real broker, store, services and speech."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner, Result

from deploy.local import StackPlan, start_detached, stop
from services.cli.app import cli
from tests.servers.pages import serving
from tests.unit.chunker.test_covers import picture, with_cover

ARTICLE = """\
# The Lighthouse

It stood on the last rock of the coast, and every evening somebody climbed its stairs.

## The Keeper

Her name was Anna Brandt, and she had counted them: there were 217.

```python
print("this is not spoken")
```

## The Light

It could be seen from 20 miles away, and on clear nights from even farther.
"""
LONG = "\n\n".join(
    f"This is paragraph number {number} of a text that takes its time to be spoken." for number in range(400)
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running `podcast up`, and its folder."""
    folder = tmp_path_factory.mktemp("stack")
    asyncio.run(start_detached(folder, StackPlan(engine="espeak-ng", synthesizers=1)))
    yield folder
    stop(folder)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("PODCAST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PODCAST_STATE_DIR", str(tmp_path / "no-stack"))
    monkeypatch.setenv("PODCAST_SPEECH_DEFAULT_ENGINE", "espeak-ng")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _on_the_stack(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODCAST_STATE_DIR", str(stack))


on_the_stack = pytest.mark.usefixtures("_on_the_stack")


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "lighthouse.md"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


@pytest.fixture
def long_text(tmp_path: Path) -> Path:
    path = tmp_path / "long.txt"
    path.write_text(LONG, encoding="utf-8")
    return path


def podcast(*args: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, [str(arg) for arg in args], input=stdin, prog_name="podcast")


def started(*args: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "services.cli.app", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )


def said(process: subprocess.Popen[str], line: str) -> None:
    """Wait until the process prints a line that begins with `line` on stderr."""
    assert process.stderr is not None
    heard = []
    for heard_line in process.stderr:
        heard.append(heard_line)
        if heard_line.startswith(line):
            return
    pytest.fail(f"it ended without saying {line!r}: {''.join(heard)}")


def probe(path: Path) -> dict[str, Any]:
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters", str(path)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    found: dict[str, Any] = json.loads(shown.stdout)
    return found


def state_of(job_id: str) -> str:
    return str(json.loads(podcast("status", job_id, "--json").stdout)["state"])


@on_the_stack
def test_an_article_becomes_an_episode(article: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "lighthouse.mp3"
    refused = podcast("render", article, "-o", out)
    assert (refused.exit_code, out.parent.exists()) == (2, False), "no folder is made silently"
    assert f"Make it with `mkdir -p {out.parent}`." in refused.stderr
    out.parent.mkdir()

    rendered = podcast("render", article, "-o", out, "--author", "A. Writer", "--captions")

    assert rendered.exit_code == 0, rendered.output
    found = probe(out)
    assert found["format"]["tags"]["title"] == "The Lighthouse"
    assert found["format"]["tags"]["artist"] == "A. Writer"
    assert [chapter["tags"]["title"] for chapter in found["chapters"]] == [
        "The Lighthouse",
        "The Keeper",
        "The Light",
    ]
    assert 10 < float(found["format"]["duration"]) < 60
    assert (tmp_path / "new" / "lighthouse.vtt").read_text(encoding="utf-8").startswith("WEBVTT")
    assert (
        json.loads((tmp_path / "new" / "lighthouse.chapters.json").read_text())["chapters"][1]["title"] == "The Keeper"
    )
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "lighthouse.chapters.json",
        "lighthouse.mp3",
        "lighthouse.vtt",
    ], "nothing else is left there"
    for shown in (str(out), "The Lighthouse", "LUFS", "chapters  3", "synthesizing", "left out of the speech", "code"):
        assert shown in rendered.stdout
    assert "speaking" in rendered.stderr


@on_the_stack
def test_stdin_and_several_formats_and_json(tmp_path: Path) -> None:
    rendered = podcast(
        "render", "-", "-o", "o.m4b", "--format", "wav", "--title", "From a Pipe", "--json", stdin=ARTICLE
    )

    assert rendered.exit_code == 0, rendered.output
    told = json.loads(rendered.stdout)
    assert told["state"] == "completed"
    assert told["title"] == "From a Pipe"
    assert told["outputs"] == {"m4b": str(tmp_path / "o.m4b"), "wav": str(tmp_path / "o.wav")}
    assert told["chunks"]["done"] == told["chunks"]["total"] > 0
    assert told["chapters"] == ["The Lighthouse", "The Keeper", "The Light"]
    assert [omission["kind"] for omission in told["omissions"]] == ["code"]
    for path in told["outputs"].values():
        assert float(probe(Path(path))["format"]["duration"]) == pytest.approx(told["audio_seconds"], abs=0.2)


@on_the_stack
def test_each_chapter_is_a_file_of_its_own_and_nothing_is_spoken_for_it(article: Path, tmp_path: Path) -> None:
    assert podcast("render", article, "-o", "whole.mp3").exit_code == 0

    rendered = podcast("render", article, "-o", "book/", "--chapter-files", "--format", "m4b", "--captions")

    assert rendered.exit_code == 0, rendered.output
    titles = ["The Lighthouse", "The Keeper", "The Light"]
    files = [tmp_path / "book" / f"0{number} {title}.m4b" for number, title in enumerate(titles, 1)]
    beside = ["lighthouse.chapters.json", "lighthouse.vtt", "playlist.m3u8"]
    assert sorted(path.name for path in (tmp_path / "book").iterdir()) == [*(path.name for path in files), *beside]
    for path, title in zip(files, titles, strict=True):
        found = probe(path)
        assert (found["format"]["tags"]["title"], found["format"]["tags"]["album"]) == (title, "The Lighthouse")
        assert 2 < float(found["format"]["duration"]) < 30
    assert probe(files[2])["format"]["tags"]["track"] == "3/3"
    assert "6 files in " in rendered.stdout

    packed = podcast("render", article, "-o", "book.zip", "--json")
    assert packed.exit_code == 0, packed.output
    told = json.loads(packed.stdout)
    assert told["outputs"] == {"zip": str(tmp_path / "book.zip")}
    with zipfile.ZipFile(tmp_path / "book.zip") as archive:
        assert archive.namelist() == [
            *(f"0{number} {title}.mp3" for number, title in enumerate(titles, 1)),
            "playlist.m3u8",
        ]
    assert podcast("fetch", told["job_id"], "--chapter-files", "-o", "again/").exit_code == 0
    assert len(list((tmp_path / "again").iterdir())) == 4
    times = json.loads(podcast("status", told["job_id"], "--json").stdout)
    assert times["stages"]["synthesizing"] < 1, "everything was found"

    other = tmp_path / "other.md"
    other.write_text("# Another\n\nIt is short.\n", encoding="utf-8")
    both = podcast("render", article, other, "-o", "shelf/", "--chapter-files")
    assert both.exit_code == 0, both.output
    assert {path.name for path in (tmp_path / "shelf").iterdir()} == {"lighthouse", "other"}
    assert (tmp_path / "shelf" / "other" / "01 Another.mp3").is_file()


@on_the_stack
def test_submit_watch_status_fetch_jobs(article: Path, tmp_path: Path) -> None:
    submitted = podcast("submit", article)
    job_id = submitted.stdout.strip()
    assert (submitted.exit_code, submitted.stdout) == (0, f"{job_id}\n")

    watched = podcast("watch", job_id)
    assert watched.exit_code == 0, watched.output
    assert watched.stdout.startswith("completed: ")

    told = json.loads(podcast("status", job_id, "--json").stdout)
    assert (told["job_id"], told["state"], told["error"]) == (job_id, "completed", None)
    assert set(told["stages"]) >= {"chunking", "synthesizing", "assembling"}
    assert podcast("watch", job_id).exit_code == 0, "also when the job has ended long ago"

    assert podcast("fetch", job_id, "-o", "episode.mp3").exit_code == 0
    assert probe(tmp_path / "episode.mp3")["format"]["format_name"] == "mp3"
    assert podcast("fetch", job_id, "-o", "all/").exit_code == 0
    assert {path.suffix for path in (tmp_path / "all").iterdir()} >= {".mp3", ".vtt"}

    assert job_id in [job["job_id"] for job in json.loads(podcast("jobs", "--json").stdout)]


@on_the_stack
def test_what_is_wrong_with_a_document_is_said_at_its_submission(tmp_path: Path) -> None:
    book = tmp_path / "book.epub"
    book.write_bytes(with_cover("meta", picture(600, 900)))
    voice = json.loads(podcast("voices", "--language", "en", "--json").stdout)[0]["voice"]
    german = tmp_path / "german.txt"
    german.write_text("Es war einmal ein Leuchtturm, der stand am Meer, und niemand kannte ihn.", encoding="utf-8")

    small = podcast("submit", book, "--warnings-wait", "60")
    foreign = podcast("submit", german, "--voice", voice, "--warnings-wait", "60", "--json")
    both = podcast("submit", book, german, "--voice", voice, "--warnings-wait", "60")

    assert (small.exit_code, small.stderr.count("warning: ")) == (0, 1)
    assert "has 600 x 900 pixels" in small.stderr
    assert small.stdout.strip() != ""
    told = json.loads(foreign.stdout)
    assert [voice in warning and "de" in warning for warning in told["warnings"]] == [True]
    assert "has 600 x 900 pixels" in podcast("watch", small.stdout.strip(), "--quiet").stderr
    assert f"{book}: warning: " in both.stderr
    assert f"{german}: warning: " in both.stderr


@on_the_stack
def test_an_engine_is_asked_of_the_running_stack(article: Path, tmp_path: Path) -> None:
    rendered = podcast("render", article, "-o", "o.mp3", "--engine", "espeak-ng", "--json")
    assert rendered.exit_code == 0, rendered.output
    assert json.loads(rendered.stdout)["model"] == "espeak-ng"
    missing = podcast("render", article, "-o", "p.mp3", "--engine", "kokoro")
    if missing.exit_code != 0:  # nobody has set Kokoro up on this machine
        assert missing.exit_code == 2
        assert "The stack's speech server has no engine kokoro. It has default, " in missing.stderr
        assert not (tmp_path / "p.mp3").exists()


@on_the_stack
def test_the_same_id_twice_is_one_job(article: Path) -> None:
    assert podcast("submit", article, "--id", "twice").stdout == "twice\n"
    again = podcast("submit", "-", "--id", "twice", stdin="Something else.")
    assert (again.exit_code, again.stdout) == (0, "twice\n")
    assert podcast("watch", "twice").exit_code == 0
    assert json.loads(podcast("status", "twice", "--json").stdout)["title"] == "The Lighthouse"
    assert [job["job_id"] for job in json.loads(podcast("jobs", "--json").stdout)].count("twice") == 1


@on_the_stack
def test_a_cancelled_job_ends(long_text: Path) -> None:
    job_id = podcast("submit", long_text, "--max-parallel", "1").stdout.strip()
    cancelled = podcast("cancel", job_id)
    assert (cancelled.exit_code, cancelled.stdout) == (0, "cancelled\n")
    watched = podcast("watch", job_id)
    assert watched.exit_code == 1
    assert "was cancelled: cancelled by the client" in watched.stderr
    assert podcast("fetch", job_id, "-o", "o.mp3").exit_code == 1


@pytest.fixture
def web() -> Iterator[str]:
    pages = {"/empty.html": b"<html><head><title>x</title></head><body><nav>Home</nav></body></html>"}
    with serving(pages.get) as address:
        yield address


@on_the_stack
def test_what_a_service_finds_wrong_is_a_failed_job_with_its_sentence(web: str, article: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.epub"
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", "<container><rootfiles>")
    for source, options, sentence in (
        (f"{web}/missing.html", [], "404"),
        (f"{web}/empty.html", [], "text"),
        (broken, [], "The EPUB is broken"),
        (article, ["--voice", "no-such-voice"], "no-such-voice"),
    ):
        rendered = podcast("render", source, "-o", "o.mp3", *options)
        assert rendered.exit_code == 1, (source, rendered.output)
        assert sentence in rendered.stderr
        assert rendered.stdout == ""
        assert "Traceback" not in rendered.stderr
        assert not Path("o.mp3").exists()
    failed = podcast("render", f"{web}/missing.html", "-o", "o.mp3", "--json")
    assert (failed.exit_code, json.loads(failed.stdout)["state"]) == (1, "failed")


@on_the_stack
def test_ctrl_c_cancels_the_job_that_is_rendered(long_text: Path, tmp_path: Path) -> None:
    with started("render", long_text, "-o", "o.mp3", "--id", "unwanted", "--max-parallel", "1") as process:
        said(process, "speaking")
        since = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, ""), err
    assert "Traceback" not in err
    assert time.monotonic() - since < 5
    assert podcast("watch", "unwanted").exit_code == 1
    assert state_of("unwanted") == "cancelled"
    assert not (tmp_path / "o.mp3").exists()


@on_the_stack
def test_ctrl_c_on_a_watcher_leaves_the_job_alone(long_text: Path) -> None:
    job_id = podcast("submit", long_text, "--max-parallel", "1").stdout.strip()
    with started("watch", job_id) as process:
        said(process, "speaking")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"The job goes on; `podcast cancel {job_id}` stops it." in err
    assert state_of(job_id) == "synthesizing"
    podcast("cancel", job_id)


def left_running(temporary: Path) -> list[str]:
    """Processes whose working directory or command line contains `temporary`."""
    return [
        str(process.info)
        for process in psutil.process_iter(["pid", "cmdline", "cwd"])
        if str(temporary) in f"{process.info['cwd']} {process.info['cmdline']}"
    ]


def test_without_any_stack_it_brings_up_its_own_and_takes_it_down(article: Path, tmp_path: Path) -> None:
    with started("render", article, "-o", "o.opus", "--json") as process:
        out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    told = json.loads(out)
    assert told["state"] == "completed"
    assert probe(tmp_path / "o.opus")["streams"][0]["codec_name"] == "opus"
    assert list((tmp_path / "temporary").iterdir()) == []
    assert left_running(tmp_path / "temporary") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["starting", "speaking"])
def test_interrupted_it_takes_its_own_stack_down(
    long_text: Path, tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    with started("render", long_text, "-o", "o.mp3", "--max-parallel", "1") as process:
        said(process, moment)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert "Traceback" not in err
    assert list((tmp_path / "temporary").iterdir()) == []
    assert left_running(tmp_path / "temporary") == []
    assert not (tmp_path / "o.mp3").exists()
