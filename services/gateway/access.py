"""Who may do what: a key for every request, checked before its body is read.

A route says with `@needs("submit")` which scope it needs. A route that says nothing cannot be registered on a
`GuardedRoute`, so nothing is open by mistake.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute

from services.gateway import browsers
from services.gateway.gateway_errors import RateLimited, ScopeMissing, Unauthenticated
from services.gateway.key_directory import KeyDirectory
from shared.client import api_keys
from shared.client.api_keys import SCOPES, ApiKey, Scope
from shared.errors import BadInput, Misconfigured
from shared.settings import Settings
from shared.store.port import Store

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_NEEDS: Final = "__podcast_needs__"
_WINDOW_SECONDS: Final = 60.0
_WINDOWS_LIMIT: Final = 10_000
"""From this number of keys on, those that have not been used for a while are forgotten."""


@dataclass(frozen=True)
class Caller:
    """Who makes a request.

    Attributes:
        key_id: of the key; `stack` for the setting's own, `anonymous` without one.
        name: what people call it.
        scopes: what it may do.
        requests_per_minute: how often.
        is_limited: whether that is a limit of this key alone.
    """

    key_id: str
    name: str
    scopes: frozenset[Scope]
    requests_per_minute: int
    is_limited: bool = False


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
            caller = await guard(request).caller(request)
            request.state.caller = caller
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
    """Finds the caller of a request, and counts its requests.

    The counts are those of this process: a stateless gateway shares none. They protect a gateway from one client; they
    are no accounting.
    """

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
                    "PODCAST_GATEWAY_KEY is no key of the API.",
                    hint="Keys have the form of those that `podcast keys add` prints: pe_…_….",
                ) from error
        self._keys = KeyDirectory(store)
        self._windows: dict[str, tuple[float, int]] = {}

    def is_own(self, key_id: str) -> bool:
        """Whether this is the id of the key in the gateway's settings."""
        return self._own is not None and self._own.key_id == key_id

    async def caller(self, request: Request) -> Caller:
        """Who makes the request.

        Raises:
            Unauthenticated: it has no valid key.
            ForeignOrigin: it has none, and comes from a web page.
            RateLimited: the key has used up its requests.
            StoreDown: the key cannot be looked up.
        """
        who = await self._who(request)
        self._count(who, request)
        return who

    async def _who(self, request: Request) -> Caller:
        token = _token(request)
        if token is None:
            if self._anonymous:
                browsers.check(request, allowed_origins=self._origins)
                return Caller("anonymous", "anonymous", frozenset(SCOPES), self._limit)
            raise Unauthenticated("This needs a key.", hint="Send `Authorization: Bearer <key>`.")
        parsed = api_keys.parse(token)
        if parsed is not None:
            key_id, secret = parsed
            if self._own is not None and self._own.key_id == key_id:
                if api_keys.opens(self._own, secret):
                    return Caller("stack", "stack", frozenset(SCOPES), self._limit)
            else:
                key = await self._keys.find(key_id)
                if key is not None and api_keys.opens(key, secret) and key.revoked_at is None:
                    limit = key.requests_per_minute or self._limit
                    is_limited = key.requests_per_minute is not None
                    return Caller(key_id, key.name, frozenset(key.scopes), limit, is_limited)
        raise Unauthenticated("This key is not valid.", hint="`podcast keys list` lists the valid ones.")

    def _count(self, who: Caller, request: Request) -> None:
        now = time.monotonic()
        began, count = self._windows.get(who.key_id, (now, 0))
        if now - began >= _WINDOW_SECONDS:
            began, count = now, 0
        if who.key_id not in self._windows and len(self._windows) >= _WINDOWS_LIMIT:
            self._windows = {k: window for k, window in self._windows.items() if now - window[0] < _WINDOW_SECONDS}
        is_over = count >= who.requests_per_minute
        self._windows[who.key_id] = (began, count if is_over else count + 1)
        left_seconds = max(1, math.ceil(began + _WINDOW_SECONDS - now))
        remaining = max(0, who.requests_per_minute - count - 1)
        # draft-ietf-httpapi-ratelimit-headers-10: the policy (quota, window), and what is left of it (for how long).
        request.state.rate_limit = {
            "RateLimit-Policy": f'"key";q={who.requests_per_minute};w={_WINDOW_SECONDS:.0f}',
            "RateLimit": f'"key";r={remaining};t={left_seconds}',
        }
        if is_over:
            raise RateLimited(
                f"This key may make {who.requests_per_minute} requests a minute.",
                hint=f"Go on in {left_seconds} s.",
                retry_after_seconds=left_seconds,
            )


def origins(settings: Settings) -> frozenset[str]:
    """The web origins whose pages may use the gateway; `*` is all."""
    return frozenset(
        origin.strip().rstrip("/").lower() for origin in settings.gateway_cors_origins.split(",") if origin.strip()
    )


def _token(request: Request) -> str | None:
    """The key that was sent.

    Raises:
        Unauthenticated: there are several, of which a proxy may have checked another one.
    """
    sent = [*request.headers.getlist("authorization"), *request.headers.getlist("x-api-key")]
    if len(sent) > 1:
        raise Unauthenticated("The request has several keys.", hint="Send one `Authorization: Bearer <key>`.")
    if not sent:
        return None
    if "x-api-key" in request.headers:
        return sent[0].strip()
    kind, _, value = sent[0].partition(" ")
    if kind.lower() != "bearer" or not value.strip():
        raise Unauthenticated("The Authorization is of another kind.", hint="Send `Authorization: Bearer <key>`.")
    return value.strip()
