"""`OlderDocument`: a job as an older system was sent it, and the job of this system that it becomes. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.config import JsonDict

from services.gateway.job_order import LANGUAGE, JobDocument
from shared.errors import BadInput
from shared.protocol.messages import (
    TagName,
    TagValue,
)
from shared.protocol.narration import LANGUAGE_LIMIT_CHARACTERS, Name

_TAGS_LIMIT: Final = 32


class OlderChapter(BaseModel):
    """A chapter."""

    model_config = ConfigDict(extra="ignore")

    title: str = Field("", validation_alias=AliasChoices("title", "name", "heading"), description="its heading")
    text: str = Field(
        "", validation_alias=AliasChoices("text", "content", "body", "script"), description="what is spoken; Markdown"
    )


class OlderOptions(BaseModel):
    """How it is made."""

    model_config = ConfigDict(extra="ignore")

    max_parallel_tts: int | None = Field(None, ge=1, le=100, description="chunks of this job in flight at a time")
    voice: Name | None = Field(None, description="the voice")
    speed: float | None = Field(None, ge=0.25, le=4.0, description="speaking rate; 1 is the voice's own")


_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SPOKEN: Final[JsonDict] = {"required": ["text"], "properties": {"text": {"type": "string", "pattern": r"\S"}}}
"""A chapter with something to speak, for the OpenAPI document: one of them must have it."""


class OlderDocument(BaseModel):
    """A podcast to create. The first of chapters, text and url that is given is what is spoken."""

    model_config = ConfigDict(
        extra="ignore",
        allow_inf_nan=False,
        json_schema_extra={
            "anyOf": [
                {"required": ["chapters"], "properties": {"chapters": {"type": "array", "contains": _SPOKEN}}},
                {"required": ["text"], "properties": {"text": {"type": "string", "pattern": r"\S"}}},
                {"required": ["url"], "properties": {"url": {"type": "string", "format": "uri"}}},
            ],
            "examples": [
                {
                    "title": "Two chapters",
                    "chapters": [{"title": "One", "content": "First."}, {"title": "Two", "content": "Second."}],
                    "processing_options": {"max_parallel_tts": 3},
                }
            ],
        },
    )

    title: str | None = Field(
        None,
        max_length=500,
        validation_alias=AliasChoices("title", "name", "podcast_title"),
        description="the episode's title",
    )
    author: str | None = Field(None, max_length=500, description="the episode's author")
    text: str | None = Field(
        None,
        validation_alias=AliasChoices("text", "content", "body", "script"),
        description="the text to speak; also `content`, `body`, `script`",
    )
    url: str | None = Field(
        None,
        validation_alias=AliasChoices("url", "source_url", "article_url", "link"),
        description="an address to fetch; also `source_url`, `article_url`, `link`",
    )
    chapters: list[OlderChapter] | None = Field(
        None, validation_alias=AliasChoices("chapters", "sections"), description="chapters, or texts; also `sections`"
    )
    language: str | None = Field(
        None,
        pattern=LANGUAGE,
        max_length=LANGUAGE_LIMIT_CHARACTERS,
        validation_alias=AliasChoices("language", "lang"),
        description="BCP 47 tag",
    )
    voice: Name | None = Field(None, validation_alias=AliasChoices("voice", "voice_id"), description="the voice")
    speed: float | None = Field(None, ge=0.25, le=4.0, description="speaking rate; 1 is the voice's own")
    output_format: str | None = Field(
        None,
        pattern=r"^\.?([mM][pP]3|[mM]4[bB]|[oO][pP][uU][sS]|[fF][lL][aA][cC]|[wW][aA][vV])$",
        validation_alias=AliasChoices("output_format", "audio_format", "format"),
        description="mp3 (the default), m4b, opus, flac or wav",
    )
    metadata: (
        Annotated[
            dict[TagName, TagValue | int | float | bool | None],
            Field(max_length=_TAGS_LIMIT, json_schema_extra={"additionalProperties": False}),
        ]
        | None
    ) = Field(None, description="more tags for the file")
    processing_options: OlderOptions | None = Field(None, description="how it is made")

    @field_validator("chapters", mode="before")
    @classmethod
    def _chapters_may_be_texts(cls, value: Any) -> Any:
        if isinstance(value, list):
            return [{"text": each} if isinstance(each, str) else each for each in value]
        return value


def as_job(older: OlderDocument) -> JobDocument:
    """The job that an older system's document asks for.

    Raises:
        BadInput: it has nothing to speak, or a value that cannot be used.
    """
    options = older.processing_options or OlderOptions()
    wanted: dict[str, Any] = {
        **_source(older),
        "title": _line(older.title),
        "author": _line(older.author),
        "language": older.language,
        "voice": older.voice or options.voice,
        "speed": older.speed if older.speed is not None else options.speed,
        "max_parallel": options.max_parallel_tts,
        "formats": (older.output_format.lower().lstrip("."),) if older.output_format else None,
        "metadata": {name: str(value) for name, value in (older.metadata or {}).items() if value not in {None, ""}},
    }
    try:
        return JobDocument(**{name: value for name, value in wanted.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"The podcast's {name} cannot be used: {first['msg']}.") from error


def _source(older: OlderDocument) -> dict[str, str]:
    if older.chapters and any(chapter.text.strip() for chapter in older.chapters):
        return {"text": "\n\n".join(map(_markdown, older.chapters)), "source_format": "markdown"}
    if older.text and older.text.strip():
        return {"text": older.text}
    if older.url and older.url.strip():
        return {"url": older.url.strip()}
    raise BadInput("The podcast contains no text.", hint="Give chapters, text or url.")


def _markdown(chapter: OlderChapter) -> str:
    """A chapter in Markdown. Indented lines would be code, which is not read aloud."""
    lines = [line.strip() for line in chapter.text.splitlines()]
    title = _line(chapter.title)
    return "\n".join([*([f"# {title}", ""] if title else []), *lines])


def _line(text: str | None) -> str | None:
    """The text in one line, without control characters; None if there is none."""
    return " ".join(_CONTROLS.sub(" ", text or "").split()) or None
