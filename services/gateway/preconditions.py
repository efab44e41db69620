"""Answers: what the conditions in a request's headers mean for a file (RFC 9110, 13). Pure.

`If-Match` and `If-Unmodified-Since` protect a client that goes on with an older download; `If-None-Match` and
`If-Modified-Since` save it from loading what it has; `If-Range` decides between the rest and the whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import Final, Literal

_TAG: Final = re.compile(r'(W/)?"([^"]*)"')
"""One pass: each quote begins at most one match."""

Verdict = Literal["send", "not modified", "failed"]


@dataclass(frozen=True)
class Validators:
    """What identifies a file's content.

    Attributes:
        tag: the opaque part of its entity tag.
        is_strong: whether the tag stands for each byte.
        modified: when it was written, in seconds since the epoch.
    """

    tag: str
    is_strong: bool
    modified: float

    @property
    def etag(self) -> str:
        """The `ETag` header."""
        return f'"{self.tag}"' if self.is_strong else f'W/"{self.tag}"'

    @property
    def last_modified(self) -> str:
        """The `Last-Modified` header."""
        return formatdate(int(self.modified), usegmt=True)


def verdict(headers: Mapping[str, str], validators: Validators) -> Verdict:
    """What the request's conditions say, in the order of RFC 9110, 13.2.2.

    Args:
        headers: of a GET or HEAD request; names in lower case or case-insensitive.
        validators: of the file.
    """
    if (match := headers.get("if-match")) is not None:
        if not _has(match, validators, strongly=True):
            return "failed"
    elif (since := _date(headers.get("if-unmodified-since"))) is not None and int(validators.modified) > since:
        return "failed"
    if (none_match := headers.get("if-none-match")) is not None:
        return "not modified" if _has(none_match, validators, strongly=False) else "send"
    if (since := _date(headers.get("if-modified-since"))) is not None and int(validators.modified) <= since:
        return "not modified"
    return "send"


def range_applies(if_range: str | None, validators: Validators) -> bool:
    """Whether the range of a request may be served: without `If-Range`, or if the client has a part of this content."""
    if if_range is None:
        return True
    if not validators.is_strong:
        return False  # neither the tag nor the date tells this content from another of the same second
    if '"' in if_range:
        found = _TAG.fullmatch(if_range.strip())
        return found is not None and not found[1] and found[2] == validators.tag
    return _date(if_range) == int(validators.modified)


def _has(header: str, validators: Validators, *, strongly: bool) -> bool:
    if header.strip() == "*":
        return True
    if strongly and not validators.is_strong:
        return False
    return any(
        tag == validators.tag and not (strongly and weak)
        for weak, tag in (found.groups() for found in _TAG.finditer(header))
    )


def _date(value: str | None) -> int | None:
    """Seconds since the epoch; None for what is no date, which is ignored."""
    if value is None:
        return None
    try:
        return int(parsedate_to_datetime(value).timestamp())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
