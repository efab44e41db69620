"""Turns a user's request into a job on the broker.

Small texts travel inside the message; anything larger goes into the store first, and the message names it (a claim
check). `request.json` is created before the message is published, so that a job is known from the moment its id is
printed, and if several clients use one id, the first one wins.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import get_args

from pydantic import ValidationError

from shared.client import show_defaults
from shared.client.covers import picture
from shared.client.documents import Content, Document, opened
from shared.client.sources import Address
from shared.client.webhook_secrets import WebhookSecret
from shared.errors import BadInput, Conflict, NotFound, PodcastError, TooLarge
from shared.protocol import reading
from shared.protocol.episode_of_show import EpisodeOfShow
from shared.protocol.messages import (
    INLINE_TEXT_LIMIT_CHARACTERS,
    AudioFormat,
    JobRequest,
    JobWebhook,
    LoudnessProfile,
    Message,
    ObjectSource,
    PauseLengths,
    Source,
    TextSource,
    UrlSource,
    new_job_id,
)
from shared.protocol.narration import Narration
from shared.store import keys
from shared.store.port import Store
from shared.tracing import spans

AUDIO_FORMATS: tuple[AudioFormat, ...] = get_args(AudioFormat)
_INLINE_FORMATS = frozenset({"text", "markdown", "html", "rst", "org", "plan"})


class JobDeleted(BadInput):
    """There was a job with this id, and it was deleted."""


@dataclass(frozen=True)
class Order:
    """The user's request without the source; the fields are those of `JobRequest`."""

    job_id: str | None = None
    title: str | None = None
    author: str | None = None
    language: str | None = None
    voice: str | None = None
    model: str | None = None
    speed: float = 1.0
    max_parallel: int = 5
    formats: tuple[AudioFormat, ...] = ("mp3",)
    chapter_files: bool = False
    loudness: LoudnessProfile = "mono"
    pauses: PauseLengths | None = None
    cover: Path | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    narration: Narration = field(default_factory=Narration)
    webhook_url: str | None = None
    webhook_secret: str | None = field(default=None, repr=False)
    show: EpisodeOfShow | None = None


@dataclass(frozen=True)
class Draft:
    """A job that is ready to be submitted: the request, and the objects that it names.

    Attributes:
        request: the job.
        uploads: key → what must be in the store before the job is published.
        is_new: its id was made here, so nobody else has used it.
    """

    request: JobRequest
    uploads: dict[str, Content]
    is_new: bool = False


def draft(order: Order, source: Document | Address, *, text_limit_characters: int) -> Draft:
    """Build the request and collect the objects that must be stored for it. Reads all of a file, for its digest.

    Raises:
        BadInput: a value is out of range, or the cover is not a picture.
    """
    job_id = order.job_id or new_job_id()
    uploads: dict[str, Content] = {}
    cover_key = None
    if order.cover is not None:
        content, suffix = picture(order.cover)
        cover_key = keys.source(job_id, _name("cover", content, suffix))
        uploads[cover_key] = content
    secret_key = _secret(order, job_id, uploads)
    try:
        request = JobRequest(
            job_id=job_id,
            source=_source(source, job_id, uploads, text_limit_characters),
            title=order.title,
            author=order.author,
            language=order.language,
            voice=order.voice,
            model=order.model,
            speed=order.speed,
            max_parallel=order.max_parallel,
            formats=order.formats,
            chapter_files=order.chapter_files,
            loudness=order.loudness,
            pauses=order.pauses,
            cover=cover_key,
            metadata=order.metadata,
            narration=order.narration,
            webhook=_webhook(order.webhook_url, secret_key),
            show=order.show,
        )
    except ValidationError as error:
        raise _bad_option(error) from error
    return Draft(request, uploads, is_new=order.job_id is None)


async def hand_over(job: Draft, *, store: Store, publish: Callable[[Message], Awaitable[None]]) -> bool:
    """Put the job's objects into the store and publish the job; returns when the broker has confirmed it.

    `request.json` is created once, so the first of several clients wins even if they race. Nothing is ever removed
    here: another client may have found and announced the request, and may use a document with the same content. What a
    failure leaves behind is announced by the next try with the same id; `podcast prune` removes what is not announced.
    What the job takes from its show is decided here (`show_defaults`).

    Returns:
        False if a job with this id exists already; it is left unchanged.

    Raises:
        JobDeleted: a job with this id was deleted.
        BadInput: it names a show that does not exist.
        StoreDown, BrokerDown: a server does not answer; the hint says how to continue.
    """
    with spans.job_span("submit", job.request.job_id):
        return await _hand_over(job, store, publish)


