"""`JobDocument`: what a client asks for, as JSON or as a form with a file; and the job that is made of it.

The document of a form is on the disk and stays there until it is in the store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.exceptions import HTTPException

from services.gateway import bodies, forms
from services.gateway.access import caller
from services.gateway.backend import Backend
from services.gateway.forms import UploadedFile
from services.gateway.json_types import WHOLE, WHOLES
from shared.client import documents, submission
from shared.client.covers import COVER_LIMIT_BYTES
from shared.client.sources import Address, address
from shared.client.submission import Draft, Order
from shared.errors import BadInput
from shared.protocol.episode_of_show import EpisodeOfShow
from shared.protocol.messages import (
    AudioFormat,
    JobId,
    Line,
    LoudnessProfile,
    PauseLengths,
    SourceFormat,
    TagName,
    TagValue,
)
from shared.protocol.narration import LANGUAGE_LIMIT_CHARACTERS, Name, Narration
from shared.settings import Settings

LANGUAGE: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"
_URL_LIMIT_CHARACTERS: Final = 2_000
_SIGNS: Final = (
    r"^whsec_([0-9A-Za-z+/]{4}){8,20}([0-9A-Za-z+/]{2}==|[0-9A-Za-z+/]{3}=|[0-9A-Za-z+/]{4}|[0-9A-Za-z+/]{6}==)?$"
)
"""For the OpenAPI document; `WebhookSecret.of` checks it, and its error does not quote the secret."""
_UNNAMED: Final = "document"
_OTHER_FIELDS: Final = frozenset({"text", "url", "source_format", "job_id"})
"""Fields of a `JobDocument` that no `Order` has, or that are not passed on as they are."""


class JobDocument(BaseModel):
    """A job, as a client asks for it.

    As JSON it has exactly one of `text` and `url`. In a form it is the field `options`, and the document may be the
    field `file` instead.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        json_schema_extra={
            "anyOf": [  # a secret belongs to an address
                {"properties": {"webhook_secret": {"type": "null"}}},
                {"required": ["webhook_url"], "properties": {"webhook_url": {"type": "string"}}},
            ],
            "examples": [
                {"text": "It was a bright cold day in April.", "title": "The first line"},
                {"url": "https://example.org/article", "language": "en", "formats": ["mp3", "m4b"]},
            ],
        },
    )

    job_id: JobId | None = Field(
        None,
        description="an id of the client's own: the same id twice is one job, the first; one of a job that was"
        " deleted is refused (409); null: a new one",
    )
    text: str | None = Field(None, min_length=1, description="the text to speak")
    url: str | None = Field(
        None,
        min_length=1,
        max_length=_URL_LIMIT_CHARACTERS,
        description="an http or https address to fetch; it must be public",
        json_schema_extra={"format": "uri", "examples": ["https://example.org/article"]},
    )
    source_format: SourceFormat | None = Field(
        None, description="what the document is; null: `text` for a text, else by name and content"
    )
    title: Line | None = Field(None, description="the episode's title; null: the document's own")
    author: Line | None = Field(None, description="the episode's author; null: the document's own")
    language: Annotated[str, Field(pattern=LANGUAGE, max_length=LANGUAGE_LIMIT_CHARACTERS)] | None = Field(
        None, description="BCP 47 tag; null: the document's own, or `en`"
    )
    voice: Name | None = Field(None, description="the voice; null: the default")
    model: Name | None = Field(None, description="the speech model; null: the default")
    speed: float = Field(1.0, ge=0.25, le=4.0, description="speaking rate; 1 is the voice's own")
    max_parallel: Annotated[int, Field(ge=1, le=100), WHOLE] = Field(
        5, description="chunks of this job in flight at a time"
    )
    formats: tuple[AudioFormat, ...] = Field(
        ("mp3",),
        min_length=1,
        max_length=5,
        description="files to make, each once",
        json_schema_extra={"uniqueItems": True},
    )
    chapter_files: bool = Field(
        False, description="also a ZIP archive (`zip`) with a file for each chapter, in the first of `formats`"
    )
    loudness: LoudnessProfile = Field("mono", description="mono: -19 LUFS; stereo: -16 LUFS on two channels")
    pauses: Annotated[PauseLengths, WHOLES] | None = Field(
        None, description="silences in milliseconds; null: the settings'"
    )
    webhook_url: str | None = Field(
        None,
        min_length=1,
        max_length=_URL_LIMIT_CHARACTERS,
        description="an http or https address that is told when the job has ended",
        json_schema_extra={"format": "uri", "examples": ["https://example.org/hooks/podcast"]},
    )
    webhook_secret: str | None = Field(
        None,
        max_length=100,
        description="`whsec_` and 24 to 64 bytes in base64, which sign that; null: it is not signed",
        json_schema_extra={"pattern": _SIGNS},
        repr=False,
    )
    metadata: dict[TagName, TagValue] = Field(
        {},
        max_length=32,
        description="more tags for the file: album, date, genre, comment, …",
        json_schema_extra={"additionalProperties": False},  # names that do not match the pattern
    )

    narration: Narration = Field(
        Narration(), description="what is read aloud of the document, and how it is said; see docs/documents.md"
    )

    show: EpisodeOfShow | None = Field(
        None, description="the show that the episode belongs to, and its place there; see docs/shows.md"
    )

    @field_validator("formats")
    @classmethod
    def _formats_are_distinct(cls, value: tuple[AudioFormat, ...]) -> tuple[AudioFormat, ...]:
        if len(set(value)) != len(value):
            raise ValueError("each format may be named once")
        return value


