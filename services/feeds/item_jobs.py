"""The job that an item, or a digest of several, becomes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from services.feeds.full_text import Text
from services.feeds.parsing.parsed import ParsedItem
from services.feeds.parsing.plain import words_of
from shared.addresses import without_login
from shared.client import submission
from shared.client.documents import Document
from shared.client.feeds.model import Feed
from shared.client.sources import Address
from shared.client.submission import Draft, JobDeleted, Order
from shared.errors import BadInput
from shared.protocol.episode_of_show import EpisodeOfShow
from shared.protocol.messages import Message
from shared.settings import Settings
from shared.store.port import Store

_SUMMARY_CHARACTERS: Final = 1_000


def draft(feed: Feed, item: ParsedItem, text: Text, job_id: str, settings: Settings) -> Draft:
    """The job of an item.

    Raises:
        BadInput: no job can be made of it, such as when its address has no valid form.
        TooLarge: its text is over a limit.
    """
    source = _document(text.markup) if text.markup is not None else Address(item.link, None)
    published = min(item.published, time.time()) if item.published is not None else None
    show = None
    if feed.rules.show is not None:
        try:
            show = EpisodeOfShow(
                show_id=feed.rules.show,
                summary=words_of(item.html)[:_SUMMARY_CHARACTERS] or None,
                published_at=published,
                link=without_login(item.link) or None,
            )
        except ValueError as error:
            raise BadInput("The item's address has no valid form.") from error
    return submission.draft(
        Order(
            job_id=job_id,
            title=item.title or None,
            author=item.author or None,
            language=feed.rules.language,
            voice=feed.rules.voice,
            metadata=_metadata(feed, published),
            show=show,
        ),
        source,
        text_limit_characters=settings.text_limit_characters,
    )


def digest_draft(feed: Feed, archive: bytes, title: str, job_id: str, settings: Settings) -> Draft:
    """The job of a digest, made of an archive with a page for each item: each is a chapter.

    Raises:
        BadInput: no job can be made of it.
    """
    show = None if feed.rules.show is None else EpisodeOfShow(show_id=feed.rules.show)
    order = Order(
        job_id=job_id,
        title=title,
        language=feed.rules.language,
        voice=feed.rules.voice,
        metadata=_metadata(feed, time.time()),
        show=show,
    )
    source = Document("digest.zip", archive, "zip", None)
    return submission.draft(order, source, text_limit_characters=settings.text_limit_characters)


async def hand_over(job: Draft, *, store: Store, publish: Callable[[Message], Awaitable[None]]) -> None:
    """Submit a job, once however often this is called; one that was deleted meanwhile is not made again.

    Raises:
        BadInput: its show does not exist.
        StoreDown, BrokerDown: a server does not answer.
    """
    with contextlib.suppress(JobDeleted):
        await submission.hand_over(job, store=store, publish=publish)


def _document(markup: bytes) -> Document:
    try:
        text = markup.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Document("item.html", markup, "html", None)
    return Document("item.html", markup, "html", text)


def _metadata(feed: Feed, published: float | None) -> dict[str, str]:
    found = {"album": feed.title} if feed.title else {}
    if published is not None:
        found["date"] = f"{datetime.fromtimestamp(published, UTC):%Y-%m-%d}"
    return found
