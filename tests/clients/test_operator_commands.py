"""`podcast keys` and `podcast webhooks`: the same over HTTP as beside the stack."""

from __future__ import annotations

import json
import queue
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.clients.conftest import Ended, Podcast, Server, run
from tests.waiting import wait_until

RECEIVED_SECONDS = 30
NO_KEY = "0" * 12
NO_ENDPOINT = f"we_{'0' * 32}"
Received = queue.Queue[tuple[dict[str, str], bytes]]


@pytest.fixture
def receiver() -> Iterator[tuple[str, Received]]:
    """A receiver of webhooks: its address, and what it has received."""
    received: Received = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            received.put(({name.lower(): value for name, value in self.headers.items()}, body))

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", received
    server.shutdown()
    server.server_close()


def found(ended: Ended) -> Any:
    assert ended.exit_code == 0, ended.stderr
    return json.loads(ended.stdout)


def test_keys_are_made_used_listed_and_revoked_over_http(
    server: Server, over_http: Podcast, directly: Podcast, tmp_path: Any
) -> None:
    made = [
        podcast("keys", "add", "phone", "--scope", "operate", "--limit", "60/min") for podcast in (over_http, directly)
    ]
    for ended in made:
        assert ended.exit_code == 0, ended.stderr
        key_id = ended.stdout.split("_")[1]
        assert re.fullmatch(rf"pe_{key_id}_[0-9a-f]{{64}}\n", ended.stdout)
        assert ended.stderr == f"Keep it: it is not shown again. `podcast keys revoke {key_id}` makes it invalid.\n"
        environment = {"PODCAST_STATE_DIR": str(tmp_path), "PODCAST_API_KEY": ended.stdout.strip()}
        own = run("--api", server.url, "keys", "list", environment=environment)
        assert own.exit_code == 0, own.stderr

    documents = [found(podcast("keys", "add", "news", "--json")) for podcast in (over_http, directly)]
    assert documents[0].keys() == documents[1].keys()
    assert [(one["name"], one["scopes"]) for one in documents] == [("news", ["submit", "read"])] * 2

    assert over_http("keys", "list") == directly("keys", "list")
    assert found(over_http("keys", "list", "--json")) == found(directly("keys", "list", "--json"))
    key_id = documents[0]["key_id"]
    assert (
        over_http("keys", "revoke", key_id)
        == directly("keys", "revoke", key_id)
        == Ended(0, f"revoked {key_id} (news)\n", "")
    )
    assert over_http("keys", "list").stdout.count("revoked") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "revoke", NO_KEY),
        ("keys", "revoke", "../keys"),
        ("keys", "add", " "),
        ("keys", "add", "x", "--scope", "root"),
        ("queues", "pause", "coordinator"),
        ("queues", "resume", "webhooks"),
        ("queues", "pause", "chunker", "--reason", "x" * 501),
        ("webhooks", "show", NO_ENDPOINT),
        ("webhooks", "edit", NO_ENDPOINT, "--disable"),
        ("webhooks", "edit", NO_ENDPOINT),
        ("webhooks", "rotate", NO_ENDPOINT),
        ("webhooks", "test", NO_ENDPOINT),
        ("webhooks", "delete", NO_ENDPOINT),
        ("webhooks", "show", "../keys"),
        ("webhooks", "add", "ftp://example.org/"),
        ("webhooks", "add", "http://10.0.0.1/"),
        ("webhooks", "add", "https://example.org/", "--description", "x" * 501),
        ("webhooks", "add", "https://example.org/", "--event", "job.started"),
    ],
)
def test_what_makes_no_sense_is_refused_in_the_same_words(
    over_http: Podcast, directly: Podcast, words: tuple[str, ...]
) -> None:
    refused = over_http(*words)
    assert refused == directly(*words)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert over_http("webhooks", "list").stderr == "There are no webhook endpoints.\n"


def test_a_key_without_the_scope_is_told_so(server: Server, over_http: Podcast, tmp_path: Any) -> None:
    key = over_http("keys", "add", "reader", "--scope", "read").stdout.strip()
    environment = {"PODCAST_STATE_DIR": str(tmp_path), "PODCAST_API_KEY": key}
    for command in (("keys", "list"), ("webhooks", "list"), ("webhooks", "add", "https://example.org/")):
        refused = run("--api", server.url, *command, environment=environment)
        assert refused == Ended(2, "", "podcast: This key does not have the scope operate. Use another key.\n")


