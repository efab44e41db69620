"""Connections to the store that wait in the pool."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared.errors import StoreDown
from shared.settings import Settings
from shared.store.port import Store, open_store

_KEEP_ALIVE = "02"
"""The timer of a connection in /proc/net/tcp that is idle and will be asked for a sign of life."""
_IPVS_FORGETS_AFTER_SECONDS = 900


class _Found(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.send_response(200)
        for name, value in (
            ("Content-Length", "0"),
            ("ETag", '"1"'),
            ("Last-Modified", "Sun, 01 Jan 2023 00:00:00 GMT"),
        ):
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self) -> None:
        """An object that is its own name. `cut` has less than it promises; after `last`, the connection is gone."""
        body = self.path.partition("?")[0].rpartition("/")[2].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + (body == b"cut")))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = body in {b"cut", b"last"}

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server that says yes to everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Found)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def _store(port: int) -> Store:
    return open_store(Settings(store_url=f"s3://key:secret@127.0.0.1:{port}/bucket?secure=false"))


async def test_many_objects_come_over_one_connection(port: int) -> None:
    store = _store(port)
    assert await store.get_many([f"x/{number}" for number in range(40)]) == [b"%d" % number for number in range(40)]
    assert len(_client_side(port)) == 1


async def test_a_connection_that_is_gone_costs_no_object(port: int) -> None:
    store = _store(port)
    assert await store.get_many(["x/last"]) == [b"last"]
    assert await store.get_many(["x/last", "x/1", "x/last", "x/2"]) == [b"last", b"1", b"last", b"2"]


async def test_what_came_of_an_object_that_broke_off_is_not_taken_for_it(port: int) -> None:
    with pytest.raises(StoreDown):
        await _store(port).get_many(["x/1", "x/cut"])


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux tells the timers of its connections there")
async def test_a_connection_that_waits_says_so_before_the_network_forgets_it(port: int) -> None:
    store = _store(port)
    assert await store.exists("jobs/x/request.json")
    waiting = _client_side(port)
    assert len(waiting) == 1
    timer, ticks = waiting[0].split(":")
    assert timer == _KEEP_ALIVE
    assert 0 < int(ticks, 16) / 100 < _IPVS_FORGETS_AFTER_SECONDS


def _client_side(port: int) -> list[str]:
    """The timers of the established connections to this port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[5] for row in rows if row[2].endswith(f":{port:04X}") and row[3] == "01"]
