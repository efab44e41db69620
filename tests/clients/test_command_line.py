"""`podcast --api` does over HTTP what `podcast` does over AMQP: the same words, the same exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from shared.protocol.messages import new_job_id
from tests.clients.conftest import COMMAND_SECONDS, Ended, Podcast, Server, clean_environment, run

LONGER = "\n\n".join(f"Sentence {number} will not be heard by anybody." for number in range(3_000))


def finished(podcast: Podcast, article: Path, *options: str) -> str:
    """The id of a job that is completed."""
    submitted = podcast("submit", *options, article)
    assert submitted.exit_code == 0, submitted.stderr
    job_id = submitted.stdout.strip()
    watched = podcast("watch", "-q", job_id)
    assert (watched.exit_code, watched.stderr) == (0, "")
    assert re.fullmatch(r"completed: \d+ s of audio\n", watched.stdout)
    return job_id


def test_every_reading_command_prints_the_same_over_http(over_http: Podcast, directly: Podcast, article: Path) -> None:
    job_id = finished(over_http, article, "--title", "Light", "--format", "mp3", "--format", "m4b")

    for command in (
        ("status", job_id),
        ("jobs",),
        ("jobs", "-n", "1"),
        ("jobs", "--state", "failed"),
        ("jobs", "--before", job_id),
        ("status", "no-such-job"),
        ("status", "no/job"),
        ("fetch", "no-such-job", "-o", "x.mp3"),
        ("fetch", job_id, "-o", "/nowhere/x.mp3"),
        ("retry", job_id),
        ("cancel", job_id),
        ("delete", "no-such-job"),
        ("prune", "--older-than", "1m", "--dry-run"),
        ("dlq", "list"),
        ("dlq", "list", "synthesizer", "--json"),
        ("dlq", "show", "abcd"),
        ("voices", "--language", "de"),
        ("preview", "-q", article, "--text", "--price", "15"),
        ("preview", "-q", article, "--json", "--chapters", "2"),
        ("preview", "-q", article, "--chapters", "2-9"),
        ("preview", "-q", "http://127.0.0.1:1/essay.html"),
    ):
        assert over_http(*command) == directly(*command), command


def test_what_would_be_spoken_anew_is_the_same_over_http_and_is_what_a_job_speaks(
    over_http: Podcast, directly: Podcast, article: Path, tmp_path: Path
) -> None:
    job_id = finished(directly, article, "--speed", "1.5")
    edited = tmp_path / "edited.md"
    edited.write_text(article.read_text().replace("Anna Brandt", "Anna Berg") + "\nIt was late.\n", encoding="utf-8")

    found = over_http("diff", job_id, edited, "--price", "15")

    assert found == directly("diff", job_id, edited, "--price", "15")
    assert found.stdout.splitlines()[0] == "The Lighthouse"
    assert found.stdout.splitlines()[-8:] == [
        "spoken anew:",
        "  [2] The Keeper",
        "    + Her name was Anna Berg.",
        "    + It was late.",
        "",
        "not spoken any more:",
        "  [2] The Keeper",
        "    - Her name was Anna Brandt.",
    ]
    second = finished(over_http, edited, "--speed", "1.5")
    for command in (
        ("diff", job_id, second, "--json"),
        ("diff", job_id, second, "--summary"),
        ("diff", job_id, "none"),
    ):
        assert over_http(*command) == directly(*command), command
    document = json.loads(directly("diff", job_id, second, "--json").stdout)
    assert (document["anew"]["texts"], document["gone"]["texts"], document["changed"]) == (
        [
            {"chapter": 2, "title": "The Keeper", "text": "Her name was Anna Berg."},
            {"chapter": 2, "title": "The Keeper", "text": "It was late."},
        ],
        [{"chapter": 2, "title": "The Keeper", "text": "Her name was Anna Brandt."}],
        {},
    )
    unread = tmp_path / "empty.md"
    unread.write_text("***\n", encoding="utf-8")
    assert (over_http("diff", job_id, unread).exit_code, directly("diff", job_id, unread).exit_code) == (2, 2)


def test_the_documents_are_the_same_over_http_but_for_what_is_internal(
    over_http: Podcast, directly: Podcast, article: Path
) -> None:
    job_id = finished(over_http, article, "--author", "Anna Brandt")

    for command in (("status", job_id), ("jobs",), ("cancel", job_id), ("watch", job_id)):
        known = json.loads(directly(*command, "--json").stdout)
        found = json.loads(over_http(*command, "--json").stdout)
        assert without_internals(found) == without_internals(known), command


def until_speaking(podcast: Podcast, job_id: str) -> None:
    end = time.monotonic() + COMMAND_SECONDS
    while not podcast("status", job_id).stdout.startswith("synthesizing"):
        assert time.monotonic() < end


def without_internals(document: Any) -> Any:
    if isinstance(document, list):
        return [without_internals(one) for one in document]
    return {name: value for name, value in document.items() if name not in {"lost", "finished", "traced"}}


def without_age(ended: Ended) -> list[str]:
    """A list of groups of dead letters, which says how long ago the last one died."""
    return re.sub(r"AGE|\d+ (s|min)|\s+", " ", ended.stdout).split()


def test_the_files_that_are_fetched_are_the_same_to_the_byte(
    over_http: Podcast, directly: Podcast, article: Path, tmp_path: Path
) -> None:
    job_id = finished(over_http, article, "--title", "Light")

    assert over_http("fetch", job_id, "-o", f"{tmp_path}/http/").exit_code == 0
    assert directly("fetch", job_id, "-o", f"{tmp_path}/amqp/").exit_code == 0

    files = {path.name: path.read_bytes() for path in (tmp_path / "http").iterdir()}
    assert sorted(files) == ["Light.chapters.json", "Light.mp3", "Light.timing.json", "Light.vtt"]
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "amqp").iterdir()}


def test_render_makes_an_episode_over_http(over_http: Podcast, article: Path, tmp_path: Path) -> None:
    output = tmp_path / "article.mp3"

    rendered = over_http("render", article, "-o", output, "--captions", "--json")

    assert rendered.exit_code == 0, rendered.stderr
    document = json.loads(rendered.stdout)
    assert document["chapters"] == ["The Lighthouse", "The Keeper"]
    assert document["size_bytes"]["mp3"] == output.stat().st_size > 10_000
    assert output.with_suffix(".vtt").read_text().startswith("WEBVTT")
    assert "starting a stack" not in rendered.stderr


def test_of_several_sources_each_is_an_episode_and_one_that_fails_stops_no_other(
    over_http: Podcast, directly: Podcast, article: Path, tmp_path: Path
) -> None:
    (tmp_path / "article.txt").write_text("The same name, and another text.", encoding="utf-8")
    (tmp_path / "broken.epub").write_bytes(b"PK\x03\x04 but no book")
    (tmp_path / "plan.md").write_text("--- podcast plan 1\n---\n#Title\n", encoding="utf-8")
    sources = (article, tmp_path / "article.txt", tmp_path / "broken.epub", tmp_path / "plan.md", "-")

    for podcast, folder in ((over_http, tmp_path / "http"), (directly, tmp_path / "amqp")):
        ended = podcast("render", *sources, "-o", f"{folder}/", "--format", "opus", "--captions", stdin="From stdin.")
        assert (ended.exit_code, ended.stderr.splitlines()[-1]) == (1, "podcast: 2 of 5 sources have failed.")
        header, *lines = ended.stdout.splitlines()
        assert header.split() == ["STATE", "LENGTH", "SOURCE"]
        assert [line.split()[0] for line in lines] == ["completed", "completed", "failed", "failed", "completed"]
        assert "Line 3 of the plan" in lines[3]
        assert sorted(path.name for path in folder.iterdir()) == sorted(
            f"{name}.{suffix}"
            for name in ("article", "article-txt", "stdin")
            for suffix in ("opus", "vtt", "chapters.json")
        )

    submitted = over_http("submit", *sources[:3], "--json")
    assert submitted.exit_code == 1
    documents = json.loads(submitted.stdout)
    assert [min(document) for document in documents] == ["job_id", "job_id", "error"]
    assert over_http("watch", "-q", documents[1]["job_id"]).exit_code == 0
    assert over_http("submit", *sources[2:4], "--id", "x").stderr == (
        "podcast: --id cannot be the same for 2 sources. Leave it out.\n"
    )


def test_a_plan_that_was_written_over_http_is_edited_and_submitted(over_http: Podcast, tmp_path: Path) -> None:
    text, plan = tmp_path / "text.md", tmp_path / "plan.md"
    text.write_text("# The Keeper\n\nShe counted them.\n\n```\nnot heard\n```\n\nThen she slept.\n", encoding="utf-8")
    made = over_http("preview", "-q", text, "--plan", plan)
    assert (made.exit_code, "The plan is in" in made.stderr) == (0, True), made.stderr
    again = over_http("preview", "-q", text, "--plan", plan)
    assert (again.exit_code, "may have been edited" in again.stderr) == (2, True)

    lines = plan.read_text(encoding="utf-8").splitlines()
    at = lines.index("not heard")
    assert (lines[at - 1][:13], lines[at + 1]) == ("<!-- left out", "-->")
    plan.write_text("\n".join((*lines[: at - 1], "Heard now.", *lines[at + 2 :])), encoding="utf-8")

    shown = json.loads(over_http("preview", "-q", plan, "--json").stdout)
    assert [chapter["text"] for chapter in shown["chapters"]] == [
        "The Keeper\n\nShe counted them.\n\nHeard now.\n\nThen she slept."
    ]
    assert finished(over_http, plan, "--plan")
    plan.write_text("--- podcast plan 1\n---\n#Title\n", encoding="utf-8")
    refused = over_http("preview", "-q", plan)
    assert (refused.exit_code, "Line 3 of the plan: after # there is no space." in refused.stderr) == (2, True)


def test_ctrl_c_in_render_cancels_the_job_over_http(server: Server, over_http: Podcast, tmp_path: Path) -> None:
    text = tmp_path / "long.md"
    text.write_text(LONGER, encoding="utf-8")
    job_id = new_job_id()
    options = ("render", text, "--id", job_id, "-o", tmp_path / "long.mp3")
    process = subprocess.Popen(
        (sys.executable, "-m", "services.cli.app", "--api", server.url, *options),
        env={**clean_environment(tmp_path), "PODCAST_API_KEY": server.key},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while "speaking" not in (line := process.stderr.readline()):
        assert line, process.wait(COMMAND_SECONDS)

    process.send_signal(signal.SIGINT)

    _, said = process.communicate(timeout=COMMAND_SECONDS)
    assert process.returncode == 130
    assert "interrupted: cancelling the job" in said
    assert "could not be cancelled" not in said
    watched = over_http("watch", "-q", job_id)
    assert watched == Ended(1, "", f"podcast: Job {job_id} was cancelled: interrupted by the client.\n")


def test_a_job_is_cancelled_retried_and_deleted_over_http(over_http: Podcast, directly: Podcast) -> None:
    job_id = over_http("submit", "-", "--source-format", "markdown", stdin=LONGER).stdout.strip()
    until_speaking(over_http, job_id)
    assert over_http("cancel", job_id, "--reason", "too long") == Ended(0, "cancelled\n", "")
    assert "was cancelled: too long." in directly("status", job_id).stdout
    assert over_http("retry", job_id).stdout.startswith("goes on: ")
    until_speaking(over_http, job_id)
    refused = over_http("delete", job_id)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused == directly("delete", job_id)

    assert over_http("delete", "--cancel", job_id) == Ended(0, f"deleted job {job_id}\n", "")
    assert over_http("status", job_id) == directly("status", job_id)
    assert directly("status", job_id).exit_code == 2


def test_the_same_id_twice_is_one_job(over_http: Podcast, article: Path) -> None:
    job_id = new_job_id()
    assert over_http("submit", "--id", job_id, article) == Ended(0, f"{job_id}\n", "")
    again = over_http("submit", "--id", job_id, article)
    assert again == Ended(0, f"{job_id}\n", f"There is a job {job_id} already; the first one counts.\n")


def test_a_dead_letter_is_shown_discarded_and_replayed_over_http(
    over_http: Podcast, directly: Podcast, article: Path
) -> None:
    job_id = over_http("submit", "--voice", "nobody-speaks-like-this", article).stdout.strip()
    failed = over_http("watch", "-q", job_id)
    assert failed.exit_code == 1
    assert failed == directly("watch", "-q", job_id)

    listed, same = (podcast("dlq", "list", "--job", job_id) for podcast in (over_http, directly))
    assert without_age(listed) == without_age(same)
    letters = json.loads(over_http("dlq", "list", "--json", "--job", job_id).stdout)
    one = letters[0]["id"]
    assert over_http("dlq", "show", one) == directly("dlq", "show", one)
    assert over_http("dlq", "show", one, "--payload") == directly("dlq", "show", one, "--payload")
    exported = over_http("dlq", "export", "--job", job_id)
    assert exported == directly("dlq", "export", "--job", job_id)
    assert (exported.exit_code, exported.stdout.count("\n")) == (0, len(letters))
    assert over_http("dlq", "export", "chunker") == directly("dlq", "export", "chunker")
    assert over_http("dlq", "discard", "--yes", one) == Ended(0, "1 dead letter discarded.\n", "")
    replayed = over_http("dlq", "replay", "--job", job_id)
    assert (replayed.exit_code, replayed.stderr) == (0, "")
    assert replayed.stdout == f"{len(letters) - 1} dead letter{'s' * (len(letters) != 2)} replayed.\n"
    over_http("dlq", "discard", "--yes", "--all")


def test_samples_of_voices_come_over_http(over_http: Podcast, tmp_path: Path) -> None:
    sampled = over_http(
        "voices", "--language", "de", "--model", "espeak-ng", "--sample", "-o", f"{tmp_path}/samples/", "--json"
    )
    assert sampled.exit_code == 0, sampled.stderr
    assert [Path(voice["sample"]).read_bytes()[:4] for voice in json.loads(sampled.stdout)] == [b"RIFF"]


@pytest.mark.parametrize("command", ["up", "down", "ps", "doctor", "completion"])
def test_what_concerns_this_machine_takes_no_api(over_http: Podcast, command: str) -> None:
    ended = over_http(command, *(["bash"] if command == "completion" else []))
    assert ended == Ended(
        2, "", f"podcast: `podcast {command}` is about this machine, not about an API. Leave out --api.\n"
    )


def test_a_key_comes_from_a_file_and_a_wrong_one_is_explained(server: Server, tmp_path: Path) -> None:
    environment = clean_environment(tmp_path)
    key = tmp_path / "key"
    key.write_text(f"{server.key}\n")
    assert run("--api", server.url, "--api-key-file", key, "jobs", environment=environment).exit_code == 0

    without = run("--api", server.url, "jobs", environment=environment)
    key.write_text("pe_000000000000_" + "0" * 64)
    wrong = run("--api", server.url, "--api-key-file", key, "jobs", environment=environment)

    assert without == wrong
    assert without.exit_code == 2
    assert "wants a key that is valid. Set PODCAST_API_KEY, or name a file with --api-key-file" in without.stderr


def test_beside_its_own_stack_the_api_needs_no_key(server: Server, tmp_path: Path) -> None:
    environment = {**clean_environment(tmp_path), "PODCAST_STATE_DIR": str(server.directory)}
    assert run("--api", server.url, "jobs", environment=environment).exit_code == 0


def test_nobody_at_the_address_is_an_outage(tmp_path: Path) -> None:
    ended = run("--api", "http://127.0.0.1:9", "jobs", environment=clean_environment(tmp_path))
    assert ended.exit_code == 3
    assert ended.stderr.startswith("podcast: The API at http://127.0.0.1:9 cannot be reached: ")


def test_no_key_is_ever_printed(server: Server, over_http: Podcast) -> None:
    for command in (("--debug", "status", "no-such-job"), ("--debug", "jobs")):
        ended = over_http(*command)
        assert server.key not in ended.stdout + ended.stderr
    assert os.environ.get("PODCAST_API_KEY") is None
