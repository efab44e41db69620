"""Every command ends with one of five exit codes, and with one plain sentence if something went wrong."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import click
import pytest

from services.cli import app, exits
from shared import errors
from shared.client import watching
from shared.protocol.messages import ChunkFailure
from shared.store import keys
from shared.store.port import Store
from tests.unit.cli.conftest import Podcast, a_status, put_status


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.md"
    path.write_text("# Title\n\nSome words to speak.\n", encoding="utf-8")
    return path


@pytest.fixture
def nobody() -> str:
    """HOST:PORT where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (exits.JobFailed("x"), 1),
        (errors.SpeechRejected("x"), 1),
        (errors.DeadlineExceeded("x"), 1),
        (ZeroDivisionError(), 1),
        (errors.BadSource("x"), 2),
        (errors.TooLarge("x"), 2),
        (errors.NotFound("x"), 2),
        (errors.Misconfigured("x"), 2),
        (click.UsageError("x"), 2),
        (errors.BrokerDown("x"), 3),
        (errors.StoreDown("x"), 3),
        (errors.SpeechDown("x"), 3),
        (exits.Interrupted("x"), 130),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_the_exit_code_follows_from_the_error(error: BaseException, code: int) -> None:
    assert exits.exit_code(error) == code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["render", "missing.md", "-o", "o.mp3"], "There is no file missing.md."),
        (["render", "article.md", "-o", "o.doc"], "o.doc ends in .doc, which is no audio format that can be made."),
        (["render", "article.md", "-o", "o"], "o has no suffix"),
        (["render", "article.md", "-o", "folder.mp3"], "is a folder."),
        (["render", "article.md", "-o", "article.md/o.mp3"], "Nothing can be written into"),
        (["render", "article.md", "-o", "no/such/o.mp3"], "Make it with `mkdir -p "),
        (["render", "missing.md", "-o", "no/such/o.mp3"], "There is no folder"),
        (["fetch", "j", "-o", "no/such/o.mp3"], "Make it with `mkdir -p "),
        (["fetch", "j", "-o", "no/such/"], "Make it with `mkdir -p "),
        (["fetch", "j", "-o", "folder"], "Write folder/ to make the folder"),
        (["dlq", "export", "-o", "no/such/letters.jsonl"], "Make it with `mkdir -p "),
        (["voices", "--speech-url", "http://localhost:1", "--sample", "-o", "no/such/"], "Make it with `mkdir -p "),
        (["render", "article.md"], "Missing option '-o'"),
        (["render", "article.md", "-o", "o.mp3", "--speed", "9"], "'--speed'"),
        (["render", "article.md", "-o", "o.mp3", "--max-parallel", "0"], "'--max-parallel'"),
        (["render", "article.md", "-o", "o.mp3", "--format", "doc"], "'--format'"),
        (["render", "article.md", "-o", "o.mp3", "--cover", "article.md"], "neither JPEG nor PNG"),
        (["render", "article.md", "-o", "o.mp3", "--tag", "album"], "--tag album is not NAME=VALUE."),
        (["render", "article.md", "-o", "o.mp3", "--id", "../x"], "cannot be the id of a job"),
        (["render", "article.md", "-o", "o.mp3", "--speech-url", "localhost:80"], "is no http or https address"),
        (["render", "article.md", "-o", "o.mp3", "--nonsense"], "--nonsense"),
        (["nonsense"], "No such command 'nonsense'."),
        (["rendr"], "No such command 'rendr'. Did you mean one of 'render', 'retry'?"),
        (["dlq", "lst"], "No such command 'lst'. Did you mean 'list'?"),
        (
            ["render", "article.md", "--ouput", "o.mp3"],
            "No such option '--ouput'. Did you mean one of '--output', '--outro'?",
        ),
        (["render", "article.md", "-o", "o.mp3", "--engine", "piper", "--model", "x"], "--engine and --model"),
    ],
)
def test_bad_usage_is_said_in_one_line_and_ends_with_2(
    podcast: Podcast, article: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "folder.mp3").mkdir()
    before = sorted(tmp_path.rglob("*"))

    result = podcast(*arguments)

    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert result.stderr.startswith("podcast: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before, f"{article.name} is all there was"


def test_empty_stdin_is_refused(podcast: Podcast) -> None:
    result = podcast("render", "-", "-o", "o.mp3", stdin="")
    assert (result.exit_code, result.stderr.partition(".")[0]) == (2, "podcast: The text on stdin is empty")


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_speech_server_that_is_down_is_named_before_anything_starts(
    podcast: Podcast, article: Path, nobody: str, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    options = ["--speech-url", f"http://{nobody}"] if by == "option" else []
    if by == "environment":
        monkeypatch.setenv("PODCAST_SPEECH_URL", f"http://{nobody}")
    result = podcast("render", article, "-o", "o.mp3", *options)
    assert result.exit_code == 3
    assert f"The speech server at http://{nobody} cannot be reached: Connection refused." in result.stderr


def test_a_broker_that_is_down_ends_with_3(
    podcast: Podcast, article: Path, store: Store, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PODCAST_AMQP_URL", f"amqp://{nobody}/")
    for command in (["submit", article], ["render", article, "-o", "o.mp3"]):
        result = podcast(*command)
        assert result.exit_code == 3
        assert "The broker cannot be reached" in result.stderr
        assert list(Path("store").rglob("*.json")) == [], f"nothing was handed over to {store.url}"


def test_a_store_that_is_down_ends_with_3(podcast: Podcast, nobody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODCAST_STORE_URL", f"s3://key:secret@{nobody}/bucket?secure=false")
    result = podcast("jobs")
    assert result.exit_code == 3
    assert f"The store at s3://{nobody}/bucket cannot be reached" in result.stderr
    assert "secret" not in result.stderr


def test_without_a_stack_it_says_how_to_get_one(podcast: Podcast, article: Path) -> None:
    result = podcast("submit", article)
    assert (result.exit_code, result.stderr) == (
        3,
        "podcast: No stack is running. "  # noqa: ISC004 - one sentence
        "Start one with `podcast up`, or set PODCAST_AMQP_URL and PODCAST_STORE_URL, or PODCAST_API_URL.\n",
    )


def test_half_a_stack_in_the_environment_is_a_mistake(podcast: Podcast, article: Path, store: Store) -> None:
    result = podcast("submit", article)
    assert result.exit_code == 2
    assert "PODCAST_STORE_URL is set but PODCAST_AMQP_URL is not." in result.stderr, store.url


def test_a_wrong_setting_is_named(podcast: Podcast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODCAST_CHUNKS_LIMIT", "many")
    result = podcast("jobs")
    assert result.exit_code == 2
    assert "PODCAST_CHUNKS_LIMIT is wrong" in result.stderr


def test_a_traceback_is_shown_only_with_debug(podcast: Podcast) -> None:
    assert "Traceback" not in podcast("render", "missing.md", "-o", "o.mp3").stderr
    assert "Traceback" in podcast("render", "missing.md", "-o", "o.mp3", "--debug").stderr
    assert "Traceback" in podcast("--debug", "render", "missing.md", "-o", "o.mp3").stderr


def test_every_command_is_there_and_explains_itself(podcast: Podcast) -> None:
    listed = podcast("--help")
    assert listed.exit_code == 0
    for name in app.COMMANDS:
        assert f"  {name} " in listed.stdout
        described = podcast(name, "--help")
        assert described.exit_code == 0
        assert "--debug" in described.stdout


def test_status_shows_how_a_job_stands(podcast: Podcast, store: Store) -> None:
    put_status(store, a_status("j", "synthesizing", stages={"chunking": 0.5}))
    shown = json.loads(podcast("status", "j", "--json").stdout)
    assert shown["job_id"] == "j"
    assert shown["state"] == "synthesizing"
    assert shown["chunks"] == {"total": 3, "done": 3, "failed": 0}
    assert shown["stages"] == {"chunking": 0.5}
    assert shown["error"] is None
    assert "synthesizing" in podcast("status", "j").stdout


@pytest.mark.parametrize("command", [["status"], ["fetch", "-o", "o.mp3"]])
def test_an_unknown_job_ends_with_2(
    podcast: Podcast, store: Store, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr(watching, "_FIRST_LOOK_SECONDS", 0.0)
    result = podcast(command[0], "nope", *command[1:])
    assert result.exit_code == 2, store.url
    assert "There is no job nope." in result.stderr


def test_jobs_lists_the_newest_first(podcast: Podcast, store: Store) -> None:
    for job_id, at in (("1-old", 1.0), ("2-new", 2.0)):
        put_status(store, a_status(job_id, submitted_at=at))
    assert [job["job_id"] for job in json.loads(podcast("jobs", "--json").stdout)] == ["2-new", "1-old"]
    assert [line.split()[0] for line in podcast("jobs").stdout.splitlines()] == ["ID", "2-new", "1-old"]
    assert len(podcast("jobs", "-n", "1").stdout.splitlines()) == 2


def a_finished_job(store: Store) -> None:
    files = {"mp3": "sound", "vtt": "captions", "chapters": "chapters"}
    for kind, data in files.items():
        asyncio.run(store.put(keys.episode("j", kind), data.encode()))
    put_status(store, a_status("j", title="A/Title: of…", files={kind: keys.episode("j", kind) for kind in files}))


def test_fetch_takes_the_file_that_the_suffix_asks_for(podcast: Podcast, store: Store, tmp_path: Path) -> None:
    a_finished_job(store)
    for name, content in (("o.mp3", "sound"), ("o.vtt", "captions"), ("o.chapters.json", "chapters")):
        assert podcast("fetch", "j", "-o", name).stdout == f"{tmp_path / name}\n"
        assert (tmp_path / name).read_text() == content


def test_fetch_into_a_folder_takes_everything(podcast: Podcast, store: Store, tmp_path: Path) -> None:
    a_finished_job(store)
    fetched = podcast("fetch", "j", "-o", "folder/")
    assert (fetched.exit_code, fetched.stderr) == (0, f"Made the folder {tmp_path / 'folder'}.\n")
    assert podcast("fetch", "j", "-o", "folder").stderr == "", "it was there"
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == [
        "A-Title-of.chapters.json",
        "A-Title-of.mp3",
        "A-Title-of.vtt",
    ]


def test_fetch_says_what_the_job_has_instead(podcast: Podcast, store: Store) -> None:
    a_finished_job(store)
    result = podcast("fetch", "j", "-o", "o.m4b")
    assert result.exit_code == 2
    assert "Job j has no file for o.m4b. It has .mp3, .vtt, .chapters.json." in result.stderr


def test_fetch_needs_a_job_that_is_done(podcast: Podcast, store: Store) -> None:
    put_status(store, a_status("j", "synthesizing"))
    assert podcast("fetch", "j", "-o", "o.mp3").exit_code == 2
    failures = tuple(ChunkFailure(index=number, text=f"text {number}", reason="no voice") for number in (3, 7))
    put_status(store, a_status("j", "failed", error="It did not work.", failures=failures))
    result = podcast("fetch", "j", "-o", "o.mp3")
    assert result.exit_code == 1
    assert "It did not work." in result.stderr
    assert "chunk 7: no voice (“text 7”)" in result.stderr
