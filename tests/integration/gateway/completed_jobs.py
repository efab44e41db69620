"""A gateway with completed jobs that nobody spoke: their files and statuses are put into the store by hand."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from shared.protocol.messages import JobStatus, new_job_id
from shared.store import keys
from tests.servers.services import Services

TITLE, AUTHOR = 'Grüße: "the" Ferry/..\n\u202e', "Ann Ø"


async def completed(services: Services, files: dict[str, bytes], **fields: Any) -> str:
    """A completed job with these files, as if it had been spoken."""
    job_id = new_job_id()
    names = {kind: f"{kind}.json" if kind in {"chapters", "timing"} else kind for kind in files}
    own = {kind: keys.episode(job_id, name) for kind, name in names.items()}
    for kind, content in files.items():
        await services.store.put(own[kind], content)
    now = time.time()
    status = {"state": "completed", "title": TITLE, "author": AUTHOR, "files": own, **fields}
    await put_status(services, JobStatus(job_id=job_id, submitted_at=now, updated_at=now, **status))
    return job_id


async def put_status(services: Services, status: JobStatus) -> None:
    await services.store.put(keys.status(status.job_id), status.model_dump_json().encode())


@dataclass
class Listener:
    """A gateway, and a client of it."""

    services: Services
    client: httpx.AsyncClient

    @property
    def url(self) -> str:
        return self.services.workers[0].health_url

    @property
    def pid(self) -> int:
        return self.services.workers[0].process.pid


def minute_of_sound(path: Path) -> bytes:
    """An MP3 of a minute."""
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:duration=60", "-b:a", "64k", str(path)],
        check=True,
    )
    return path.read_bytes()
