"""The page or document behind an address: bounded in time, size and redirects."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from shared.errors import BadSource, DeadlineExceeded, TooLarge, Transient
from shared.retry_after import retry_after

REDIRECTS_LIMIT = 8
"""Browsers follow 20; an article behind more than 8 is a loop or a tracker."""

_HEADERS = {
    "User-Agent": "podcast-engine/0.1 (reads an article aloud for one listener)",
    "Accept": "text/html,application/xhtml+xml,text/markdown,text/plain,application/epub+zip,*/*;q=0.5",
}
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
    """What an address answered with.

    Attributes:
        data: the body, decompressed.
        content_type: the header as it was sent; "" if there was none.
        final_url: where the redirects ended.
    """

    data: bytes
    content_type: str
    final_url: str


async def fetch(url: str, *, limit_bytes: int, deadline_seconds: float, connect_timeout_seconds: float) -> Fetched:
    """Fetch an address.

    Args:
        url: http or https.
        limit_bytes: the largest body that is read, after decompression.
        deadline_seconds: for all of it, redirects included.
        connect_timeout_seconds: to open each connection.

    Raises:
        BadSource: no http(s) address, or a status that will not change (404, 403, …).
        TooLarge: the body is over `limit_bytes`.
        Transient: the server is busy or broken (429, 5xx), or cannot be reached; with its `Retry-After`.
        DeadlineExceeded: it took longer than `deadline_seconds`.
    """
    host = _host_of(url)
    timeout = httpx.Timeout(deadline_seconds, connect=connect_timeout_seconds)
    try:
        async with (
            asyncio.timeout(deadline_seconds),
            httpx.AsyncClient(
                follow_redirects=True, max_redirects=REDIRECTS_LIMIT, timeout=timeout, headers=_HEADERS
            ) as client,
            client.stream("GET", url) as response,
        ):
            _check(response, url)
            return Fetched(
                await _body(response, limit_bytes), response.headers.get("content-type", ""), str(response.url)
            )
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"{host} did not deliver the page within {deadline_seconds:g} s.",
            hint="Try again later, or raise PODCAST_FETCH_DEADLINE_SECONDS.",
        ) from error
    except httpx.TooManyRedirects as error:
        raise BadSource(
            f"{url} redirects more than {REDIRECTS_LIMIT} times.", hint="Use the address that a browser ends at."
        ) from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise BadSource(f"{url} leads to an address that is not http or https.", hint="Check the address.") from error
    except httpx.DecodingError as error:
        raise BadSource(f"{host} sent a page that cannot be decompressed.", hint="Save it from a browser.") from error
    except (httpx.HTTPError, OSError) as error:
        raise Transient(_unreachable(host, error), hint="Check the address and the network.") from error


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in {"http", "https"} or not host:
        raise BadSource(f"{url} is not an http or https address.", hint="It begins with http:// or https://.")
    return host


def _check(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if response.is_success:
        return
    what = f"{url} answered with {status} {response.reason_phrase}".rstrip()
    if status in _TRY_AGAIN:
        raise Transient(
            f"{what}.", hint="Try again later.", retry_after_seconds=retry_after(response.headers.get("retry-after"))
        )
    raise BadSource(f"{what}.", hint=_HINTS.get(status, "Open the address in a browser to see what is wrong."))


async def _body(response: httpx.Response, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > limit_bytes:
            raise TooLarge(
                f"The document at {response.url} is over {limit_bytes / 1e6:,.1f} MB.",
                hint="Raise PODCAST_SOURCE_LIMIT_BYTES if it is meant to be so large.",
            )
        parts.append(part)
    return b"".join(parts)


def _unreachable(host: str, error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return f"The host {host} is not known: its name cannot be resolved."
        if isinstance(cause, ConnectionRefusedError):
            return f"{host} refuses the connection."
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectTimeout):
        return f"{host} cannot be reached: connecting took too long."
    return f"The connection to {host} failed: {str(error) or type(error).__name__}."
