"""What people see and change of a feed: the same over HTTP and with `podcast feeds`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from shared.addresses import without_password
from shared.client.feeds.model import Feed, FeedRules
from shared.errors import BadInput
from shared.protocol.messages import Line
from shared.text import one_line

RULES: Final = tuple(FeedRules.model_fields)
_LINE: Final = TypeAdapter[str](Line)


def rules_of(fields: Mapping[str, Any], before: FeedRules | None = None) -> FeedRules:
    """Rules with these values.

    Args:
        fields: of `FeedRules`.
        before: the rules that the others are taken from; None: the defaults.

    Raises:
        BadInput: a value cannot be used.
    """
    known = (before or FeedRules()).model_dump()
    try:
        return FeedRules.model_validate({**known, **fields}, strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = " ".join(str(part) for part in first["loc"]).replace("_", " ") or "rules"
        raise BadInput(f"The feed's {where} cannot be used: {first['msg']}.") from None


def checked_title(title: str) -> str:
    """The title, if a feed may have it.

    Raises:
        BadInput: it is too long, or is more than one line.
    """
    try:
        return _LINE.validate_python(title)
    except ValidationError:
        raise BadInput("The title cannot be used.", hint="Write one line of at most 500 characters.") from None


def document(feed: Feed) -> dict[str, Any]:
    """The feed as it is shown; a password in its address is not."""
    polling = feed.polling
    return {
        "id": feed.feed_id,
        "url": without_password(feed.url),
        "given_url": without_password(feed.given_url),
        "title": feed.title,
        "state": feed.state,
        "created_at": feed.created_at,
        "rules": feed.rules.model_dump(mode="json"),
        "polled_at": polling.polled_at,
        "succeeded_at": polling.succeeded_at,
        "next_poll_at": polling.next_poll_at if feed.is_polled else None,
        "next_digest_at": polling.next_digest_at,
        "failures": polling.failures,
        "error": polling.error,
        "warning": polling.warning,
        "jobs": polling.jobs,
        "waiting_for_digest": len(polling.pending),
        "items": [
            {
                "title": one_line(one.title),
                "outcome": one.outcome,
                "reason": one.reason,
                "job_id": one.job_id,
                "at": one.at,
            }
            for one in polling.recent
        ],
    }
