"""Who may do what: a key for every request, checked before its body is read.

A route says with `@needs("submit")` which scope it needs. A route that says nothing cannot be registered on a
`GuardedRoute`, so nothing is open by mistake.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute

from services.gateway import browsers
from services.gateway.connection import connection_of
from services.gateway.credentials import GET_ANOTHER, PARAMETER, event_token, key_in, session_token
from services.gateway.event_tokens import ALL_JOBS, EventToken
from services.gateway.gateway_errors import ScopeMissing, Unauthenticated
from services.gateway.key_directory import KeyDirectory
from services.gateway.rate_windows import RateWindows
from shared.client import api_keys
from shared.client.api_keys import SCOPES, ApiKey, Scope
from shared.client.page_tokens import Kind, PageToken
from shared.errors import BadInput, Misconfigured
from shared.settings import Settings
from shared.store.port import Store

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_NEEDS: Final = "__podcast_needs__"
_ANONYMOUS: Final = "anonymous"
"""The id and name of a caller without a key."""
_STACK: Final = "stack"
"""The id and name of the caller with the key in the settings."""
_IN_QUERY: Final = "__podcast_in_query__"


@dataclass(frozen=True)
class Caller:
    """Who makes a request.

    Attributes:
        key_id: of the key; `stack` for the setting's own, `anonymous` without one.
        name: what people call it.
        scopes: what it may do.
        requests_per_minute: how often.
        is_limited: whether that is a limit of this key alone.
        until: when its event token or its session expires, in seconds since the epoch; None: it has neither.
    """

    key_id: str
    name: str
    scopes: frozenset[Scope]
    requests_per_minute: int
    is_limited: bool = False
    until: float | None = None


def needs(scope: Scope) -> Callable[[Endpoint], Endpoint]:
    """Say which scope a route needs."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _NEEDS, scope)
        return endpoint

    return mark


def takes_event_token(endpoint: Endpoint) -> Endpoint:
    """Say that a route takes an event token in the query, too, in place of a key."""
    setattr(endpoint, _IN_QUERY, True)
    return endpoint


