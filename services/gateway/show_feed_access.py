"""Who may read a show's feed and what it names: everybody a public show's, whoever has a token a private show's.

Podcast clients send no Authorization header, so the token is in the query of each address
(`shared.client.feed_tokens`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request, Response

from services.gateway.backend import Backend, backend
from services.gateway.connection import connection_of
from services.gateway.gateway_errors import Unauthenticated
from services.gateway.rate_windows import RateWindows
from services.gateway.show_addresses import ShowAddresses
from shared.client import feed_tokens, shows
from shared.client.show_renderings import Renderings
from shared.protocol.episode_of_show import SHOW_ID, SHOW_ID_LIMIT_CHARACTERS
from shared.protocol.shows import Show
from shared.settings import Settings

TOKEN_LIMIT_CHARACTERS: Final = 100
TheShowId = Annotated[
    str,
    Path(
        pattern=rf"^{SHOW_ID.pattern}$",
        max_length=SHOW_ID_LIMIT_CHARACTERS,
        description="the show",
        examples=["essays"],
    ),
]
Token = Annotated[
    str | None,
    Query(max_length=TOKEN_LIMIT_CHARACTERS, description="of a private show: what `POST …/tokens` has given"),
]


@dataclass(frozen=True)
class ReadableShow:
    """A show that the client may read.

    Attributes:
        show: the show.
        addresses: of its parts, with the client's token.
    """

    show: Show
    addresses: ShowAddresses

    @property
    def is_public(self) -> bool:
        """Whether everybody may read it."""
        return self.show.visibility == "public"

    def let_others_keep(self, response: Response, *, seconds: int) -> None:
        """Say who may keep the response, and that web players of others may read what is public."""
        if self.is_public:
            response.headers["Cache-Control"] = f"public, max-age={seconds}"
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        else:
            response.headers["Cache-Control"] = "private, no-cache"
        if "Vary" in response.headers:
            del response.headers["Vary"]  # no header of the request decides


async def readable_show(show_id: TheShowId, request: Request, token: Token = None) -> ReadableShow:
    """The show that a request may read; counts the requests of each address.

    Raises:
        NotFound: there is no such show.
        Unauthenticated: it is private, and the request has no valid token.
        RateLimited: the address has made too many requests.
        StoreDown: the store does not answer.
    """
    found: Backend = backend(request)
    rates: RateWindows = request.app.state.feed_rates
    address = request.client.host if request.client else "unknown"
    rates.count(f"feed {address}", found.settings.gateway_requests_per_minute, request)
    show = await shows.find(found.store, show_id)
    if show.visibility == "public":
        return ReadableShow(show, ShowAddresses(public_url(request, found.settings), show_id))
    if token is None or not await feed_tokens.opens(found.store, show_id, token):
        raise Unauthenticated(
            "This show is private, and the address has no valid token.",
            hint=f"`podcast shows tokens add {show_id}` gives an address that opens it.",
        )
    if (connection := connection_of(request)) is not None:
        connection.knows()
    return ReadableShow(show, ShowAddresses(public_url(request, found.settings), show_id, token))


TheShow = Annotated[ReadableShow, Depends(readable_show)]
"""The type of a route's parameter that gets the show which the client may read."""


def renderings(request: Request) -> Renderings:
    """What of the shows' episodes can be heard."""
    found: Renderings = request.app.state.renderings
    return found


def public_url(request: Request, settings: Settings) -> str:
    """Where clients reach the gateway: as set, else the address that it listens at. A Host header decides nothing."""
    if settings.public_url:
        return settings.public_url
    host, port = request.scope.get("server") or (settings.gateway_host, settings.gateway_port)
    return f"{request.scope.get('scheme', 'http')}://" + (f"[{host}]" if ":" in host else host) + f":{port}"
