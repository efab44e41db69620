"""The page or document behind an address: bounded in time, size, redirects and reach."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import httpcore
import httpx

from shared.addresses import Allowed, scrub, without_password
from shared.checked_network import WIRE_ERRORS, CheckedNetwork, Resolve, resolve, tls, unreachable
from shared.errors import BadSource, DeadlineExceeded, Transient
from shared.fetching import inflating
from shared.fetching.places import first_place
from shared.retry_after import retry_after
from shared.tracing import http_calls

REDIRECTS_LIMIT = 8
"""Browsers follow 20; more than 8 means a loop or a tracker."""

_HEADERS = {
    "User-Agent": "podcast-engine/0.1 (reads an article aloud for one listener)",
    "Accept": "text/html,application/xhtml+xml,text/markdown,text/plain,application/epub+zip,*/*;q=0.5",
    "Accept-Encoding": inflating.ACCEPTED,
    "Connection": "close",
}
NOTHING_ALLOWED = Allowed()
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_CONDITIONS = frozenset({"if-none-match", "if-modified-since"})
_PERMANENT = frozenset({301, 308})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRY_AGAIN = frozenset({408, 425, 429, *range(500, 600)} - {501, 505})

_HINTS = {
    401: "The page needs a login: save it from a browser and submit the file.",
    403: "The site refuses programs: save the page from a browser and submit the file.",
    404: "Look whether the address is spelled right.",
    410: "The page was removed; an archive may still have it.",
    451: "The site may not show the page where this runs.",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """The response of an address.

    Attributes:
        data: the body, decompressed.
        content_type: the header as it was sent; "" if there was none.
        final_url: where the redirects ended, without user name and password.
        moved_to: where permanent redirects led from the address that was asked for; "" if they did not.
        etag: the header as it was sent; "" if there was none.
        last_modified: the same.
        is_unchanged: the server said that what a conditional request knows is still valid (304); there is no body.
    """

    data: bytes
    content_type: str
    final_url: str
    moved_to: str = ""
    etag: str = ""
    last_modified: str = ""
    is_unchanged: bool = False


class PageGone(BadSource):
    """The server says that what was at the address was removed for good (410)."""


async def fetch(
    url: str,
    *,
    limit_bytes: int,
    deadline_seconds: float,
    connect_timeout_seconds: float,
    allowed: Allowed = NOTHING_ALLOWED,
    resolve: Resolve = resolve,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Fetched:
    """Fetch an address. Proxies in the environment are ignored: a proxy would resolve host names itself, unchecked.

    Args:
        url: http or https; a user name and password in it are sent only to its own host.
        limit_bytes: the largest body that is read, before and after decompression.
        deadline_seconds: for the whole call, redirects included.
        connect_timeout_seconds: to open each connection.
        allowed: non-public addresses that may be connected to.
        resolve: returns the addresses of a host.
        headers: in place of, or besides, the usual ones; conditions are sent to wherever redirects lead.

    Raises:
        ForbiddenAddress: it leads to this machine or into a private network, itself or by a redirect.
        PageGone: the status is 410.
        BadSource: it is not an http(s) address, or the status will not change (404, 403, …).
        TooLarge: the body is over `limit_bytes`.
        Transient: the server is busy or broken (429, 5xx), or cannot be reached; with its `Retry-After`.
        DeadlineExceeded: it took longer than `deadline_seconds`.
    """
    place = first_place(url)
    sent = {**_HEADERS, **headers}
    is_conditional = not {name.lower() for name in headers}.isdisjoint(_CONDITIONS)
    moved_to, has_moved = "", True
    timeout = {"connect": connect_timeout_seconds, "read": deadline_seconds, "write": deadline_seconds}
    network = CheckedNetwork(allowed, resolve=resolve)
    try:
        async with (
            asyncio.timeout(deadline_seconds),
            httpcore.AsyncConnectionPool(ssl_context=tls(), network_backend=network, max_connections=2) as pool,
        ):
            for _ in range(REDIRECTS_LIMIT + 1):
                async with pool.stream(
                    "GET", place.wire_url, headers=place.headers(sent), extensions={"timeout": timeout}
                ) as response:
                    got = httpx.Headers(response.headers)
                    http_calls.answered(response.status)
                    # The body of a redirect is not read: leaving the block drops its connection.
                    if response.status in _REDIRECTS and (location := got.get("location")) is not None:
                        place = place.followed_to(location)
                        has_moved = has_moved and response.status in _PERMANENT
                        moved_to = place.shown if has_moved else moved_to
                        continue
                    about = Fetched(
                        b"",
                        got.get("content-type", ""),
                        str(place.url),
                        moved_to=moved_to,
                        etag=got.get("etag", ""),
                        last_modified=got.get("last-modified", ""),
                    )
                    if response.status == HTTPStatus.NOT_MODIFIED and is_conditional:
                        return replace(about, is_unchanged=True)
                    _check(response, got, place.shown)
                    data = await inflating.body(
                        response.aiter_stream(),
                        encoding=got.get("content-encoding", ""),
                        limit_bytes=limit_bytes,
                        whose=place.shown,
                    )
                    return replace(about, data=data)
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"{place.url.host} did not deliver the page within {deadline_seconds:g} s.",
            hint="Try again later, or raise PODCAST_FETCH_DEADLINE_SECONDS.",
        ) from error
    except (*WIRE_ERRORS, OSError) as error:
        raise Transient(scrub(unreachable(place.url.host, error)), hint="Check the address and the network.") from error
    raise BadSource(
        f"{without_password(url)} redirects more than {REDIRECTS_LIMIT} times.",
        hint="Use the address that a browser ends at.",
    )


def _check(response: httpcore.Response, headers: httpx.Headers, shown: str) -> None:
    status = response.status
    if 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls successful
        return
    reason = response.extensions.get("reason_phrase", b"").decode("ascii", "replace")
    what = f"{shown} answered with {status} {reason[:100]}".rstrip()
    if status in _TRY_AGAIN:
        raise Transient(
            f"{what}.", hint="Try again later.", retry_after_seconds=retry_after(headers.get("retry-after"))
        )
    kind = PageGone if status == HTTPStatus.GONE else BadSource
    raise kind(f"{what}.", hint=_HINTS.get(status, "Open the address in a browser to see what is wrong."))
