"""`podcast dlq` as typed by an operator, on a real node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aio_pika
import click
import pytest
from click.testing import CliRunner, Result

from services.cli.dlq_commands import dlq
from shared.dead_letters import export
from shared.errors import BadInput, BrokerDown, NotFound
from shared.protocol import envelope, topology
from shared.protocol.topology import CHUNKER, SYNTHESIZER
from shared.settings import Settings
from shared.store.port import open_store
from tests.integration.test_dead_letters import Node, chunk, client, dead, failed_job

FIELDS = {"id", "queue", "job_id", "chunk", "reason", "attempts", "time", "text", "type"}


class Shell:
    """Runs commands against one vhost."""

    def __init__(self, url: str, store_url: str = "") -> None:
        self.url = url
        self.store_url = store_url

    def with_node(self, work: Callable[[Node], Awaitable[Any]]) -> Any:
        async def connected() -> Any:
            async with client(self.url) as node:
                return await work(node)

        return asyncio.run(connected())

    def dead_letter(self, *messages: aio_pika.Message, queue: topology.WorkQueue = SYNTHESIZER) -> None:
        self.with_node(lambda node: node.dead_letter(*messages, queue=queue))

    def sent(self, queue: topology.WorkQueue = SYNTHESIZER) -> list[int | None]:
        return [envelope.chunk(message) for message in self.with_node(lambda node: node.all_of(queue.name))]

    def type(self, *words: str, answer: str | None = None) -> Result:
        env = {"PODCAST_AMQP_URL": self.url, "PODCAST_STORE_URL": self.store_url}
        return CliRunner().invoke(dlq, words, input=answer, env=env, standalone_mode=False, catch_exceptions=True)

    def says(self, *words: str) -> str:
        result = self.type(*words)
        assert result.exception is None, result.exception
        return result.stdout

    def lists(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.says("list", "--json", *words))
        return found


@pytest.fixture
def shell(amqp_url: str, file_store_url: str) -> Shell:
    return Shell(amqp_url, file_store_url)


def test_a_letter_is_listed_shown_replayed_and_gone(shell: Shell) -> None:
    shell.dead_letter(dead(7))
    (letter,) = shell.lists()
    assert letter.keys() >= FIELDS
    assert (letter["queue"], letter["job_id"], letter["chunk"]) == ("synthesizer", "job-1", 7)
    assert (letter["reason"], letter["text"]) == ("The voice is unknown.", "Text 7.")
    assert [attempt["at"] for attempt in letter["attempts"]] == ["2026-01-02T03:04:05+00:00"]
    assert letter["id"] in shell.says("list", "--all")
    assert shell.says("list").splitlines()[1].split()[:3] == [letter["id"][:4], "1", "synthesizer"]
    assert "Text 7." in shell.says("show", letter["id"][:5])
    assert json.loads(shell.says("show", "--json", letter["id"])) == letter
    assert shell.says("replay", letter["id"]) == "1 dead letter replayed.\n"
    assert shell.sent() == [7]
    assert shell.says("list") == "There are no dead letters.\n"


def test_letters_are_chosen_by_queue_and_by_job(shell: Shell) -> None:
    shell.dead_letter(dead(0, "a"), dead(1, "b"), dead(2, "a"))
    shell.dead_letter(dead(3, "a"), queue=CHUNKER)
    assert [letter["chunk"] for letter in shell.lists("synthesizer")] == [0, 1, 2]
    assert [letter["chunk"] for letter in shell.lists("synthesizer.dead")] == [0, 1, 2]
    assert [letter["chunk"] for letter in shell.lists("--job", "a")] == [3, 0, 2]
    replayed = json.loads(shell.says("replay", "--job", "a", "--queue", "synthesizer", "--json"))
    assert [letter["chunk"] for letter in replayed] == [0, 2]
    assert shell.sent() == [0, 2]
    assert shell.says("discard", "--queue", "synthesizer", "--yes") == "1 dead letter discarded.\n"
    assert shell.says("replay", "--all") == "1 dead letter replayed.\n"
    assert shell.sent(CHUNKER) == [3]


def test_an_export_holds_every_letter_whole_and_takes_none(shell: Shell, tmp_path: Path) -> None:
    binary = aio_pika.Message(b"\x00\xff" * 1_000, message_id="binary")
    shell.dead_letter(dead(1), binary)
    file = tmp_path / "letters.jsonl"
    shell.says("export", "-o", str(file))
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [export.message(line).body for line in lines] == [dead(1).body, binary.body]
    assert [json.loads(line)["body_encoding"] for line in lines] == ["utf-8", "base64"]
    assert shell.says("export").splitlines() == lines
    assert len(shell.lists()) == 2
    failed = shell.type("export", "-o", str(tmp_path / "no" / "such" / "folder"))
    assert isinstance(failed.exception, BadInput)


def test_discarding_asks_first_and_takes_only_what_was_shown(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.dead_letter(dead(1), dead(2))
    nobody = shell.type("discard", "--all")
    assert isinstance(nobody.exception, BadInput)
    assert "--yes" in str(nobody.exception)
    monkeypatch.setattr("services.cli.dlq_commands._someone_is_here", lambda: True)
    assert isinstance(shell.type("discard", "--all", answer="n\n").exception, click.Abort)
    assert len(shell.lists()) == 2

    def think(*_: Any, **__: Any) -> bool:
        shell.dead_letter(dead(3))
        return True

    monkeypatch.setattr("click.confirm", think)
    assert shell.type("discard", "--all").stdout.endswith("2 dead letters discarded.\n")
    assert [letter["chunk"] for letter in shell.lists()] == [3]


def test_a_list_that_is_cut_says_so(shell: Shell) -> None:
    shell.dead_letter(*(dead(index) for index in range(5)))
    result = shell.type("list", "--json", "--limit", "3")
    assert len(json.loads(result.stdout)) == 3
    assert "more than 3" in result.stderr
    assert len(shell.lists("--limit", "5")) == 5


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (("list", "nowhere"), BadInput, "no queue “nowhere”"),
        (("show", "zzzz"), BadInput, "not the id"),
        (("show", "0000"), NotFound, "no dead letter 0000"),
        (("replay",), BadInput, "Say which letters"),
        (("replay", "0000", "--all"), BadInput, "Say which letters"),
        (("replay", "0000"), NotFound, "no dead letter 0000"),
        (("discard", "--queue", "nowhere", "--yes"), BadInput, "no queue “nowhere”"),
    ],
)
def test_a_mistake_is_named_in_one_sentence(
    shell: Shell, words: tuple[str, ...], error: type[Exception], sentence: str
) -> None:
    result = shell.type(*words)
    assert isinstance(result.exception, error)
    assert sentence in str(result.exception)


def test_a_broker_that_is_not_there_is_named() -> None:
    result = Shell("amqp://127.0.0.1:1/").type("list")
    assert isinstance(result.exception, BrokerDown)
    assert "cannot be reached" in str(result.exception)


def test_a_letter_is_corrected_and_replayed(shell: Shell, tmp_path: Path) -> None:
    request = chunk(0)
    message = aio_pika.Message(request.model_dump_json().encode(), headers=dead(0).headers, type="chunk.requested")
    shell.dead_letter(message)
    asyncio.run(failed_job(open_store(Settings(store_url=shell.store_url)), request))
    (letter,) = shell.lists()
    payload = json.loads(shell.says("show", letter["id"], "--payload"))
    corrected = tmp_path / "corrected.json"
    corrected.write_text(json.dumps({**payload, "voice": "joe", "speed": 90}))
    refused = shell.type("replay", letter["id"], "--payload", str(corrected))
    assert isinstance(refused.exception, BadInput)
    assert "speed" in str(refused.exception)
    assert isinstance(shell.type("replay", "--all", "--payload", str(corrected)).exception, BadInput)
    assert [one["id"] for one in shell.lists()] == [letter["id"]]

    corrected.write_text(json.dumps({**payload, "voice": "joe"}))
    assert shell.says("replay", letter["id"], "--payload", str(corrected)) == "1 dead letter replayed.\n"
    (sent,) = shell.with_node(lambda node: node.all_of(SYNTHESIZER.name))
    assert json.loads(sent.body)["voice"] == "joe"
    assert json.loads(sent.body)["audio_key"] != payload["audio_key"], "it has audio of its own"