async def _hand_over(job: Draft, store: Store, publish: Callable[[Message], Awaitable[None]]) -> bool:
    job_id = job.request.job_id
    if not job.is_new and await store.exists(keys.status(job_id)):
        return False
    if not job.is_new and await store.exists(keys.deleted(job_id)):
        raise JobDeleted(f"Job {job_id} was deleted.", hint="Use another id.")
    request = None if job.is_new else await _first_request(store, job_id)
    is_ours = request is None
    if request is None:
        mine, of_show = await show_defaults.applied(store, job.request)
        for key, content in {**job.uploads, **of_show}.items():
            await upload(store, key, content)
        try:
            await store.create(keys.request(job_id), mine.model_dump_json().encode())
            request = mine
        except Conflict:
            is_ours = False
            request = await _first_request(store, job_id) or mine
    try:
        # Another client's request is announced again: no coordinator has taken it yet, or its sender was killed before
        # it could publish.
        await publish(request)
    except PodcastError as error:
        error.hint = f"{error.hint} Job {job_id} is in the store: to go on with it, use --id {job_id}.".strip()
        raise
    return is_ours


async def upload(store: Store, key: str, content: Content) -> None:
    """Store what a job needs. Whatever has this key has the same content, since the key is derived from it."""
    if isinstance(content, Path):
        await store.put_file(key, content)
    else:
        with contextlib.suppress(Conflict):
            await store.create(key, content)


async def _first_request(store: Store, job_id: str) -> JobRequest | None:
    """The stored request, from the first client to use this id."""
    try:
        return reading.read(JobRequest, await store.get(keys.request(job_id)), strict=False)
    except NotFound:
        return None
    except ValidationError as error:
        raise BadInput(
            f"There is a job {job_id} already, and its request cannot be read.", hint="Use another id."
        ) from error


def _bad_option(error: ValidationError) -> BadInput:
    first = error.errors()[0]
    name = " ".join(str(part) for part in first["loc"] if part not in {"text", "object", "url"}) or "source"
    if name == "language":
        return BadInput(f"{first['input']!r} is no language tag.", hint="Write it as in --language en or de-AT.")
    return BadInput(f"The job's {name.replace('_', ' ')} cannot be used: {first['msg']}.")


def _source(source: Document | Address, job_id: str, uploads: dict[str, Content], text_limit_characters: int) -> Source:
    if isinstance(source, Address):
        return UrlSource.model_validate({"url": source.url, "format": source.format})
    text = source.text
    characters = source.characters if text is None else len(text)
    if characters is not None and characters > text_limit_characters:
        raise TooLarge(
            f"{source.name} has {characters:,} characters; the limit is {text_limit_characters:,}.",
            hint="Split it, or raise PODCAST_TEXT_LIMIT_CHARACTERS for the services and for this command.",
        )
    if text is not None and len(text) <= INLINE_TEXT_LIMIT_CHARACTERS and source.format in _INLINE_FORMATS:
        return TextSource.model_validate({"text": text, "format": source.format})
    key = keys.source(job_id, _name("document", source.content, source.format))
    uploads[key] = source.content
    return ObjectSource(key=key, format=source.format, name=source.name[-255:])


def _webhook(url: str | None, secret_key: str | None) -> JobWebhook | None:
    return None if url is None else JobWebhook.model_validate({"url": url, "secret_key": secret_key})


def _secret(order: Order, job_id: str, uploads: dict[str, Content]) -> str | None:
    """The key of the secret, which travels in no message. Its name says nothing about it, not even a digest."""
    if order.webhook_secret is None:
        return None
    if order.webhook_url is None:
        raise BadInput("The webhook secret belongs to no address.", hint="Give the address that is told, too.")
    key = keys.webhook_secret(job_id, token_hex(8))
    uploads[key] = WebhookSecret.of(order.webhook_secret).model_dump_json().encode()
    return key


def _name(what: str, content: Content, suffix: str) -> str:
    """A name derived from the content, so that clients racing for one id do not overwrite each other's document."""
    with opened(content) as file:
        return f"{what}-{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}.{suffix}"
