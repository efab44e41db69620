"""When the certificates of the servers that this process connects to expire, for the metrics.

It looks at the certificate that is really presented, without judging it: one that has expired already, or is signed by
an authority that this process does not know, is reported too. The connections that do the work judge it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

import structlog

from shared.runtime import metrics
from shared.settings import Settings

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 3_600.0
_HANDSHAKE_SECONDS: Final = 10.0
_PORTS: Final = {"amqps": 5_671, "https": 443, "s3": 443}
_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17


@dataclass(frozen=True)
class Peer:
    """A server with a certificate.

    Attributes:
        what: `broker`, `store` or `speech`.
        host: its name or address.
        port: where it listens.
    """

    what: str
    host: str
    port: int

    @property
    def name(self) -> str:
        """For the label of the metric."""
        return f"{self.what} {self.host}:{self.port}"


def broker_and_store(settings: Settings, broker_urls: Iterable[str]) -> list[Peer]:
    """Those of the broker's nodes and the store that are connected to over TLS."""
    store = urlsplit(settings.store_url)
    is_plain = parse_qs(store.query).get("secure", ["true"])[-1].lower() in {"false", "0", "no"}
    return [
        *peers("broker", broker_urls),
        *([] if store.scheme != "s3" or is_plain else peers("store", [settings.store_url])),
    ]


def peers(what: str, urls: Iterable[str]) -> list[Peer]:
    """The servers at those addresses that are connected to over TLS."""
    parsed = [urlsplit(url) for url in urls]
    return [
        Peer(what, parts.hostname, parts.port or _PORTS[parts.scheme])
        for parts in parsed
        if parts.scheme in _PORTS and parts.hostname
    ]


async def keep_read(found: Sequence[Peer]) -> None:
    """Look at the certificates every hour, as long as the process runs."""
    while found:
        for peer in found:
            try:
                metrics.CERTIFICATE_EXPIRES.labels(peer.name).set(await expires_at(peer.host, peer.port))
            except (OSError, ValueError, TimeoutError) as error:  # OSError is the base of ssl.SSLError, too
                log.warning("a certificate was not read", url=peer.name, reason=str(error) or type(error).__name__)
        await asyncio.sleep(EVERY_SECONDS)
    await asyncio.Event().wait()  # background work does not end


async def expires_at(host: str, port: int) -> float:
    """When the certificate that a server presents expires, in seconds since the epoch.

    Raises:
        OSError, TimeoutError: the server does not answer, or speaks no TLS.
        ValueError: its certificate cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with asyncio.timeout(_HANDSHAKE_SECONDS):
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    return not_after(certificate or b"")


def not_after(certificate: bytes) -> float:
    """The end of a certificate's validity (RFC 5280, 4.1.2.5), in seconds since the epoch.

    `ssl` itself reads only certificates that it has judged to be good.

    Raises:
        ValueError: this is not a certificate in DER.
    """
    _, whole, _ = _element(certificate)
    _, fields, _ = _element(whole)
    kind, _, rest = _element(fields)
    if kind == _VERSION:  # else it is the serial number already
        _, _, rest = _element(rest)
    for _ in ("signature algorithm", "issuer"):
        _, _, rest = _element(rest)
    kind, validity, _ = _element(rest)
    if kind != _SEQUENCE:
        raise ValueError("This is no X.509 certificate.")
    _, _, rest = _element(validity)
    kind, moment, _ = _element(rest)
    # Two digits of a year stand for 1950 to 2049; strptime takes 1969 to 2068.
    text = moment.decode("ascii")
    if kind == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """The first element in DER: its tag, its content, and what comes after it."""
    try:
        tag, length, start = data[0], data[1], 2
        if length >= 0x80:  # noqa: PLR2004 - the long form: the number of bytes that hold the length
            start = 2 + (length & 0x7F)
            length = int.from_bytes(data[2:start], "big")
    except IndexError as error:
        raise ValueError("The certificate is cut off.") from error
    if start + length > len(data):
        raise ValueError("The certificate is cut off.")
    return tag, data[start : start + length], data[start + length :]
