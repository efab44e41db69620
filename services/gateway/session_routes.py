"""`/v1/session`: signs a browser in to the page. Answers with a cookie that no script can read.

The routes are for the gateway's own page (docs/page.md); programs send their key with each request.
"""

from __future__ import annotations

import math
import time
from typing import Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.gateway import bodies, browsers
from services.gateway.access import Caller, guard
from services.gateway.backend import TheBackend
from services.gateway.credentials import session_cookie, session_token
from services.gateway.gateway_errors import Unauthenticated
from shared.client.api_keys import ApiKey, Scope
from shared.client.page_tokens import PageToken

router = APIRouter(prefix="/v1/session", include_in_schema=False)

_BODY_LIMIT_BYTES: Final = 2_000


class SignIn(BaseModel):
    """What a browser signs in with: one of these; with neither, its session is prolonged."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: str | None = Field(None, max_length=200, description="a key of the API")
    ticket: str | None = Field(None, max_length=200, description="what the address that `podcast up` prints ends with")


class Session(BaseModel):
    """Whether a browser is signed in, and what it may do."""

    signed_in: bool
    open: bool = Field(False, description="nobody needs a key here")
    name: str = Field("", description="of the key")
    scopes: list[Scope] = Field([], description="what the key may do")
    expires_at: float | None = Field(None, description="when the session ends, seconds since the epoch")


@router.get("")
async def show(request: Request) -> Session:
    """Whether this browser is signed in."""
    try:
        who = await guard(request).caller(request)
    except Unauthenticated:
        return Session(signed_in=False)
    return _session(who, is_open=guard(request).is_open)


@router.post("")
async def sign_in(request: Request, response: Response, backend: TheBackend) -> Session:
    """Sign in, or stay signed in."""
    browsers.check_own_page(request)
    bodies.expect_json(request)
    seconds = backend.settings.gateway_request_seconds
    asked = await bodies.read_json(request, SignIn, limit_bytes=_BODY_LIMIT_BYTES, seconds=seconds)
    key = await _key(request, asked)
    expires_at = math.ceil(time.time() + backend.settings.gateway_session_seconds)
    token = PageToken.signed(key, "session", expires_at=expires_at)
    response.set_cookie(
        session_cookie(request),
        str(token),
        expires=None,  # it ends with the browser at the latest
        path="/",
        httponly=True,
        samesite="strict",
        # Behind a proxy with TLS only the browser knows that it is there.
        secure=request.headers.get("origin", "").lower().startswith("https://"),
    )
    return _session(guard(request).caller_with(key, until=expires_at))


@router.delete("", status_code=204)
async def sign_out(request: Request) -> Response:
    """Forget the session."""
    browsers.check_own_page(request)
    response = Response(status_code=204)
    response.delete_cookie(session_cookie(request), path="/", httponly=True, samesite="strict")
    return response


async def _key(request: Request, asked: SignIn) -> ApiKey:
    """The key that a session is asked for with.

    Raises:
        Unauthenticated: it is not valid.
    """
    found = guard(request)
    if asked.key is not None:
        key = await found.opened_by(asked.key.strip())
        if key is None:
            raise Unauthenticated("This key is not valid.", hint="`podcast keys add NAME` makes one.")
        return key
    token = PageToken.parse(asked.ticket) if asked.ticket is not None else session_token(request)
    if token is None:
        raise Unauthenticated("The request has neither a key nor a valid ticket.", hint="Send a key.")
    return await found.key_of(token, "session" if asked.ticket is None else "ticket")


def _session(who: Caller, *, is_open: bool = False) -> Session:
    return Session(signed_in=True, open=is_open, name=who.name, scopes=sorted(who.scopes), expires_at=who.until)
