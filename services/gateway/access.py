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

from services.gateway.backend import Backend, backend
from services.gateway.problems import RateLimited, ScopeMissing, Unauthenticated
from shared.client import api_keys
from shared.client.api_keys import SCOPES, ApiKey, Scope

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_NEEDS: Final = "__podcast_needs__"
_REMEMBERED_SECONDS: Final = 5.0
"""How long a key from the store is used without asking again: a revoked key ends within this time."""
_REMEMBERED_KEYS: Final = 10_000
_WINDOW_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Caller:
    """Who makes a request.

    Attributes:
        key_id: of the key; `stack` for the setting's own, `anonymous` without one.
        name: what people call it.
        scopes: what it may do.
        requests_per_minute: how often.
    """

    key_id: str
    name: str
    scopes: frozenset[Scope]
    requests_per_minute: int


def needs(scope: Scope) -> Callable[[Endpoint], Endpoint]:
    """Say which scope a route needs."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _NEEDS, scope)
        return endpoint

    return mark


class GuardedRoute(APIRoute):
    """A route that checks the caller's key before anything of the request is read."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **extra: Any) -> None:
        scope: Scope | None = getattr(endpoint, _NEEDS, None)
        if scope is None:
            raise TypeError(f"{endpoint.__name__} does not say which scope it needs: put @needs(...) below the route")
        extra["openapi_extra"] = {**(extra.get("openapi_extra") or {}), "security": [{"key": [scope]}]}
        self.scope = scope
        super().__init__(path, endpoint, **extra)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the check."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            found = backend(request)
            guard: Guard = request.app.state.guard
            caller = await guard.caller(request, found)
            request.state.caller = caller
            if self.scope not in caller.scopes:
                raise ScopeMissing(f"This key has not the scope {self.scope}.", hint="Use another key.")
            return await handle(request)

        return guarded


def caller(request: Request) -> Caller:
    """Who makes this request."""
    found: Caller = request.state.caller
    return found


class Guard:
    """Finds the caller of a request, and counts its requests.

    The counts are those of this process: a stateless gateway shares none. They protect a gateway from one client; they
    are no accounting.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, ApiKey | None]] = {}
        self._windows: dict[str, tuple[float, int]] = {}

    async def caller(self, request: Request, found: Backend) -> Caller:
        """Who makes the request.

        Raises:
            Unauthenticated: it has no valid key.
            RateLimited: the key has used up its requests.
            StoreDown: the key cannot be looked up.
        """
        who = await self._who(request, found)
        self._count(who, request)
        return who

    async def _who(self, request: Request, found: Backend) -> Caller:
        settings = found.settings
        limit = settings.gateway_requests_per_minute
        token = _token(request)
        if token is None:
            if settings.gateway_anonymous:
                return Caller("anonymous", "anonymous", frozenset(SCOPES), limit)
            raise Unauthenticated("This needs a key.", hint="Send `Authorization: Bearer <key>`.")
        parsed = api_keys.parse(token)
        if parsed is not None:
            key_id, secret = parsed
            own = api_keys.parse(settings.gateway_key) if settings.gateway_key else None
            if own is not None and own[0] == key_id:
                if api_keys.opens(api_keys.key_of(settings.gateway_key, name="stack", scopes=SCOPES), secret):
                    return Caller("stack", "stack", frozenset(SCOPES), limit)
            else:
                key = await self._key(key_id, found)
                if key is not None and api_keys.opens(key, secret) and key.revoked_at is None:
                    return Caller(key_id, key.name, frozenset(key.scopes), key.requests_per_minute or limit)
        raise Unauthenticated("This key is not valid.", hint="`podcast keys list` lists the valid ones.")

    async def _key(self, key_id: str, found: Backend) -> ApiKey | None:
        now = time.monotonic()
        if key_id in self._known and now - self._known[key_id][0] < _REMEMBERED_SECONDS:
            return self._known[key_id][1]
        key = await api_keys.find(found.store, key_id)
        if len(self._known) >= _REMEMBERED_KEYS:
            self._known.clear()
        self._known[key_id] = (now, key)
        return key

    def _count(self, who: Caller, request: Request) -> None:
        now = time.monotonic()
        began, count = self._windows.get(who.key_id, (now, 0))
        if now - began >= _WINDOW_SECONDS:
            began, count = now, 0
        self._windows[who.key_id] = (began, count + 1)
        left_seconds = max(1, round(began + _WINDOW_SECONDS - now))
        remaining = max(0, who.requests_per_minute - count - 1)
        # draft-ietf-httpapi-ratelimit-headers: the policy, and what is left of it.
        request.state.rate_limit = {
            "RateLimit-Policy": f'"key";q={who.requests_per_minute};w={_WINDOW_SECONDS:.0f}',
            "RateLimit": f'"key";r={remaining};t={left_seconds}',
        }
        if count >= who.requests_per_minute:
            raise RateLimited(
                f"This key may make {who.requests_per_minute} requests a minute.",
                hint=f"Go on in {left_seconds} s.",
                retry_after_seconds=left_seconds,
            )


def _token(request: Request) -> str | None:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return value.strip()
    return request.headers.get("x-api-key")
