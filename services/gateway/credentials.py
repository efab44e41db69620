"""What a request has sent to say who makes it: a key in a header, an event token in the query, or a session's cookie.

Checks nothing of it.
"""

from __future__ import annotations

from typing import Final

from fastapi import Request

from services.gateway.event_tokens import EventToken
from services.gateway.gateway_errors import Unauthenticated
from shared.client.page_tokens import PageToken

PARAMETER: Final = "token"
"""The parameter of the query with an event token; also the name of its security scheme."""
GET_ANOTHER: Final = "Request a new one with POST, at the path of the events followed by /token."


def event_token(request: Request) -> EventToken | None:
    """The event token that was sent; None if there is none.

    Raises:
        Unauthenticated: it has not the form of one, or something else was sent beside it.
    """
    sent = request.query_params.getlist(PARAMETER)
    if not sent:
        return None
    if len(sent) > 1 or "authorization" in request.headers or "x-api-key" in request.headers:
        raise Unauthenticated("The request contains several keys or tokens.", hint="Send only one.")
    found = EventToken.parse(sent[0])
    if found is None:
        raise Unauthenticated("This is not a token for events.", hint=GET_ANOTHER)
    return found


def key_in(request: Request) -> str | None:
    """The key that was sent.

    Raises:
        Unauthenticated: there are several, of which a proxy may have checked another one.
    """
    sent = [*request.headers.getlist("authorization"), *request.headers.getlist("x-api-key")]
    if len(sent) > 1:
        raise Unauthenticated("The request contains several keys.", hint="Send only one `Authorization: Bearer <key>`.")
    if not sent:
        return None
    if "x-api-key" in request.headers:
        return sent[0].strip()
    kind, _, value = sent[0].partition(" ")
    if kind.lower() != "bearer" or not value.strip():
        raise Unauthenticated(
            "The Authorization header is not of the type Bearer.", hint="Send `Authorization: Bearer <key>`."
        )
    return value.strip()


def session_cookie(request: Request) -> str:
    """The name of the cookie of a session.

    A browser sends the cookies of a host to all of its ports; with the port in the name, two gateways on one machine do
    not replace each other's.
    """
    _, _, port = request.headers.get("host", "").rpartition(":")
    return f"podcast_session_{port}" if port.isascii() and port.isdigit() else "podcast_session"


def session_token(request: Request) -> PageToken | None:
    """The session's token that a browser has sent; None: it has sent none, or something that is none."""
    return PageToken.parse(request.cookies.get(session_cookie(request), ""))
