"""Connections to the store that wait in the pool."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store.port import open_store

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

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux tells the timers of its connections there")
async def test_a_connection_that_waits_says_so_before_the_network_forgets_it() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Found)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        store = open_store(Settings(store_url=f"s3://key:secret@127.0.0.1:{server.server_port}/bucket?secure=false"))
        assert await store.exists("jobs/x/request.json")
        waiting = _client_side(server.server_port)
        assert len(waiting) == 1
        timer, ticks = waiting[0].split(":")
        assert timer == _KEEP_ALIVE
        assert 0 < int(ticks, 16) / 100 < _IPVS_FORGETS_AFTER_SECONDS
    finally:
        server.shutdown()
        server.server_close()


def _client_side(port: int) -> list[str]:
    """The timers of the established connections to this port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[5] for row in rows if row[2].endswith(f":{port:04X}") and row[3] == "01"]
