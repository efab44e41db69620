"""A server that answers as a test says, and the two clients, with pauses short enough for tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from podcast_client import PodcastClient, Retries, Timeouts

KEY = "pe_0123456789ab_" + "5" * 64
QUICK = Retries(attempts=3, first_pause=0.01, longest_pause=0.05, outage=0.5)
SHORT = Timeouts(connect=1, read=1, call=2, upload=2, silence=0.5, download=0.5, speech=1)


@dataclass
class Answer:
    """What the server sends; `cut_after` closes the connection after so many bytes of the body."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None


@dataclass
class Request:
    """What the server got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Scripted:
    """A running server.

    Attributes:
        url: its address.
        requests: what it got.
        answers: what it sends next; the last one is repeated.
    """

    url: str
    requests: list[Request] = field(default_factory=list)
    answers: list[Answer | Callable[[Request], Answer]] = field(default_factory=list)

    def next(self, request: Request) -> Answer:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, Answer) else answer(request)


def of_json(document: Any, status: int = 200, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(document).encode(), {"content-type": "application/json", **names})


def problem(status: int, name: str, detail: str = "", **headers: str) -> Answer:
    document = {"type": f"/problems/{name}", "title": name, "status": status, "detail": detail}
    return of_json(document, status, **headers)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = found.next(Request(self.command, self.path, headers, body))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "text/event-stream" not in answer.headers.get("content-type", "") and answer.status != 204:
                self.send_header("content-length", str(len(answer.body)))
            else:
                self.send_header("connection", "close")
                self.close_connection = True
            self.end_headers()
            self.wfile.write(answer.body[: answer.cut_after])
            if answer.cut_after is not None:
                self.close_connection = True

        do_GET = do_POST = do_DELETE = do_PATCH = answer  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Scripted(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield found
        server.shutdown()


@pytest.fixture
def client(scripted: Scripted) -> Iterator[PodcastClient]:
    with PodcastClient(scripted.url, KEY, timeouts=SHORT, retries=QUICK) as found:
        yield found
