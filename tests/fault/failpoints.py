"""A service with failpoints, and with a clock that a test can set: `python -m tests.fault.failpoints NAME`.

The service is the real one. At each of its steps it looks in the folder PODCAST_FAILPOINTS_DIR
for a file `<service>.<point>`, or `<service>.<point>@<kind of message>`, which says what to do at that step; the
process that reads the file removes it, so it happens once.

    kill    SIGKILL to itself
    block   block the event loop
    hang    let the handler wait for ever

The file `clock` holds by how many seconds `time.time` is ahead of the real time.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import importlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aio_pika
import anyio.from_thread

from shared.runtime import delivery, publishing, service
from shared.store import folder, folder_upload, keys, s3, s3_upload
from tests.fault import worker_faults

DIRECTORY = "PODCAST_FAILPOINTS_DIR"
ENCODE_WHOLE = "encode-whole"
"""While this is armed, the assembler joins nothing: ffmpeg encodes the episode, as it does where a target is missed."""
BLOCK_SECONDS = 600.0
CLOCK_LOOK_SECONDS = 0.1

_kind: contextvars.ContextVar[str] = contextvars.ContextVar("kind", default="")
"""The kind of the message that is being handled."""


class Failpoints:
    """The folder in which a test arms failpoints."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = name

    async def at(self, point: str) -> None:
        """Do what this step is armed with, if anything."""
        for name in (point, f"{point}@{_kind.get()}"):
            taken = self._directory / f"taken-by-{os.getpid()}"
            with contextlib.suppress(FileNotFoundError):
                (self._directory / f"{self._name}.{name}").rename(taken)  # only one process succeeds
                await self._hit(taken)

    def is_armed(self, point: str) -> bool:
        """Whether this step is armed; it stays so."""
        return (self._directory / f"{self._name}.{point}").exists()

    def in_worker(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call` with the folder as its first argument: worker processes do not get it from the environment."""
        return functools.partial(call, self._directory)

    async def _hit(self, taken: Path) -> None:
        match taken.read_text().strip():  # noqa: ASYNC240 - a few bytes
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "block":
                time.sleep(BLOCK_SECONDS)  # noqa: ASYNC251 - that is the point
            case "hang":
                await asyncio.Event().wait()

    def around(self, call: Callable[..., Any], step: str, *, when: Callable[..., bool] = lambda *_, **__: True) -> Any:
        """`call` with a step before and one after it."""

        @functools.wraps(call)
        async def wrapped(*arguments: Any, **keywords: Any) -> Any:
            counts = when(*arguments, **keywords)
            if counts:
                await self.at(f"before-{step}")
            result = await call(*arguments, **keywords)
            if counts:
                await self.at(f"after-{step}")
            return result

        return wrapped


def _is_work(_store: object, key: str, *_: object, **__: object) -> bool:
    """Suspect markers are not a step of the work."""
    return not key.startswith(keys.QUARANTINE)


def _is_news(_publisher: object, _message: object, _exchange: str, routing_key: str, **_: object) -> bool:
    """The reconciler's ticks are not a step of the work."""
    return routing_key != "job.reconcile"


def install(failpoints: Failpoints, name: str) -> None:
    """Patch the steps into the classes that every service uses."""
    received = delivery.Delivery.consume_scope

    async def consume_scope(self: delivery.Delivery, call_next: Any, msg: Any) -> Any:
        async def handler(message: Any) -> Any:
            if self.kind != "job.reconcile":
                await failpoints.at("received")
            return await call_next(message)

        _kind.set(self.kind)
        return await received(self, handler, msg)

    delivery.Delivery.consume_scope = consume_scope  # type: ignore[method-assign] # patched by a test
    for store in (folder.FileStore, s3.S3Store):
        store.put = failpoints.around(store.put, "store", when=_is_work)  # type: ignore[method-assign] # as above
        store.create = failpoints.around(store.create, "store", when=_is_work)  # type: ignore[method-assign] # as above
        store.replace = failpoints.around(store.replace, "store", when=_is_work)  # type: ignore[method-assign] # as above
        store.put_file = failpoints.around(store.put_file, "store", when=_is_work)  # type: ignore[method-assign] # as above
    for upload in (folder_upload.FolderUpload, s3_upload.S3Upload):
        upload.finish = failpoints.around(upload.finish, "store")  # type: ignore[method-assign] # as above
    publishing.Publisher.raw = failpoints.around(publishing.Publisher.raw, "publish", when=_is_news)  # type: ignore[method-assign] # as above
    ack = aio_pika.IncomingMessage.ack
    aio_pika.IncomingMessage.ack = failpoints.around(ack, "ack", when=lambda message: message.type != "job.reconcile")  # type: ignore[method-assign] # as above
    if name == "synthesizer":
        speech = importlib.import_module("services.synthesizer.speech")
        speech.post = failpoints.around(speech.post, "speech")  # type: ignore[attr-defined] # as above
        segmenting = importlib.import_module("services.synthesizer.segmenting").Segmenting
        segmenting.complete = failpoints.around(segmenting.complete, "encoding")
        chunk_work = importlib.import_module("services.synthesizer.chunk_work")
        chunk_work.of_answer = failpoints.in_worker(worker_faults.of_answer)  # type: ignore[attr-defined] # as above
        chunk_work.segments_of = failpoints.in_worker(worker_faults.segments_of)  # type: ignore[attr-defined] # as above
    if name == "assembler":
        _install_joining(failpoints)
        _install_ffmpeg(failpoints)


def _install_joining(failpoints: Failpoints) -> None:
    """Steps in the middle of a file: when frames of segments are there, and when a chapter is in the archive."""
    body = importlib.import_module("services.assembler.body").Body
    add = body.add

    def added(self: Any, some: Any) -> Any:
        for index, _ in some:
            if index > 1:
                anyio.from_thread.run(failpoints.at, "joining")  # it is called in a thread
        return add(self, some)

    body.add = added
    chapter_files = importlib.import_module("services.assembler.chapter_files")
    add_file = chapter_files._add_file

    def archived(*arguments: Any) -> None:
        add_file(*arguments)
        anyio.from_thread.run(failpoints.at, "archiving")

    chapter_files._add_file = archived
    joining = importlib.import_module("services.assembler.joining")
    codecs_of = joining.codecs_of
    joining.codecs_of = lambda formats: [] if failpoints.is_armed(ENCODE_WHOLE) else codecs_of(formats)


def _install_ffmpeg(failpoints: Failpoints) -> None:
    """Steps while its child runs: after the first piece of input, and before the first piece of output is used."""
    child = importlib.import_module("shared.audio.ffmpeg").Child
    feed, pcm = child.feed, child.pcm

    async def fed(self: Any, data: Any) -> None:
        await feed(self, data)
        await failpoints.at("encoding")

    async def decoded(self: Any) -> Any:
        async for piece in pcm(self):
            await failpoints.at("decoding")
            yield piece

    child.feed, child.pcm = fed, decoded


def set_clock_by(path: Path) -> None:
    """Shift `time.time` by what the file says; `time.monotonic` stays right, as with a real clock change."""
    true_time = time.time
    looked, offset = float("-inf"), 0.0

    def wrong_time() -> float:
        nonlocal looked, offset
        if time.monotonic() - looked > CLOCK_LOOK_SECONDS:
            looked = time.monotonic()
            try:
                offset = float(path.read_text() or 0)
            except (FileNotFoundError, ValueError):
                offset = 0.0
        return true_time() + offset

    time.time = wrong_time


def main() -> None:
    name = sys.argv[1]
    directory = Path(os.environ[DIRECTORY])
    set_clock_by(directory / "clock")
    install(Failpoints(directory, name), name)
    app = importlib.import_module(f"services.{name}.app")
    service.main(name, app.build)


if __name__ == "__main__":
    main()
