"""One HTTP POST to an address that a stranger gave: bounded in time, size and reach. Returns if it was delivered.

Nobody's redirect is followed. Of an answer other than 2xx the first bytes are read, for the reason; nothing is
decompressed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import httpcore
import httpx

from shared.addresses import Allowed, scrub
from shared.checked_network import WIRE_ERRORS, CheckedNetwork, Resolve, resolve, tls, unreachable
from shared.errors import BadInput, DeadlineExceeded, Permanent, Transient
from shared.retry_after import retry_after
from shared.text import one_line
from shared.tracing import http_calls

REASON_BYTES: Final = 300
_REASON_SECONDS: Final = 2.0
"""For the first bytes of an answer whose status is known already."""
_HEADERS: Final = {
    "Content-Type": "application/json",
    "User-Agent": "podcast-engine/0.1 (webhooks)",
    "Accept-Encoding": "identity",
    "Connection": "close",
}
_PAUSES: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class EndpointGone(Permanent):
    """The receiver wants no more webhooks (410)."""


class NotDelivered(Transient):
    """The receiver did not accept the webhook, or could not be reached."""


async def post(
    url: str,
    payload: bytes,
    *,
    headers: Mapping[str, str],
    deadline_seconds: float,
    connect_timeout_seconds: float,
    allowed: Allowed,
    resolve: Resolve = resolve,
) -> int:
    """Send a webhook once. Proxies in the environment are ignored: they would look names up themselves, unchecked.

    Args:
        url: http or https.
        payload: the body.
        headers: those of the specification.
        deadline_seconds: for the whole call.
        connect_timeout_seconds: to look up the name and open the connection.
        allowed: non-public addresses that may be connected to.
        resolve: returns the addresses of a host.

    Returns:
        The status, which is 2xx.

    Raises:
        ForbiddenAddress: it leads to this machine or into a private network.
        BadInput: it is not an http(s) address.
        EndpointGone: the receiver answered 410.
        NotDelivered: it answered with anything else but 2xx, or the connection failed; with its `Retry-After`.
        DeadlineExceeded: it took longer than `deadline_seconds`.
    """
    place = _parsed(url)
    timeout = {"connect": connect_timeout_seconds, "read": deadline_seconds, "write": deadline_seconds}
    sent = [("Host", place.netloc.decode("ascii")), *{**_HEADERS, **headers}.items()]
    sent.append(("Content-Length", str(len(payload))))
    wire_url = httpcore.URL(scheme=place.raw_scheme, host=place.raw_host, port=place.port, target=place.raw_path)
    network = CheckedNetwork(allowed, resolve=resolve)
    try:
        async with (
            asyncio.timeout(deadline_seconds),
            httpcore.AsyncConnectionPool(ssl_context=tls(), network_backend=network, max_connections=1) as pool,
            pool.stream("POST", wire_url, headers=sent, content=payload, extensions={"timeout": timeout}) as response,
        ):
            http_calls.answered(response.status)
            if 200 <= response.status < 300:  # noqa: PLR2004 - what HTTP calls successful
                return int(response.status)
            raise _refusal(response, await _beginning(response), place.host)
    except TimeoutError as error:
        raise DeadlineExceeded(f"{place.host} did not answer within {deadline_seconds:g} s.") from error
    except (*WIRE_ERRORS, OSError) as error:
        raise NotDelivered(scrub(unreachable(place.host, error))) from error


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        parsed = httpx.URL("")
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.userinfo:
        raise BadInput("The address is not one that a webhook can be sent to.", hint="It begins with https://.")
    return parsed


async def _beginning(response: httpcore.Response) -> str:
    """The first words of the answer, if they come soon and are text."""
    came = b""
    with contextlib.suppress(TimeoutError, *WIRE_ERRORS):
        async with asyncio.timeout(_REASON_SECONDS):
            async for part in response.aiter_stream():
                came += part[:REASON_BYTES]
                if len(came) >= REASON_BYTES:
                    break
    names = {name.lower() for name, _ in response.headers}
    if b"content-encoding" in names:
        return ""
    return one_line(came[:REASON_BYTES].decode("utf-8", "replace")).strip()


def _refusal(response: httpcore.Response, said: str, host: str) -> Permanent | Transient:
    status = response.status
    what = f"{host} answered with {status}" + (f": {said}" if said else "")
    what += "" if what.endswith((".", "!", "?")) else "."
    if status == HTTPStatus.GONE:
        return EndpointGone(what, hint="It gets no more webhooks until it is enabled again.")
    if 300 <= status < 400:  # noqa: PLR2004 - what HTTP calls redirects
        return NotDelivered(
            f"{host} answered with {status}, a redirect, and a webhook follows none.", hint="Give its final address."
        )
    asked = httpx.Headers(response.headers).get("retry-after") if status in _PAUSES else None
    return NotDelivered(what, retry_after_seconds=retry_after(asked))
