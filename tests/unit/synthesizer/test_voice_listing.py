"""Against real HTTP servers and the real file store."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from services.synthesizer import voice_listing
from services.synthesizer.voice_listing import VoiceListing
from shared.errors import StoreDown
from shared.protocol.voices import ListedVoice, VoiceList
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store, open_store
from tests.waiting import until

OURS = [
    {"id": "en_US-joe-medium", "model": "piper", "language": "en-US", "default": True},
    {"id": "de", "model": "espeak-ng", "language": "de"},
]


class _Server(ThreadingHTTPServer):
    voices: Any
    asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Speech(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.asked += 1
        body = json.dumps({"voices": self.server.voices}).encode()
        self.send_response(404 if self.server.voices is None else 503 if self.server.voices == "down" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def servers() -> Iterator[list[_Server]]:
    made = [_Server(("127.0.0.1", 0), _Speech) for _ in range(2)]
    for server in made:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    for server in made:
        server.shutdown()
        server.server_close()


def listing(folder: Path, *servers: _Server) -> tuple[VoiceListing, Store, str]:
    urls = ",".join(server.url for server in servers)
    settings = Settings(store_url=folder.as_uri(), speech_url=urls, speech_engine="x")
    store = open_store(settings)
    return VoiceListing(store, settings), store, keys.voices("x")


async def stored(store: Store, key: str) -> VoiceList:
    return VoiceList.model_validate_json(await store.get(key))


async def test_what_all_servers_list_is_stored_in_their_order(tmp_path: Path, servers: list[_Server]) -> None:
    servers[0].voices, servers[1].voices = OURS, ["af_heart", "x" * 101, *OURS]
    one, store, key = listing(tmp_path, *servers)
    found = await one.look()
    assert found is not None
    assert await one.write(found)
    assert await stored(store, key) == VoiceList(
        voices=(
            ListedVoice(name="en_US-joe-medium", model="piper", language="en-US", is_default=True),
            ListedVoice(name="de", model="espeak-ng", language="de"),
            ListedVoice(name="af_heart", language="en-US"),
        ),
        is_complete=True,
    )


async def test_a_server_that_lists_none_makes_the_list_incomplete(tmp_path: Path, servers: list[_Server]) -> None:
    servers[0].voices, servers[1].voices = OURS, None
    found = await listing(tmp_path, *servers)[0].look()
    assert found is not None
    assert (len(found.voices), found.is_complete) == (2, False)


async def test_nothing_is_known_while_a_server_does_not_answer(tmp_path: Path, servers: list[_Server]) -> None:
    servers[0].voices, servers[1].voices = OURS, "down"
    assert await listing(tmp_path, *servers)[0].look() is None


async def test_an_equal_list_is_not_written_again_and_a_change_is(tmp_path: Path, servers: list[_Server]) -> None:
    one, store, key = listing(tmp_path, servers[0])
    first = VoiceList(voices=(ListedVoice(name="a"),), is_complete=True)
    second = VoiceList(voices=(ListedVoice(name="b"),), is_complete=True)
    assert await one.write(first)
    _, version = await store.get_versioned(key)
    assert await one.write(first)
    assert (await store.get_versioned(key))[1] == version
    assert await one.write(second)
    assert await stored(store, key) == second


async def test_of_two_that_write_at_once_one_does_and_the_other_looks_again(
    tmp_path: Path, servers: list[_Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, store, key = listing(tmp_path, servers[0])
    other = listing(tmp_path, servers[0])[0]
    first = VoiceList(voices=(ListedVoice(name="a"),), is_complete=True)
    read = store.get_versioned

    async def read_and_be_overtaken(asked: str) -> tuple[bytes, str]:
        try:
            return await read(asked)
        finally:
            monkeypatch.undo()
            assert await other.write(VoiceList(is_complete=False))

    monkeypatch.setattr(store, "get_versioned", read_and_be_overtaken)
    assert not await one.write(first)
    assert await one.write(first)
    assert await stored(store, key) == first


async def test_a_server_that_comes_up_later_is_listed_then(
    tmp_path: Path, servers: list[_Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_listing, "FIRST_PAUSE_SECONDS", 0.05)
    servers[0].voices = "down"
    one, store, key = listing(tmp_path, servers[0])
    kept = asyncio.create_task(one.keep())
    try:
        await until(lambda: servers[0].asked > 1, "the server is asked twice")
        assert not await store.exists(key)
        servers[0].voices = OURS
        await until(lambda: store.exists(key), "the voices are stored")
    finally:
        kept.cancel()
        with suppress(asyncio.CancelledError):
            await kept


async def test_a_store_that_is_down_ends_nothing(
    tmp_path: Path, servers: list[_Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_listing, "FIRST_PAUSE_SECONDS", 0.05)
    servers[0].voices = OURS
    one, store, _ = listing(tmp_path, servers[0])

    async def down(_: str) -> tuple[bytes, str]:
        raise StoreDown("It does not answer.")

    monkeypatch.setattr(store, "get_versioned", down)
    kept = asyncio.create_task(one.keep())
    await until(lambda: servers[0].asked > 1, "the server is asked twice")
    assert not kept.done()
    kept.cancel()