class GuardedRoute(APIRoute):
    """A route that checks the caller's key before anything of the request is read."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **extra: Any) -> None:
        scope: Scope | None = getattr(endpoint, _NEEDS, None)
        if scope is None:
            raise TypeError(f"{endpoint.__name__} does not say which scope it needs: put @needs(...) below the route")
        self._takes_token = getattr(endpoint, _IN_QUERY, False)
        security: list[dict[str, list[str]]] = [{"key": [scope]}]
        if self._takes_token:
            security.append({PARAMETER: []})
        extra["openapi_extra"] = {**(extra.get("openapi_extra") or {}), "security": security}
        self.scope = scope
        super().__init__(path, endpoint, **extra)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the check."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            events_of = request.path_params.get("job_id", ALL_JOBS) if self._takes_token else None
            caller = await guard(request).caller(request, events_of=events_of)
            request.state.caller = caller
            if (connection := connection_of(request)) is not None:
                connection.knows()
            if self.scope not in caller.scopes:
                raise ScopeMissing(f"This key does not have the scope {self.scope}.", hint="Use another key.")
            return await handle(request)

        return guarded


def guard(request: Request) -> Guard:
    """The guard of the application that answers this request."""
    found: Guard = request.app.state.guard
    return found


def caller(request: Request) -> Caller:
    """Who makes this request."""
    found: Caller = request.state.caller
    return found


class Guard:
    """Finds the caller of a request, and counts its requests."""

    def __init__(self, settings: Settings, store: Store) -> None:
        """Check the settings.

        Raises:
            Misconfigured: the gateway's own key is no key.
        """
        self._limit = settings.gateway_requests_per_minute
        self._anonymous = settings.gateway_anonymous
        self._origins = origins(settings)
        self._own: ApiKey | None = None
        if settings.gateway_key:
            try:
                self._own = api_keys.key_of(settings.gateway_key, name="stack", scopes=SCOPES)
            except BadInput as error:
                raise Misconfigured(
                    "PODCAST_GATEWAY_KEY is not a valid API key.",
                    hint="Use a key of the form that `podcast keys add` prints: pe_…_….",
                ) from error
        self._keys = KeyDirectory(store)
        self._rates = RateWindows()

    @property
    def is_open(self) -> bool:
        """Whether nobody needs a key."""
        return self._anonymous

    def is_own(self, key_id: str) -> bool:
        """Whether this is the id of the key in the gateway's settings."""
        return self._own is not None and self._own.key_id == key_id

    async def valid(self, key_id: str) -> ApiKey | None:
        """The key of a caller with this id, or None: nobody has it, or it was revoked, or the caller has sent none.

        Raises:
            StoreDown: the key cannot be looked up.
        """
        if self._own is not None and key_id in {_STACK, self._own.key_id}:
            return self._own
        key = await self._keys.find(key_id)
        return key if key is not None and key.revoked_at is None else None

    async def caller(self, request: Request, *, events_of: str | None = None) -> Caller:
        """Who makes the request.

        Args:
            request: the request.
            events_of: what an event token must be for, to be taken in place of a key; None: none is taken.

        Raises:
            Unauthenticated: it has no valid key.
            ForeignOrigin: it has none, and comes from a web page.
            RateLimited: the key has used up its requests.
            StoreDown: the key cannot be looked up.
        """
        token = None if events_of is None else event_token(request)
        who = await (self._who(request) if token is None else self._with_token(token, events_of or ALL_JOBS))
        self._rates.count(who.key_id, who.requests_per_minute, request)
        return who

    async def _who(self, request: Request) -> Caller:
        token = key_in(request)
        if token is None:
            if self._anonymous:
                browsers.check(request, allowed_origins=self._origins)
                return Caller(_ANONYMOUS, _ANONYMOUS, frozenset(SCOPES), self._limit)
            if (session := session_token(request)) is not None:
                browsers.check_own_page(request)
                return self.caller_with(await self.key_of(session, "session"), until=session.expires_at)
            raise Unauthenticated("This request requires a key.", hint="Send `Authorization: Bearer <key>`.")
        key = await self.opened_by(token)
        if key is None:
            raise Unauthenticated("This key is not valid.", hint="`podcast keys list` lists the valid ones.")
        return self.caller_with(key)

    async def opened_by(self, token: str) -> ApiKey | None:
        """The key that somebody has sent; None: it is not valid.

        Raises:
            StoreDown: the key cannot be looked up.
        """
        parsed = api_keys.parse(token)
        key = await self.valid(parsed[0]) if parsed is not None else None
        return key if parsed is not None and key is not None and api_keys.opens(key, parsed[1]) else None

    async def key_of(self, token: PageToken, kind: Kind) -> ApiKey:
        """The key that a session stands for, or that may open one.

        Raises:
            Unauthenticated: the token is not valid for this, or has expired.
            StoreDown: its key cannot be looked up.
        """
        key = await self.valid(token.key_id)
        if key is None or not token.is_genuine(key, kind) or time.time() >= token.expires_at:
            raise Unauthenticated("This browser is not signed in any more.", hint="Sign in again with a key.")
        return key

    async def _with_token(self, token: EventToken, events_of: str) -> Caller:
        key = await self.valid(token.key_id)
        if key is None or not token.is_genuine(key, events_of):
            raise Unauthenticated("This token is not valid for these events.", hint=GET_ANOTHER)
        if time.time() >= token.expires_at:
            raise Unauthenticated("This token has expired.", hint=GET_ANOTHER)
        return self.caller_with(key, until=token.expires_at)

    def caller_with(self, key: ApiKey, *, until: float | None = None) -> Caller:
        """Who makes requests with a valid key, or with what stands for it until that time."""
        limit = key.requests_per_minute or self._limit
        key_id, name = (_STACK, _STACK) if key is self._own else (key.key_id, key.name)
        return Caller(key_id, name, frozenset(key.scopes), limit, key.requests_per_minute is not None, until)


def origins(settings: Settings) -> frozenset[str]:
    """The web origins whose pages may use the gateway; `*` is all."""
    return frozenset(
        origin.strip().rstrip("/").lower() for origin in settings.gateway_cors_origins.split(",") if origin.strip()
    )