@dataclass(frozen=True)
class Asked:
    """A request for a job.

    Attributes:
        document: what the client said of it.
        file: the client's document, if it sent one.
        cover: the client's picture, if it sent one.
    """

    document: JobDocument
    file: UploadedFile | None = None
    cover: UploadedFile | None = None

    def draft(self, settings: Settings, *, job_id: str | None = None) -> Draft:
        """The job, ready to be submitted. Reads files, so it is for a thread.

        Args:
            settings: the limits.
            job_id: its id; None: the one that the document names, or a new one.

        Raises:
            BadInput: something in the request makes no sense.
        """
        options: dict[str, Any] = {
            name: getattr(self.document, name) for name in JobDocument.model_fields if name not in _OTHER_FIELDS
        }
        cover = self.cover.path if self.cover else None
        order = Order(job_id=job_id or self.document.job_id, cover=cover, **options)
        source = self._source(settings.source_limit_bytes)
        return submission.draft(order, source, text_limit_characters=settings.text_limit_characters)

    def _source(self, limit_bytes: int) -> documents.Document | Address:
        asked = self.document
        if asked.url is not None:
            return address(asked.url, asked.source_format)
        if self.file is not None:
            name = self.file.name or _UNNAMED
            return documents.document(name, self.file.path, limit_bytes=limit_bytes, source_format=asked.source_format)
        text = (asked.text or "").encode()
        kind = asked.source_format or "text"
        return documents.document("text", text, limit_bytes=limit_bytes, source_format=kind, shown="The text")


@asynccontextmanager
async def asked(request: Request, backend: Backend) -> AsyncIterator[Asked]:
    """Read a request for a job; its files are there as long as the context.

    Raises:
        RequestValidationError, HTTPException: it is not what it should be.
        BadInput: it has none or several of `text`, `url` and `file`.
        TooLarge: it is over a limit.
        SlowRequest: it did not arrive in time.
        Outage: the gateway cannot keep the file.
    """
    settings = backend.settings
    seconds = settings.gateway_upload_seconds
    match bodies.media_type(request):
        case bodies.JSON:
            limit_bytes = settings.gateway_json_limit_bytes
            document = await bodies.read_json(request, JobDocument, limit_bytes=limit_bytes, seconds=seconds)
            found = Asked(document)
            _check(found)
            yield found
        case forms.MEDIA_TYPE:
            with backend.uploads.one(caller(request).key_id) as folder:
                found = await _form(request, folder, settings)
                _check(found)
                yield found
        case other:
            raise HTTPException(
                415, f"{other or 'A body without a media type'} is neither {bodies.JSON} nor {forms.MEDIA_TYPE}."
            )


async def _form(request: Request, folder: Path, settings: Settings) -> Asked:
    form = await forms.read_form(
        bodies.portions(request, seconds=settings.gateway_upload_seconds),
        request.headers["content-type"],
        folder=folder,
        fields={"options": settings.gateway_json_limit_bytes},
        uploads={"file": settings.source_limit_bytes, "cover": COVER_LIMIT_BYTES},
    )
    options = form.fields.get("options", b"{}")
    document = bodies.parse(JobDocument, options, where="options")
    return Asked(document, form.uploads.get("file"), form.uploads.get("cover"))


def _check(asked: Asked) -> None:
    sources = {"text": asked.document.text, "url": asked.document.url, "file": asked.file}
    given = [name for name, value in sources.items() if value is not None]
    if len(given) != 1:
        raise BadInput(
            f"The job has {' and '.join(given) or 'nothing to speak'}.", hint="Give one of text, url and a file."
        )
