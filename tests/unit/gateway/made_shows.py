"""A gateway in this process, with shows and completed episodes put into its store by hand."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from services.gateway.app import build
from shared.client import show_episodes, shows
from shared.protocol.episode_of_show import EpisodeOfShow
from shared.protocol.messages import JobRequest, JobStatus, TextSource
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store

PUBLIC_URL: Final = "https://podcasts.example.org"
KEY: Final = f"pe_0123456789ab_{'0' * 64}"
# A JPEG of 4 x 3 pixels, as far as its header goes.
JPEG: Final = b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x03\x00\x04" + b"0" * 20
PNG: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x04\x00\x00\x00\x03" + b"0" * 9 + b"IEND0000"
AUDIO: Final = bytes(range(256)) * 40
CAPTIONS: Final = (
    "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nRhubarb &amp; custard.\n\n"
    "00:00:01.500 --> 100:00:03.250\n<v HOST>Two lines,\nof one cue.\n"
)
FIELDS: Final[dict[str, Any]] = {
    "title": "Essays & <Notes>",
    "description": "Old essays.\n\nRead aloud.",
    "author": "A. Reader",
    "categories": ["Arts > Books", "History"],
    "owner_email": "owner@example.org",
    "visibility": "public",
}


@dataclass
class Shows:
    """The gateway's store, and a client of it."""

    store: Store
    client: httpx.AsyncClient
    operator: httpx.AsyncClient

    async def show(self, show_id: str = "essays", **fields: Any) -> None:
        """A show; public unless `fields` say otherwise."""
        await shows.create(self.store, shows.new_show(show_id, {**FIELDS, **fields}, public_url=PUBLIC_URL))

    async def job(self, job_id: str, *, show_id: str = "essays", state: str = "completed", **place: Any) -> None:
        """A job of an episode: recorded by the chunker's code, and completed unless `state` says otherwise."""
        audio: bytes = place.pop("audio", AUDIO)
        title: str = place.pop("title", f"Episode {job_id}")
        cover: str | None = place.pop("cover", None)
        request = JobRequest(
            job_id=job_id, source=TextSource(text="Hello."), cover=cover, show=EpisodeOfShow(show_id=show_id, **place)
        )
        await self.store.create(keys.request(job_id), request.model_dump_json().encode())
        await show_episodes.announce(self.store, request)
        files = {"mp3": audio, "vtt": CAPTIONS.encode(), "chapters": _chapters(title)}
        for kind, content in files.items():
            await self.store.put(self.key(job_id, kind), content)
        now = time.time()
        status = {
            "job_id": job_id,
            "state": state,
            "title": title,
            "author": "A. Reader",
            "audio_seconds": 61.5,
            "files": {kind: self.key(job_id, kind) for kind in files},
            "submitted_at": now,
            "updated_at": now,
        }
        stored = JobStatus.model_validate(status).model_dump_json().encode()
        await self.store.put(keys.status(job_id), stored)

    async def complete(self, job_id: str) -> None:
        """A job that was under way is completed."""
        status = JobStatus.model_validate_json(await self.store.get(keys.status(job_id)))
        done = status.model_copy(update={"state": "completed"})
        await self.store.put(keys.status(job_id), done.model_dump_json().encode())

    @staticmethod
    def key(job_id: str, kind: str) -> str:
        """Where a file of a job is."""
        return keys.episode(job_id, "chapters.json" if kind == "chapters" else kind)


def _chapters(title: str) -> bytes:
    chapters = [{"startTime": 0.0, "title": "Beginning"}, {"startTime": 3_661.2, "title": "<b>End</b> & more"}]
    return json.dumps({"version": "1.2.0", "title": title, "chapters": chapters}).encode()


@asynccontextmanager
async def gateway_with_shows(directory: Path, **settings: Any) -> AsyncIterator[Shows]:
    """A gateway that answers in this process; listings of episodes are as old as the request."""
    given = {"store_url": directory.as_uri(), "gateway_public_url": PUBLIC_URL, "gateway_key": KEY, **settings}
    app, backend = build(Settings(**given))
    app.state.renderings._kept_seconds = 0.0
    transport = httpx.ASGITransport(app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client,
        httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8080", headers={"Authorization": f"Bearer {KEY}"}
        ) as operator,
    ):
        yield Shows(backend.store, client, operator)
