"""The page or document behind an address: bounded in time, size, redirects and reach."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass

import httpcore
import httpx

from shared.addresses import Allowed, scrub, without_password
from shared.checked_network import WIRE_ERRORS, CheckedNetwork, Resolve, resolve, tls, unreachable
from shared.errors import BadSource, DeadlineExceeded, Transient
from shared.fetching import inflating
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
_SCHEMES = frozenset({"http", "https"})
_LAST_PORT = 65_535
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
    """

    data: bytes
    content_type: str
    final_url: str


async def fetch(
    url: str,
    *,
    limit_bytes: int,
    deadline_seconds: float,
    connect_timeout_seconds: float,
    allowed: Allowed = NOTHING_ALLOWED,
    resolve: Resolve = resolve,
) -> Fetched:
    """Fetch an address. Proxies in the environment are ignored: a proxy would resolve host names itself, unchecked.

    Args:
        url: http or https; a user name and password in it are sent only to its own host.
        limit_bytes: the largest body that is read, before and after decompression.
        deadline_seconds: for the whole call, redirects included.
        connect_timeout_seconds: to open each connection.
        allowed: non-public addresses that may be connected to.
        resolve: returns the addresses of a host.

    Raises:
        ForbiddenAddress: it leads to this machine or into a private network, itself or by a redirect.
        BadSource: it is not an http(s) address, or the status will not change (404, 403, …).
        TooLarge: the body is over `limit_bytes`.
        Transient: the server is busy or broken (429, 5xx), or cannot be reached; with its `Retry-After`.
        DeadlineExceeded: it took longer than `deadline_seconds`.
    """
    place = _first(url)
    timeout = {"connect": connect_timeout_seconds, "read": deadline_seconds, "write": deadline_seconds}
    network = CheckedNetwork(allowed, resolve=resolve)
    try:
        async with (
            asyncio.timeout(deadline_seconds),
            httpcore.AsyncConnectionPool(ssl_context=tls(), network_backend=network, max_connections=2) as pool,
        ):
            for _ in range(REDIRECTS_LIMIT + 1):
                async with pool.stream(
                    "GET", place.wire_url, headers=place.headers, extensions={"timeout": timeout}
                ) as response:
                    headers = httpx.Headers(response.headers)
                    http_calls.answered(response.status)
                    # The body of a redirect is not read: leaving the block drops its connection.
                    if response.status in _REDIRECTS and (location := headers.get("location")) is not None:
                        place = place.followed_to(location)
                        continue
                    _check(response, headers, place.shown)
                    data = await inflating.body(
                        response.aiter_stream(),
                        encoding=headers.get("content-encoding", ""),
                        limit_bytes=limit_bytes,
                        whose=place.shown,
                    )
                    return Fetched(data, headers.get("content-type", ""), str(place.url))
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


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a request goes: an address without user name and password, and the credentials for it."""

    url: httpx.URL
    authorization: str = ""

    @property
    def shown(self) -> str:
        return str(self.url)

    @property
    def wire_url(self) -> httpcore.URL:
        return httpcore.URL(
            scheme=self.url.raw_scheme, host=self.url.raw_host, port=self.url.port, target=self.url.raw_path
        )

    @property
    def headers(self) -> list[tuple[str, str]]:
        own = [("Authorization", self.authorization)] if self.authorization else []
        return [("Host", self.url.netloc.decode("ascii")), *_HEADERS.items(), *own]

    def followed_to(self, location: str) -> _Place:
        """Where a redirect leads. Credentials are never sent to another host, port or scheme."""
        try:
            url = _bare(self.url.join(location))
        except (httpx.InvalidURL, ValueError, TypeError):
            url = httpx.URL("")
        if not _can_be_asked(url):
            raise BadSource(f"{self.shown} leads to an address that is not http or https.", hint="Check the address.")
        if self.url.scheme == "https" and url.scheme == "http":
            raise BadSource(
                f"{self.shown} leads from https to http, where anybody on the way could change the page.",
                hint="Submit the http address itself if that is meant.",
            )
        same = (self.url.scheme, self.url.host, self.url.port) == (url.scheme, url.host, url.port)
        return _Place(url, self.authorization if same else "")


def _first(url: str) -> _Place:
    shown = without_password(url)
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        parsed = httpx.URL("")
    if not _can_be_asked(parsed):
        raise BadSource(f"{shown} is not an http or https address.", hint="It begins with http:// or https://.")
    login = f"{parsed.username}:{parsed.password}".encode() if parsed.userinfo else b""
    return _Place(_bare(parsed), f"Basic {base64.b64encode(login).decode()}" if login else "")


def _can_be_asked(url: httpx.URL) -> bool:
    return url.scheme in _SCHEMES and bool(url.host) and (url.port is None or url.port <= _LAST_PORT)


def _bare(url: httpx.URL) -> httpx.URL:
    return url.copy_with(userinfo=b"", fragment=None)


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
    raise BadSource(f"{what}.", hint=_HINTS.get(status, "Open the address in a browser to see what is wrong."))
