"""A TCP proxy that breaks connections the way networks do.

It runs in a thread with its own event loop, so that it can be shared by many scenarios. `break_as` applies to open and
to new connections; `heal` lets bytes flow again. It counts what it does, so that a test can tell whether its fault
affected any traffic.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from typing import Literal, Self, get_args
from urllib.parse import urlsplit, urlunsplit

Break = Literal["cut", "stall", "delay", "trickle", "half-close"]
BREAKS: tuple[Break, ...] = get_args(Break)
"""cut: connections are reset, new ones in the middle of their first answer.
stall: connections stay open and nothing passes, in either direction.
delay: every piece passes later.
trickle: answers pass byte by byte, so that a read timeout never fires.
half-close: the client sees the response end half-way; the server sees nothing.
"""

DELAY_SECONDS = 0.3
TRICKLE_SECONDS = 0.05
"""The pause between two bytes."""
_PIECE_BYTES = 65_536
_START_SECONDS = 10.0


class _Link:
    """One client's connection and the one to the server behind it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.deaf = False
        """The client has been told that nothing more will come."""

    def abort(self) -> None:
        for writer in (self.client, self.server):
            transport = writer.transport
            if not transport.is_closing():
                transport.abort()

    def close_half(self) -> None:
        self.deaf = True
        with contextlib.suppress(OSError, RuntimeError):
            self.client.write_eof()


class Proxy:
    """Listens on a free port of the loopback and passes everything on to `target_port`. A context manager."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.bites: Counter[Break] = Counter()
        """How often a fault affected traffic: connections that were cut or half-closed, data that was held back or came
        late. Only the proxy's thread counts; reading is safe from any."""
        self.refused = 0
        """Connections of clients for which the server could not be reached."""
        self._target_port = target_port
        self._mode: Break | None = None
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._healed = asyncio.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"proxy to {target_port}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(_START_SECONDS), "the proxy does not listen"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)

    def in_front_of(self, url: str) -> str:
        """The same URL, through this proxy."""
        parts = urlsplit(url)
        credentials, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self.port}"))

    def break_as(self, mode: Break) -> None:
        """Misbehave from now on."""
        self._loop.call_soon_threadsafe(self._set, mode)

    def heal(self) -> None:
        """Let bytes flow; what was stalled goes on."""
        self._loop.call_soon_threadsafe(self._set, None)

    def cut_now(self) -> None:
        """Reset every connection once; new ones work."""
        self._loop.call_soon_threadsafe(self._cut_all)

    # ---------------------------------------------------------------- inside the thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=1_024))
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()
        server.close()
        for link in list(self._links):
            link.abort()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def _set(self, mode: Break | None) -> None:
        self._mode = mode
        # Wake everything that sleeps or waits.
        self._healed.set()
        self._healed = asyncio.Event()
        if mode == "cut":
            self._cut_all()
        elif mode == "half-close":
            for link in self._links:
                self._close_half(link)

    def _cut_all(self) -> None:
        for link in list(self._links):
            self._cut(link)

    def _cut(self, link: _Link) -> None:
        self.bites["cut"] += 1
        link.abort()

    def _close_half(self, link: _Link) -> None:
        self.bites["half-close"] += 1
        link.close_half()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            self.refused += 1
            writer.transport.abort()
            return
        link = _Link(writer, server_writer)
        self._links.add(link)
        pumps = [
            asyncio.create_task(self._pump(link, reader, server_writer, is_answer=False)),
            asyncio.create_task(self._pump(link, server_reader, writer, is_answer=True)),
        ]
        try:
            await asyncio.wait(pumps)
        finally:
            self._links.discard(link)
            for pump in pumps:
                pump.cancel()
            link.abort()

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        try:
            while data := await reader.read(_PIECE_BYTES):
                await self._pass_on(link, data, writer, is_answer=is_answer)
            if not (is_answer and link.deaf):
                writer.write_eof()
        except (OSError, RuntimeError):
            link.abort()

    async def _pass_on(self, link: _Link, data: bytes, writer: asyncio.StreamWriter, *, is_answer: bool) -> None:
        while data:
            if is_answer and link.deaf:
                return
            match self._mode:
                case "stall":
                    self.bites["stall"] += 1
                    await self._healed.wait()
                    continue
                case "trickle" if is_answer:
                    self.bites["trickle"] += 1
                    writer.write(data[:1])
                    data = data[1:]
                    await self._pause(TRICKLE_SECONDS)
                    continue
                case "delay":
                    self.bites["delay"] += 1
                    await self._pause(DELAY_SECONDS)
                case "cut" if is_answer:
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                    self._cut(link)
                    return
                case "half-close" if is_answer:
                    writer.write(data[: len(data) // 2])
                    self._close_half(link)
                    return
            writer.write(data)
            await writer.drain()
            return

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._healed.wait(), seconds)
