"""Where a request goes: an address that was checked for its form, with its credentials apart from it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import httpcore
import httpx

from shared.addresses import without_password
from shared.errors import BadSource

_SCHEMES = frozenset({"http", "https"})
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class FetchPlace:
    """Where a request goes: an address without user name and password, and the credentials for it."""

    url: httpx.URL
    authorization: str = ""

    @property
    def shown(self) -> str:
        """The address as people may see it."""
        return str(self.url)

    @property
    def wire_url(self) -> httpcore.URL:
        """The address as httpcore takes it."""
        return httpcore.URL(
            scheme=self.url.raw_scheme, host=self.url.raw_host, port=self.url.port, target=self.url.raw_path
        )

    def headers(self, more: Mapping[str, str]) -> list[tuple[str, str]]:
        """The headers of the request."""
        own = [("Authorization", self.authorization)] if self.authorization else []
        return [("Host", self.url.netloc.decode("ascii")), *more.items(), *own]

    def followed_to(self, location: str) -> FetchPlace:
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
        return FetchPlace(url, self.authorization if same else "")


def first_place(url: str) -> FetchPlace:
    """Where a request for an address goes first.

    Raises:
        BadSource: it is not an http(s) address.
    """
    shown = without_password(url)
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        parsed = httpx.URL("")
    if not _can_be_asked(parsed):
        raise BadSource(f"{shown} is not an http or https address.", hint="It begins with http:// or https://.")
    login = f"{parsed.username}:{parsed.password}".encode() if parsed.userinfo else b""
    return FetchPlace(_bare(parsed), f"Basic {base64.b64encode(login).decode()}" if login else "")


def _can_be_asked(url: httpx.URL) -> bool:
    return url.scheme in _SCHEMES and bool(url.host) and (url.port is None or url.port <= _LAST_PORT)


def _bare(url: httpx.URL) -> httpx.URL:
    return url.copy_with(userinfo=b"", fragment=None)