@pytest.mark.parametrize("first", ["over_http", "directly"])
def test_an_endpoint_is_added_edited_tested_rotated_and_deleted(
    request: pytest.FixtureRequest, first: str, receiver: tuple[str, Received]
) -> None:
    url, received = receiver
    podcast: Podcast = request.getfixturevalue(first)
    other: Podcast = request.getfixturevalue("directly" if first == "over_http" else "over_http")

    added = podcast("webhooks", "add", url, "--description", "the news page", "--event", "job.failed")
    assert added.exit_code == 0, added.stderr
    secret = added.stdout.strip()
    endpoint_id = added.stderr.split()[5].rstrip(".")
    assert added.stderr == f"This is the secret of {endpoint_id}. Keep it: it is not shown again.\n"

    shown = podcast("webhooks", "show", endpoint_id)
    assert shown == other("webhooks", "show", endpoint_id)
    assert secret not in shown.stdout
    edited = ("webhooks", "edit", endpoint_id, "--event", "job.completed", "--event", "job.failed", "--disable")
    assert podcast(*edited).stdout.splitlines()[3:5] == [
        "events       job.completed, job.failed",
        "state        disabled",
    ]
    refused = podcast("webhooks", "test", endpoint_id)
    assert refused == other("webhooks", "test", endpoint_id)
    assert refused == Ended(2, "", f"podcast: The endpoint {endpoint_id} is disabled. Enable it first.\n")
    assert podcast("webhooks", "edit", endpoint_id, "--enable").exit_code == 0
    for command in (("list",), ("list", "--json"), ("show", endpoint_id), ("show", endpoint_id, "--json")):
        assert podcast("webhooks", *command) == other("webhooks", *command)
    assert re.fullmatch(
        rf"ID +CREATED +EVENTS +STATE +URL\n{endpoint_id} +[-0-9]+ [0-9:]+ +completed,failed +enabled +{url}\n",
        podcast("webhooks", "list").stdout,
    )

    renewed = podcast("webhooks", "rotate", endpoint_id, "--json")
    assert found(renewed)["secret"] != secret
    assert found(renewed).keys() - {"secret"} == found(podcast("webhooks", "show", endpoint_id, "--json")).keys()

    sent = podcast("webhooks", "test", endpoint_id)
    headers, body = received.get(timeout=RECEIVED_SECONDS)
    assert sent == Ended(0, f"sending {headers['webhook-id']} to {endpoint_id}\n", "")
    assert Webhook(found(renewed)["secret"]).verify(body, headers)["type"] == "webhook.test"
    Webhook(secret).verify(body, headers)

    assert podcast("webhooks", "delete", endpoint_id) == Ended(0, f"deleted {endpoint_id}\n", "")
    assert other("webhooks", "list").stderr == "There are no webhook endpoints.\n"


def consumers(podcast: Podcast, name: str) -> int:
    return next(int(one["consumers"]) for one in found(podcast("queues", "list", "--json")) if one["name"] == name)


def test_a_queue_is_paused_listed_and_resumed(over_http: Podcast, directly: Podcast) -> None:
    for podcast, other in ((over_http, directly), (directly, over_http)):
        assert podcast("queues", "pause", "assembler", "--reason", "a break") == Ended(0, "paused assembler\n", "")
        wait_until(lambda: consumers(directly, "assembler") == 0, "its consumer is gone")  # so that no list differs
        assert other("queues", "list") == podcast("queues", "list")
        row = next(line for line in other("queues", "list").stdout.splitlines() if line.startswith("assembler"))
        assert row.endswith("a break")
        listed = found(podcast("queues", "list", "--json"))
        assert listed == found(other("queues", "list", "--json"))
        (paused,) = [one for one in listed if one["paused_at"] is not None]
        assert (paused["name"], paused["paused_reason"], paused["can_pause"]) == ("assembler", "a break", True)
        assert other("queues", "resume", "assembler") == Ended(0, "resumed assembler\n", "")
        document = found(podcast("queues", "resume", "assembler", "--json"))
        assert document == {"name": "assembler", "paused_at": None, "paused_reason": ""}
