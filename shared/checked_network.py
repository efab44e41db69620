"""Connections to addresses supplied by strangers: resolve, check, and connect to exactly what was checked.

There is no second look-up, so a name that resolves differently the next time (DNS rebinding) gains nothing. TLS still
verifies the certificate for the host's name, and the Host header still holds it: only the socket uses the checked
address.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from functools import cache, partial
from typing import Any

import anyio
import httpcore
import httpx

from shared.addresses import Address, Allowed, forbidden_kind, is_localhost
from shared.deadlines import in_thread
from shared.errors import ForbiddenAddress

Resolve = Callable[[str, int], Awaitable[list[str]]]

WIRE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
)
"""How a call over such a connection fails, besides `OSError`."""
_TRIED_ADDRESSES_LIMIT = 4
"""A stranger's name server may answer with hundreds."""


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host in the system resolver's order; also accepts 127.1, 0x7f.1 and 2130706433.

    Raises:
        socket.gaierror: the host has no address.
    """
    if is_localhost(host):  # RFC 6761; system resolvers differ on a trailing dot or a subdomain
        return ["127.0.0.1", "::1"]
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    return [str(found[4][0]) for found in await in_thread(look_up)]


def checked(host: str, found: Iterable[str], allowed: Allowed) -> list[str]:
    """The addresses that may be connected to.

    Raises:
        ForbiddenAddress: all addresses are forbidden; the error names the first.
    """
    addresses: list[Address] = [ipaddress.ip_address(each) for each in found]
    kinds = [None if allowed.admits(host, address) else forbidden_kind(address) for address in addresses]
    may = [str(address) for address, kind in zip(addresses, kinds, strict=True) if kind is None]
    if addresses and not may:
        where = f"The address {addresses[0]}" if host == str(addresses[0]) else f"{host} is at {addresses[0]}, which"
        raise ForbiddenAddress(
            f"{where} is not public ({kinds[0]}), so it is not connected to.",
            hint=f"If it is meant to be reached, name the network or the host in {allowed.name}.",
        )
    return may


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections for httpcore.

    Args:
        allowed: what may be connected to although it is not public.
        resolve: returns the addresses of a host.
    """

    def __init__(self, allowed: Allowed, *, resolve: Resolve = resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the base class's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first checked address that answers.

        Raises:
            ForbiddenAddress: the host has no address that may be connected to.
            httpcore.ConnectError, httpcore.ConnectTimeout: none of them answers.
        """
        end = anyio.current_time() + (timeout if timeout is not None else float("inf"))
        try:
            with anyio.fail_at(end):
                found = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} could not be resolved in time.") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        may = checked(host, dict.fromkeys(found), self._allowed)[:_TRIED_ADDRESSES_LIMIT]
        failure: Exception = httpcore.ConnectError(f"{host} has no address.")
        for left, address in zip(range(len(may), 0, -1), may, strict=True):
            share = None if timeout is None else max(0.0, end - anyio.current_time()) / left
            try:
                return await self._sockets.connect_tcp(
                    address, port, timeout=share, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the base class's signature
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Always refused: a stranger's address must not name a local socket.

        Raises:
            ForbiddenAddress: always.
        """
        del timeout, socket_options
        raise ForbiddenAddress(f"{path} is a socket of this machine, and those are not connected to.")

    async def sleep(self, seconds: float) -> None:
        """Pause between connection attempts."""
        await anyio.sleep(seconds)


@cache
def tls() -> ssl.SSLContext:
    """Made once: reading all certificates takes some 20 ms."""
    return httpx.create_ssl_context()


def unreachable(host: str, error: Exception) -> str:
    """Why a host could not be reached, in a sentence."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return f"The host {host} is not known: its name cannot be resolved."
        if isinstance(cause, ConnectionRefusedError):
            return f"{host} refuses the connection."
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpcore.ConnectTimeout):
        return f"{host} cannot be reached: connecting took too long."
    return f"The connection to {host} failed: {str(error) or type(error).__name__}."
