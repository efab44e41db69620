"""Keeps web pages of others away from a gateway that answers without a key, or for the cookie of a session.

Such a gateway binds to loopback, but any page in a browser on the same machine can reach that: directly, or under a
name of its own that it has made to resolve to loopback (DNS rebinding). A browser says where a request comes from, and
under which name it has reached us, and a page can forge neither.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from fastapi import Request

from services.gateway.gateway_errors import ForeignOrigin

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_OWN_SITES: Final = frozenset({"", "same-origin", "none"})
"""Values of Sec-Fetch-Site: not a browser, our own page, typed by the user."""
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


def check(request: Request, *, allowed_origins: frozenset[str]) -> None:
    """Refuse a request that a page of somebody else may have made.

    Raises:
        ForeignOrigin: it came under a name that is not loopback, or from a page that is not allowed.
    """
    hosts = request.headers.getlist("host")
    host = hosts[0].lower() if len(hosts) == 1 else ""
    if _name(host) not in LOOPBACK:
        raise ForeignOrigin(
            "This gateway requires no key, and accepts only requests to localhost.",
            hint="Use http://127.0.0.1 or http://localhost as its address.",
        )
    origin = request.headers.get("origin", "").lower()
    if origin in allowed_origins:
        return
    is_own = not origin or origin == f"{request.scope['scheme']}://{host}"
    if not is_own or request.headers.get("sec-fetch-site", "") not in _OWN_SITES:
        raise ForeignOrigin(
            "A web page may not use a gateway that requires no key.",
            hint="Send a key, or list the page's origin in PODCAST_GATEWAY_CORS_ORIGINS.",
        )


def check_own_page(request: Request) -> None:
    """Refuse a request that a browser sends with the cookie of a session, but not for this gateway's own page.

    The cookie is `SameSite=Strict`; this also keeps out pages of the same site, such as another port of this host, and
    browsers that do not know the attribute.

    Raises:
        ForeignOrigin: a page of another origin may have caused it.
    """
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "").lower()
    if request.method in _SAFE_METHODS:
        is_own = site in _OWN_SITES and (not origin or _is_own(origin, request))
    else:  # a browser names the origin of every request that may change something
        is_own = site in {"", "same-origin"} and _is_own(origin, request)
    if not is_own:
        raise ForeignOrigin(
            "Another web page may not use the session of this gateway's page.",
            hint="Send a key: `Authorization: Bearer <key>`.",
        )


def _is_own(origin: str, request: Request) -> bool:
    # Without the scheme: behind a proxy with TLS this gateway speaks http.
    return bool(origin) and origin.partition("://")[2] == request.headers.get("host", "").lower()


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
