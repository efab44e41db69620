"""Each route of the API as a `Call`: what is sent, and what its answer becomes. Both clients carry them out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

from podcast_client.answers import document, listing, nothing, of, page
from podcast_client.documents import Chunk, Document, EventAddress, Health, Job, Page, Submitted, Voice

T = TypeVar("T")

_REPEATABLE: Final = frozenset({"GET", "HEAD", "DELETE", "PUT"})
SLOW_SECONDS: Final = 150.0
"""For what an operator does: the server takes two minutes at most."""
Upload = Path | bytes | BinaryIO


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request, and what its answer becomes.

    Attributes:
        method: of HTTP.
        path: on the server.
        answer: makes the result of the body.
        params: the query; None values are left out.
        body: sent as JSON.
        fields: sent as the fields of a form, with `files`.
        files: name of the field → file name and content.
        content: sent as it is, with `content_type`.
        content_type: of `content`.
        idempotency_key: makes it safe to repeat.
        is_done_if_gone: a repetition that is answered with 404 means that an earlier attempt has succeeded.
        accepts: more statuses that are answers, not errors.
        seconds: how long it may take, and be silent; None: as long as any call.
    """

    method: str
    path: str
    answer: Callable[[bytes], T]
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[str, Upload]] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = ""
    idempotency_key: str | None = None
    is_done_if_gone: bool = False
    accepts: frozenset[int] = frozenset()
    seconds: float | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.method in _REPEATABLE or self.idempotency_key is not None

    @property
    def query(self) -> dict[str, Any]:
        """The query, without what is not given."""
        return {name: _in_query(value) for name, value in self.params.items() if value not in (None, (), [])}

    @property
    def headers(self) -> dict[str, str]:
        """The headers of its own."""
        own = {"Idempotency-Key": self.idempotency_key or "", "Content-Type": self.content_type}
        return {name: value for name, value in own.items() if value}


def part(value: str) -> str:
    """A value as a part of a path: whatever it contains, the path leads nowhere else."""
    # A proxy may resolve dots even where they are escaped.
    if value in {"", ".", ".."}:
        raise ValueError(f"{value!r} cannot be the id of anything")
    return quote(value, safe="")


def job_path(job_id: str) -> str:
    """Where a job is."""
    return f"/v1/jobs/{part(job_id)}"


# ---------------------------------------------------------------- jobs


def submit(
    *,
    text: str | None,
    url: str | None,
    file: Upload | None,
    file_name: str,
    cover: Upload | None,
    options: Mapping[str, Any],
    idempotency_key: str | None,
    path: str = "/v1/jobs",
    answer: Callable[[bytes], T],
) -> Call[T]:
    """Hand over a document: exactly one of `text`, `url` and `file`.

    Raises:
        ValueError: none of them is given, or several.
    """
    if sum(source is not None for source in (text, url, file)) != 1:
        raise ValueError("give exactly one of text, url and file")
    order = {name: value for name, value in options.items() if value is not None}
    order |= {name: value for name, value in (("text", text), ("url", url)) if value is not None}
    key = idempotency_key or str(uuid4())
    if file is None and cover is None:
        return Call("POST", path, answer, body=order, idempotency_key=key)
    files: dict[str, tuple[str, Upload]] = {}
    if file is not None:
        files["file"] = (file_name or (file.name if isinstance(file, Path) else "document"), file)
    if cover is not None:
        files["cover"] = (cover.name if isinstance(cover, Path) else "cover", cover)
    return Call("POST", path, answer, fields={"options": json.dumps(order)}, files=files, idempotency_key=key)


SUBMITTED: Final = of(Submitted)


def preview_answer(preview_id: str) -> Call[Document]:
    """A preview that was asked for, or where it will be."""
    return Call("GET", f"/v1/previews/{part(preview_id)}", document)


def is_made(preview: Document) -> bool:
    """Whether this is a preview, and not only where it will be."""
    return "links" not in preview


def job(job_id: str) -> Call[Job]:
    """A job."""
    return Call("GET", job_path(job_id), of(Job))


def jobs(
    *,
    states: tuple[str, ...] = (),
    title: str | None = None,
    since: float | None = None,
    until: float | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Call[Page[Job]]:
    """A page of the jobs, newest first."""
    params = {"state": states, "title": title, "since": since, "until": until, "limit": limit, "cursor": cursor}
    return Call("GET", "/v1/jobs", page(Job, "jobs"), params=params)


def chunks(job_id: str, *, limit: int = 50, cursor: str | None = None) -> Call[Page[Chunk]]:
    """A page of a job's chunks, in order."""
    return Call("GET", f"{job_path(job_id)}/chunks", page(Chunk, "chunks"), params={"limit": limit, "cursor": cursor})


def cancel(job_id: str, *, reason: str | None = None) -> Call[Job]:
    """Stop a job."""
    return Call("DELETE", job_path(job_id), of(Job), params={"reason": reason})


def delete(job_id: str) -> Call[None]:
    """Remove a job, after stopping it if it has not ended."""
    return Call("DELETE", job_path(job_id), nothing, params={"purge": True}, is_done_if_gone=True)


def retry(job_id: str) -> Call[Job]:
    """Open a failed or cancelled job again."""
    return Call("POST", f"{job_path(job_id)}/retry", of(Job))


def prune(*, older_than_seconds: float, dry_run: bool) -> Call[Document]:
    """Remove jobs that ended long ago."""
    return Call("POST", "/v1/prune", document, body={"older_than_seconds": older_than_seconds, "dry_run": dry_run})


def manifest(job_id: str) -> Call[Document]:
    """What a job's text was split into."""
    return Call("GET", f"{job_path(job_id)}/manifest", document)


def event_address(job_id: str | None) -> Call[EventAddress]:
    """Where a browser can watch events."""
    path = "/v1/events" if job_id is None else f"{job_path(job_id)}/events"
    return Call("POST", f"{path}/token", of(EventAddress))


# ---------------------------------------------------------------- voices, health


def voices(language: str | None) -> Call[tuple[Voice, ...]]:
    """The voices of the speech servers."""
    return Call("GET", "/v1/voices", listing(Voice, "voices"), params={"language": language})


def hls(job_id: str, name: str, awaited: int) -> Call[bytes]:
    """A file of a job's HLS stream."""
    params = {"_HLS_msn": awaited or None}
    return Call("GET", f"{job_path(job_id)}/hls/{part(name)}", bytes, params=params)


def models() -> Call[tuple[Document, ...]]:
    """The speech models."""
    return Call("GET", "/v1/models", lambda body: tuple(document(body)["data"]))


def health() -> Call[Health]:
    """Whether the server can take jobs."""
    return Call("GET", "/readyz", of(Health), accepts=frozenset({503}))


def _in_query(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return list(value) if isinstance(value, tuple) else value


def sample_path(voice_id: str) -> str:
    """Where a voice speaks a sample."""
    return f"/v1/voices/{part(voice_id)}/sample"
