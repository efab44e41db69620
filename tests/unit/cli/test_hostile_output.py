"""Whatever a document, a message or a server contains reaches the terminal as plain text only."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli import (
    app,
    dead_letter_display,
    dead_letter_groups,
    estimates,
    exits,
    preview_display,
    printing,
    progress_display,
    summary,
)
from shared.dead_letters.letter import DeadLetter
from shared.errors import BadSource
from shared.protocol.manifest import Omission
from shared.protocol.messages import ChunkCounts, ChunkFailure, JobRequest, ObjectSource, WorkRetried
from shared.protocol.preview import PreviewChunk
from shared.store import keys
from shared.store.port import Store
from tests.hostile_text import ALL, CORPUS, commands_in, storable
from tests.unit.cli.conftest import Podcast, a_status, put_status
from tests.unit.cli.test_preview_display import a_preview

HOSTILE = storable()
COMMANDS = Path(app.__file__).parent


def a_job(store: Store, job_id: str, **fields: object) -> None:
    put_status(store, a_status(job_id, **{"title": HOSTILE, **fields}))  # type: ignore[arg-type] # fields of a status
    request = JobRequest(job_id=job_id, source=ObjectSource(key=f"jobs/{job_id}/source/x", name=HOSTILE[:255]))
    asyncio.run(store.put(keys.request(job_id), request.model_dump_json().encode()))


def a_hostile_preview() -> preview_display.Shown:
    chapter = (
        a_preview()
        .chapters[0]
        .model_copy(update={"title": HOSTILE, "chunks": (PreviewChunk(text=HOSTILE[:2_000], pause_after="none"),)})
    )
    texts = dict.fromkeys(("title", "author", "language", "voice"), HOSTILE)
    made = a_preview(**texts, chapters=(chapter,), repairs=(HOSTILE,), warnings=(HOSTILE,)).model_copy(
        update={"omissions": (Omission(kind=HOSTILE, reason=HOSTILE, count=1, sample=HOSTILE),)}
    )
    return preview_display.Shown(made, 1.0, estimates.ASSUMED)


def a_letter(**fields: object) -> DeadLetter:
    values: dict[str, object] = {
        "id": "0123456789ab",
        "queue": "synthesizer",
        "job_id": None,
        "chunk": None,
        "reason": ALL,
        "error": ALL,
        "attempts": ({"attempt": 1, "at": ALL, "error": ALL},),
        "time": ALL,
        "text": ALL,
        "type": ALL,
        "size_bytes": 1,
        "replays": 0,
        "stacktrace": ALL,
        "message_id": ALL,
    }
    return DeadLetter(**{**values, **fields})  # type: ignore[arg-type] # as above


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    "command",
    [
        ["jobs"],
        ["status", "done"],
        ["status", "failed"],
        ["watch", "failed"],
        ["watch", "done"],
        ["fetch", "failed", "-o", "o.mp3"],
        ["fetch", "done", "-o", "all/"],
        ["fetch", "done", "-o", f"{ALL.replace(chr(0), '').replace('/', '')[:60]}.nothing"],
        ["cancel", "done"],
        ["render", "\x1b[31m\u202e.md", "-o", "o.mp3"],
        ["render", "article.md", "-o", "o.\x1b[31m"],
        ["\x1b[2Jnonsense"],
        ["status", "\x1b[2J\u202e"],
        ["status", "done", "--\x1b[2J"],
    ],
)
def test_no_command_lets_a_strangers_text_command_the_terminal(  # noqa: PLR0917 - fixtures and cases
    podcast: Podcast, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[str], as_json: bool
) -> None:
    monkeypatch.setenv("PODCAST_AMQP_URL", "amqp://127.0.0.1:1/")
    (tmp_path / "article.md").write_text("Words.\n")
    asyncio.run(store.put(keys.episode("done", "mp3"), b"sound"))
    a_job(store, "done", files={"mp3": keys.episode("done", "mp3")})
    failures = tuple(ChunkFailure(index=index, text=HOSTILE, reason=HOSTILE) for index in range(2))
    a_job(store, "failed", state="failed", error=HOSTILE, failures=failures)

    result = podcast(*command, *(["--json"] if as_json and command[0] in app.COMMANDS else []))

    assert commands_in(result.stdout) == []
    assert commands_in(result.stderr) == []
    forged = [line for line in result.output.splitlines() if line == "podcast: all is well"]
    assert forged == [], "nor does it look like a line of ours"
    assert exits_of(result.exit_code) != "an error inside the program", result.output


def exits_of(code: int) -> str:
    return "named" if code in {exits.DONE, exits.JOB_FAILED, exits.BAD_INPUT} else "an error inside the program"


def test_json_holds_what_was_there(podcast: Podcast, store: Store) -> None:
    a_job(store, "done")
    assert json.loads(podcast("status", "done", "--json").stdout)["title"] == HOSTILE
    assert json.loads(podcast("jobs", "--json").stdout)[0]["title"] == HOSTILE


@pytest.mark.parametrize(
    "shown",
    [
        lambda: dead_letter_display.page(a_letter()),
        lambda: dead_letter_display.page(a_letter(), debug=True),
        lambda: dead_letter_display.each([a_letter(job_id=ALL)]),
        lambda: dead_letter_display.summary(dead_letter_groups.grouped([a_letter(job_id=ALL)]), {}),
        lambda: summary.failure(a_status("j", "cancelled", error=HOSTILE)),
        lambda: "\n".join(
            (*preview_display.lines(a_hostile_preview()), *preview_display.text(a_hostile_preview().preview))
        ),
        lambda: progress_display.trouble(
            WorkRetried(job_id="j", service="s", reason=HOSTILE[:500], tries=1, next_seconds=1)
        ),
    ],
)
def test_what_is_shown_of_a_letter_or_a_job_is_text(shown: Callable[[], str]) -> None:
    text = shown()
    assert commands_in(text) == []
    assert not re.search(r"(?m)^podcast: all is well", text)


def test_tracebacks_are_text_too(podcast: Podcast, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BadSource(ALL)

    monkeypatch.setattr("shared.client.sources.find", fail)
    result = podcast("render", "x.md", "-o", "o.mp3", "--debug")
    assert "Traceback" in result.stderr
    assert commands_in(result.stderr) == []
    logging.root.handlers = []


def test_progress_on_a_terminal_and_elsewhere_is_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for display in (progress_display.Lines(), progress_display.Bar()):
        with display as shown:
            shown.show(a_status("j", "synthesizing", title=HOSTILE, chunks=ChunkCounts(total=2, done=1)))
            shown.retried(WorkRetried(job_id="j", service="s", reason=HOSTILE[:500], tries=1, next_seconds=1))
            shown.say(ALL)
    assert commands_in(capsys.readouterr().err) == []


def test_every_command_prints_in_one_place() -> None:
    """Exception: `podcast up` and related commands print our own text and addresses."""
    others = {"printing.py", "stack_commands.py", "own_stack.py"}
    for module in COMMANDS.glob("*.py"):
        if module.name not in others:
            source = module.read_text(encoding="utf-8")
            assert not re.search(r"click\.(secho|echo)\(|(?<![.\w])print\(|sys\.std(out|err)\.write\(", source) or (
                module.name == "settings_document.py"
            ), module.name


@pytest.mark.parametrize("name", CORPUS)
def test_the_place_where_commands_print_lets_nothing_through(name: str) -> None:
    @app.cli.command("say")
    def say() -> None:
        printing.say(CORPUS[name])
        printing.note(CORPUS[name])
        printing.say_json({CORPUS[name]: CORPUS[name]})

    try:
        result = CliRunner().invoke(say, [])
    finally:
        app.cli.commands.pop("say")
    assert result.exit_code == 0
    assert commands_in(result.output) == []
