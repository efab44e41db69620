"""`/v1/jobs`: submit a job, look at it. Publishes job.submitted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.problems import documented
from shared.client import submission, watching
from shared.client.sources import Address, Document
from shared.client.submission import Order
from shared.client.webhook_addresses import checked_url
from shared.protocol.messages import (
    AudioFormat,
    JobStatus,
    Line,
    LoudnessProfile,
    Name,
    SourceFormat,
    TagName,
    TagValue,
)

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=GuardedRoute)


class JobDocument(BaseModel):
    """A job, as a client asks for it: exactly one of `text` and `url`."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(None, min_length=1, description="the text to speak")
    url: str | None = Field(None, max_length=2_000, description="an http or https address to fetch")
    source_format: SourceFormat | None = Field(None, description="what the source is; null: by its content")
    title: Line | None = Field(None, description="the episode's title; null: the document's own")
    author: Line | None = Field(None, description="the episode's author; null: the document's own")
    language: Annotated[str, Field(max_length=35)] | None = Field(
        None, description="BCP 47 tag; null: the document's own"
    )
    voice: Name | None = Field(None, description="the voice; null: the default")
    model: Name | None = Field(None, description="the speech model; null: the default")
    speed: float = Field(1.0, ge=0.25, le=4.0, description="speaking rate; 1 is the voice's own")
    max_parallel: int = Field(5, ge=1, le=100, description="chunks of this job in flight at a time")
    formats: list[AudioFormat] = Field(["mp3"], min_length=1, max_length=5, description="files to make")
    loudness: LoudnessProfile = Field("mono", description="mono: -19 LUFS; stereo: -16 LUFS on two channels")
    metadata: dict[TagName, TagValue] = Field({}, max_length=32, description="more tags for the file")
    webhook_url: str | None = Field(
        None, max_length=2_000, description="an address that is told when the job has ended"
    )
    webhook_secret: str | None = Field(
        None, max_length=100, description="`whsec_…`, which signs that; null: it is not signed", repr=False
    )


class Links(BaseModel):
    """Where a job is."""

    self: str
    events: str
    episode: str


class Accepted(BaseModel):
    """A job that was taken."""

    job_id: str
    links: Links


def _links(job_id: str) -> Links:
    own = f"/v1/jobs/{job_id}"
    return Links(self=own, events=f"{own}/events", episode=f"{own}/episode")


@router.post("", status_code=202, responses=documented(400, 413, 415))
@needs("submit")
async def submit(document: JobDocument, backend: TheBackend, response: Response) -> Accepted:
    """Hand over a text or an address; answers as soon as the broker has the job. Needs the scope `submit`."""
    source = _source(document)
    if document.webhook_url is not None:
        checked_url(document.webhook_url, allowed=backend.settings.webhook_allowed)
    options: dict[str, Any] = document.model_dump(exclude={"text", "url", "source_format", "formats"})
    order = Order(**options, formats=tuple(document.formats))
    draft = submission.draft(order, source, text_limit_characters=backend.settings.text_limit_characters)
    await submission.hand_over(draft, store=backend.store, publish=backend.publish)
    links = _links(draft.request.job_id)
    response.headers["Location"] = links.self
    return Accepted(job_id=draft.request.job_id, links=links)


def _source(document: JobDocument) -> Document | Address:
    if document.url is not None:
        return Address(document.url, document.source_format)
    text = document.text or ""
    kind = document.source_format or "text"
    return Document(f"text.{kind}", text.encode(), kind, text)


@router.get("/{job_id}", responses=documented(404))
@needs("read")
async def show(job_id: str, backend: TheBackend) -> JobStatus:
    """A job's state and progress. Needs the scope `read`."""
    return await watching.known(backend.store, job_id)
